"""The cut by hand: dragging moves the numbers, and the picture that comes back is another one."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from orders import review
from orders.models import Finish, Item
from tests import factories as made
from tests.browser import DESK, PHONE, log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def item() -> Item:
    item = made.make_reviewable_item()
    review.approve([item.candidates.all()[0]], by=made.make_reviewer(), request=None)
    return item


@pytest.fixture
def page(browser: Browser, live_server: Any, item: Item) -> Iterator[Page]:
    yield from opened(browser, live_server.url, item, viewport=DESK)


@pytest.fixture
def phone(browser: Browser, live_server: Any, item: Item) -> Iterator[Page]:
    yield from opened(browser, live_server.url, item, viewport=PHONE, has_touch=True, is_mobile=True)


def opened(browser: Browser, url: str, item: Item, **how: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=url, locale="ko-KR", **how)
    log_in(context, item.order.created_by, url)
    page = context.new_page()
    page.goto(f"/items/{item.code}/cut/")
    yield page
    context.close()


def test_a_drag_moves_the_face_and_is_kept(page: Page, item: Item):
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text))
    picture = page.locator("[data-drag] img")
    before = picture.get_attribute("src")
    box = page.locator("[data-drag]").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    width = min(box["width"], box["height"] * 11 / 14)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + width * 0.1, y - box["height"] * 0.05, steps=3)
    page.mouse.up()
    expect(page.locator("[name=x]")).to_have_value("60")
    expect(page.locator("[name=eyes]")).to_have_value("35")
    page.mouse.wheel(0, -100)
    expect(picture).not_to_have_attribute("src", str(before))
    page.get_by_role("button", name="이대로 다시 만들기").click()
    page.wait_for_url(f"**/orders/{item.order.code}/**")
    item.refresh_from_db()
    assert (item.cut["x"], item.cut["eyes"]) == (0.6, 0.35)
    assert Finish.objects.get().state == "waiting"
    assert complaints == []


def test_the_head_is_made_larger_with_a_slider_and_all_of_it_with_keys(page: Page):
    picture = page.locator("[data-drag] img")
    before = str(picture.get_attribute("src"))
    slide = page.get_by_role("slider", name="머리 크기")
    head = int(page.locator("[name=head]").input_value())
    slide.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[name=head]")).to_have_value(str(head + 2))
    page.locator("[name=eyes]").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("[name=eyes]")).to_have_value("41")
    expect(picture).not_to_have_attribute("src", before)
    expect(picture).to_have_attribute("src", re.compile(rf"head={head + 2}&eyes=41"))
    page.locator("[name=head]").fill("50")
    expect(slide).to_have_value("50")


def test_a_finger_drags_the_face_and_the_page_does_not_scroll_under_it(phone: Page):
    holder = phone.locator("[data-drag]")
    holder.scroll_into_view_if_needed()
    box = holder.bounding_box()
    assert box is not None
    scrolled = phone.evaluate("window.scrollY")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    width = min(box["width"], box["height"] * 11 / 14)
    hand = phone.context.new_cdp_session(phone)
    hand.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for share in (0.3, 0.6, 1.0):
        point = {"x": x - width * 0.1 * share, "y": y + box["height"] * 0.1 * share}
        hand.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(phone.locator("[name=x]")).to_have_value("40")
    expect(phone.locator("[name=eyes]")).to_have_value("50")
    expect(phone.locator("[data-drag] img")).to_have_attribute("src", re.compile("eyes=50&x=40"))
    assert phone.evaluate("window.scrollY") == scrolled
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
