"""The family's consent on a phone: signed with a finger, or by the typed name where no script runs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from orders.models import Consent, Order
from portal.models import User
from tests.browser import PHONE, SCREENSHOTS
from tests.family.making import make_family_link
from tests.orders.people import make_order, make_photo

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def order(alice: User) -> Order:
    order = make_order(alice, mourner_name="이민정")
    make_photo(order, shows_others=True)
    return order


@pytest.fixture
def phone(browser: Browser, live_server: Any) -> Iterator[Any]:
    """A phone in Korean; whatever its console complains about fails the test, refusals in words aside."""
    contexts, complaints = [], []

    def take(**options: Any) -> Page:
        given = {"viewport": PHONE, "locale": "ko-KR", "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
        context = browser.new_context(base_url=live_server.url, **(given | options))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if is_complaint(line) else None)
        return page

    yield take
    for context in contexts:
        context.close()
    assert complaints == []


def is_complaint(line: Any) -> bool:
    return line.type == "error" and "422" not in line.text


def asked(order: Order, alice: User) -> str:
    _link, token = make_family_link(order, alice, "consent", max_uses=1)
    return f"/f/{token}/consent/"


def look(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.screenshot(path=SCREENSHOTS / f"consent-{name}-{theme}.png", full_page=True, animations="disabled")
    page.emulate_media(color_scheme="light")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def sign(page: Page) -> None:
    pad = page.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    places = [(0.15, 0.7), (0.3, 0.25), (0.4, 0.75), (0.6, 0.3), (0.85, 0.6)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()


def test_signed_with_a_finger(phone: Any, order: Order, alice: User) -> None:
    page = phone()
    page.goto(asked(order, alice))
    look(page, "paper")
    page.locator("input[name=scope][value=likeness]").check()
    page.get_by_label("고인과의 관계").fill("딸")
    sign(page)
    page.get_by_role("button", name="동의하고 보내기").click()
    expect(page.get_by_text("동의하시는 분의 성함을 적어 주세요.")).to_be_visible()
    look(page, "asked-again")
    page.get_by_label("동의하시는 분의 성함").fill("이민정")
    page.get_by_role("button", name="동의하고 보내기").click()
    expect(page.get_by_role("heading", name="동의를 받았습니다")).to_be_visible()
    look(page, "answered")
    consent = Consent.objects.get()
    assert (consent.method, consent.scope) == ("signed", ["likeness"]), "the signature came back with the question"
    page.get_by_role("link", name="동의 철회").click()
    look(page, "withdraw")
    page.get_by_label("고인이나 동의하신 분의 성함").fill("이민정")
    page.get_by_role("button", name="동의를 철회합니다").click()
    expect(page.get_by_role("heading", name="철회되었습니다")).to_be_visible()
    look(page, "withdrawn")
    assert Order.objects.get().erased_at


INK = """canvas => {
    const { width, height } = canvas, ink = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    const rows = [...Array(height).keys()].filter(y => ink.subarray(4 * y * width, 4 * (y + 1) * width).some(Boolean));
    return [rows[0] / height, rows.at(-1) / height];
}"""


def test_a_finger_that_goes_up_and_down_draws_and_does_not_scroll(phone: Any, order: Order, alice: User) -> None:
    """A real touch, which a browser takes for scrolling unless the field says that it is not."""
    page = phone()
    page.goto(asked(order, alice))
    pad = page.locator("canvas")
    pad.evaluate("pad => pad.scrollIntoView({ block: 'center' })")
    at, before = pad.bounding_box(), page.evaluate("scrollY")
    assert at
    assert before > 100
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight - scrollY") > 100
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": at["x"] + x * at["width"], "y": at["y"] + y * at["height"]} for x, y in places]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.5, 0.1))
    for step in [*range(1, 9), *range(8, 0, -1), *range(1, 9)]:
        touch("touchMove", (0.5, 0.1 + 0.1 * step))
    touch("touchEnd")
    expect(page.locator("input[name=signature]")).to_have_value(re.compile("^data:image/png;base64,"))
    highest, lowest = pad.evaluate(INK)
    assert (highest < 0.15, lowest > 0.85) == (True, True)
    assert page.evaluate("scrollY") == before


def test_cleared_and_signed_again(phone: Any, order: Order, alice: User) -> None:
    page = phone()
    page.goto(asked(order, alice))
    sign(page)
    assert page.locator("input[name=signature]").input_value().startswith("data:image/png;base64,")
    page.get_by_role("button", name="지우고 다시 서명").click()
    assert page.locator("input[name=signature]").input_value() == ""


def test_without_script_the_typed_name_stands_for_it(phone: Any, order: Order, alice: User) -> None:
    page = phone(java_script_enabled=False)
    page.goto(asked(order, alice))
    expect(page.locator("canvas")).to_be_hidden()
    page.locator("input[name=scope][value=likeness]").check()
    page.locator("input[name=scope][value=others]").check()
    page.get_by_label("동의하시는 분의 성함").fill("이민정")
    page.get_by_label("고인과의 관계").fill("딸")
    page.get_by_label("위에 적은 성함으로 서명을 대신합니다").check()
    page.get_by_role("button", name="동의하고 보내기").click()
    expect(page.get_by_role("heading", name="동의를 받았습니다")).to_be_visible()
    assert (Consent.objects.get().method, Consent.objects.get().scope) == ("typed", ["likeness", "others"])


def test_by_keyboard_alone(phone: Any, order: Order, alice: User) -> None:
    page = phone(has_touch=False, is_mobile=False)
    page.goto(asked(order, alice))
    page.locator("input[name=scope][value=likeness]").focus()
    page.keyboard.press("Space")
    page.get_by_label("동의하시는 분의 성함").focus()
    page.keyboard.type("이민정")
    page.keyboard.press("Tab")
    page.keyboard.type("딸")
    page.get_by_label("위에 적은 성함으로 서명을 대신합니다").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="동의를 받았습니다")).to_be_visible()


def test_a_relative_is_heard_and_the_page_is_calm(phone: Any, order: Order, alice: User) -> None:
    page = phone(java_script_enabled=False)
    page.goto(asked(order, alice))
    page.get_by_role("link", name="다른 뜻이 있으시면 말씀해 주세요").click()
    look(page, "objection")
    page.get_by_role("button", name="말씀 전하기").click()
    expect(page.get_by_text("말씀하실 내용을 적어 주세요.")).to_be_visible()
    page.get_by_label("성함").fill("김민수")
    page.get_by_label("관계").fill("동생")
    page.get_by_label("말씀하실 내용").fill("누님 뜻과 다릅니다.")
    page.get_by_role("button", name="말씀 전하기").click()
    expect(page.get_by_role("heading", name="말씀을 전했습니다")).to_be_visible()
    look(page, "told")
    assert order.is_paused
