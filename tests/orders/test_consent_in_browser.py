"""Consent at the desk in a real browser: signed on the staff's screen, read on paper, its words written anew."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from orders.models import Consent, ConsentText
from portal.models import User
from tests.browser import DESK, PHONE, SCREENSHOTS, log_in
from tests.factories import make_order, make_submitted_order
from tests.orders.people import make_objection, make_settled_objection, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def opened(browser: Browser, live_server: Any) -> Iterator[Any]:
    """Opens an address as somebody; a complaint on the console fails the test."""
    contexts, complaints = [], []

    def go(user: User, address: str) -> Page:
        context = browser.new_context(base_url=live_server.url, locale="ko-KR", viewport=DESK)
        log_in(context, user, live_server.url)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Security Policy" in line.text else None)
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


def look(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    for size, pixels, theme in (("desk", DESK, "light"), ("phone", PHONE, "dark")):
        page.set_viewport_size(pixels)
        page.emulate_media(color_scheme=theme)
        page.screenshot(path=SCREENSHOTS / f"consent-{name}-{size}.png", full_page=True, animations="disabled")
        assert page.evaluate("document.documentElement.scrollWidth") <= pixels["width"]
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")


def test_signed_on_the_staffs_screen_and_read_on_paper(opened: Any, alice: User) -> None:
    order = make_order(alice, photos=1)
    page = opened(alice, f"/orders/{order.code}/")
    part = page.locator("#consent-part")
    part.locator("summary", has_text="동의 받기").click()
    part.locator("input[name=scope][value=likeness]").check()
    part.get_by_label("동의하시는 분", exact=True).fill("이민정")
    part.get_by_label("고인과의 관계").fill("딸")
    part.get_by_text("화면에 손으로 서명").click()
    pad = part.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + 60, box["y"] + 120)
    page.mouse.down()
    for x, y in ((140, 40), (190, 130), (280, 50), (380, 110)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()
    look(page, "desk-signed")
    part.get_by_role("button", name="동의 기록하기").click()
    expect(part.get_by_text("동의 완료")).to_be_visible()
    assert Consent.objects.get().method == "signed"
    part.get_by_role("link", name="기록 보기와 인쇄").click()
    expect(page.get_by_role("heading", name="동의 기록")).to_be_visible()
    assert page.locator(".evidence img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    look(page, "record")
    assert page.pdf(path=SCREENSHOTS / "consent-record.pdf", prefer_css_page_size=True).startswith(b"%PDF")


def test_the_words_are_seen_as_families_will_and_published(opened: Any, alice: User) -> None:
    manager = make_user("manager", alice.home, User.Role.MANAGER)
    page = opened(manager, "/settings/")
    page.get_by_role("link", name="동의 문구").click()
    page.get_by_role("link", name="새 판 쓰기").first.click()
    page.get_by_label("묻는 말").first.fill("고인의 모습을 AI로 만드는 일을 여쭙니다")
    look(page, "words-new")
    page.get_by_role("button", name="가족이 보는 모습 보기").click()
    expect(page.locator(".paper").get_by_text("고인의 모습을 AI로 만드는 일을 여쭙니다")).to_be_visible()
    look(page, "words-preview")
    page.get_by_role("button", name="이 문구로 내기").click()
    expect(page.get_by_text("지금은 1판으로 여쭙니다.")).to_be_visible()
    look(page, "words")
    assert ConsentText.objects.get(home=alice.home).boxes[0]["title"] == "고인의 모습을 AI로 만드는 일을 여쭙니다"


def test_an_objection_is_the_first_thing_on_the_order(opened: Any, alice: User) -> None:
    order = make_submitted_order(alice)
    make_settled_objection(order, alice)
    make_objection(order, contact="010-1234-5678")
    page = opened(alice, f"/orders/{order.code}/")
    look(page, "objected")
    page.locator("#objections summary", has_text="정리하기").click()
    page.get_by_label("어떻게 정했는지").fill("형제분들이 함께 정하셨습니다.")
    page.get_by_role("button", name="정리하고 다시 잇기").click()
    expect(page.get_by_text("이의를 정리한 것으로 기록했습니다.")).to_be_visible()
    assert not order.objections.standing().exists()
