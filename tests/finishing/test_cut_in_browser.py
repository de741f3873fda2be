"""The cut by hand: dragging moves the numbers, and the picture that comes back is another one."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, Page, expect

from orders import review
from orders.models import Finish, Item
from portal.models import User
from tests import factories as made
from tests.browser import DESK, chromium

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def item() -> Item:
    item = made.make_reviewable_item()
    review.approve([item.candidates.all()[0]], by=made.make_reviewer(), request=None)
    return item


@pytest.fixture
def page(browser: Browser, live_server: Any, item: Item) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url, locale="ko-KR", viewport=DESK)
    context.add_cookies([{"name": "sessionid", "value": session_of(item.order.created_by), "url": live_server.url}])
    yield context.new_page()
    context.close()


def session_of(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def test_a_drag_moves_the_face_and_is_kept(page: Page, item: Item):
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text))
    page.goto(f"/items/{item.code}/cut/")
    picture = page.locator("[data-drag] img")
    before = picture.get_attribute("src")
    box = page.locator("[data-drag]").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] * 0.1, y - box["height"] * 0.05, steps=3)
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
