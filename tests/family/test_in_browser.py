"""A family's way on a phone, in a real browser, with and without script."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect

from orders import arriving
from orders.models import Order
from portal.demo.sample_people import sample_photo
from portal.models import User
from tests.browser import DESK, PHONE, SCREENSHOTS
from tests.factories import make_reviewable_item, make_reviewer, make_staff
from tests.family.making import approved_order, make_family_link, make_link
from tests.orders.people import make_order
from tests.walls.test_axe import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURES = SCREENSHOTS / "family"
TOO_SMALL = """() => [...document.querySelectorAll('a, button, summary, label.btn, select')]
    .filter(each => each.checkVisibility() && !each.closest('.foot, p') || each.matches('.btn'))
    .filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 43.5).map(each => each.outerHTML)"""
TOO_FINE = """() => [...document.querySelectorAll('main p, main li, main label, main button, main legend')]
    .filter(each => each.checkVisibility() && [...each.childNodes].some(node => node.nodeType == 3 && node.data.trim()))
    .filter(each => parseFloat(getComputedStyle(each).fontSize) < 16).map(each => each.outerHTML)"""


@pytest.fixture
def window(browser: Browser, live_server: Any, settings: Any) -> Iterator[Callable[..., Page]]:
    settings.SITE_URL = live_server.url
    contexts, complaints = [], []

    def opened(size: dict[str, int] = PHONE, *, complains: bool = False, **options: Any) -> Page:
        context = browser.new_context(
            viewport=size, locale="ko-KR", base_url=live_server.url, has_touch=size == PHONE, **options
        )
        contexts.append(context)
        page = context.new_page()
        if not complains:
            page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Security Policy" in line.text else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def staff(transactional_db: None) -> User:
    return make_staff()


@pytest.fixture
def draft(staff: User) -> Order:
    return make_order(staff)


@pytest.fixture
def mothers(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"어머니 {number}.jpg" for number in (1, 2)]
    for pose, file in enumerate(files):
        file.write_bytes(sample_photo(0, pose))
    return files


def look(page: Page, name: str) -> None:
    """Keep pictures of it, and hold it to what a tired eye and a thick finger need."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for size, pixels in (("phone", PHONE), ("desk", DESK)):
        page.set_viewport_size(pixels)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=PICTURES / f"{name}-{size}-{scheme}.png", full_page=True, animations="disabled")
    page.set_viewport_size(before)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    # A colour on its way from one theme to the other is neither's.
    page.wait_for_timeout(400)
    # What looks for violations is itself a script; and it tells nothing new of a page without one.
    if "without-script" not in name:
        assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= before["width"]
    assert page.evaluate(TOO_SMALL) == []
    assert page.evaluate(TOO_FINE) == []


def test_photos_sent_by_link_survive_a_lost_connection(window, draft, staff, mothers):
    _link, token = make_family_link(draft, staff)
    phone = window()
    phone.goto(f"/f/{token}/photos/")
    look(phone, "upload-empty")
    lost = []

    def lose_every_other(route: Route) -> None:
        lost.append(route.request.url)
        if len(lost) % 2:
            route.abort()
        else:
            route.continue_()

    phone.route("**/photos/send/**", lose_every_other)
    phone.locator("input[multiple]").set_input_files(mothers)
    expect(phone.locator(".sent > li")).to_have_count(2, timeout=60_000)
    expect(phone.locator("#uploads > li")).to_have_count(0)
    assert draft.photos.count() == 2
    assert len(lost) >= 8
    look(phone, "upload-done")
    phone.reload()
    expect(phone.locator(".sent > li")).to_have_count(2)


def test_a_page_of_somebody_elses_in_the_way_is_waited_for_like_a_lost_connection(window, draft, staff, mothers):
    """A hotel's network answers everything with its own page until its terms are accepted."""
    _link, token = make_family_link(draft, staff)
    phone = window()
    phone.goto(f"/f/{token}/photos/")
    answers = []

    def answer_the_first_of_each(route: Route) -> None:
        answers.append(route.request.method)
        if answers.count(route.request.method) == 1:
            route.fulfill(status=200, content_type="text/html", body="<h1>Welcome</h1>")
        else:
            route.continue_()

    phone.route("**/photos/send/**", answer_the_first_of_each)
    phone.locator("input[multiple]").set_input_files(mothers)
    expect(phone.locator(".sent > li")).to_have_count(2, timeout=60_000)
    assert {answers.count(method) > 1 for method in ("POST", "PUT")} == {True}


def test_a_fault_at_one_photo_leaves_the_next_ones_their_turn(window, draft, staff, mothers):
    _link, token = make_family_link(draft, staff)
    phone = window(complains=True)
    phone.goto(f"/f/{token}/photos/")
    told = {"code": "x", "offset": 0, "photo": "not a part of a page"}

    phone.route("**/photos/send/", lambda route: route.fulfill(status=201, json=told), times=1)
    phone.locator("input[multiple]").set_input_files(mothers)
    expect(phone.locator(".sent > li")).to_have_count(1, timeout=60_000)
    expect(phone.locator("#uploads .told")).to_contain_text("저희 쪽 문제로 받지 못했습니다.")
    phone.get_by_role("button", name="다시 보내기").click()
    expect(phone.locator(".sent > li")).to_have_count(2, timeout=60_000)


def test_too_many_in_an_hour_says_when_it_goes_on_and_does(window, draft, staff, mothers):
    _link, token = make_family_link(draft, staff)
    phone = window()
    phone.clock.install()
    phone.goto(f"/f/{token}/photos/")
    asked = []

    def refuse_the_first(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1800"}, body="")
        else:
            route.continue_()

    phone.route("**/photos/send/", refuse_the_first)
    phone.locator("input[multiple]").set_input_files(mothers[0])
    line = phone.locator("#uploads .told")
    expect(line).to_contain_text("한 시간에 받는 사진 수를 넘었습니다.")
    assert re.search(r"\b[0-2][0-9]:[0-5][0-9]에 이어서", line.inner_text())
    phone.clock.fast_forward(1_790_000)
    assert len(asked) == 1
    phone.clock.fast_forward(20_000)
    expect(phone.locator(".sent > li")).to_have_count(1, timeout=60_000)


def test_after_the_page_was_closed_the_same_photo_goes_on_where_it_stopped(window, draft, staff, mothers, monkeypatch):
    monkeypatch.setattr(arriving, "PIECE", 16 * 1024)
    link, token = make_family_link(draft, staff)
    first = window()
    first.goto(f"/f/{token}/photos/")
    sent = []

    def break_off_after_two(route: Route) -> None:
        sent.append(route.request.headers["content-range"])
        if len(sent) > 2:
            route.abort()
        else:
            route.continue_()

    first.route("**/photos/send/*/", break_off_after_two)
    first.locator("input[multiple]").set_input_files(mothers[0])
    expect(first.locator("#uploads .told")).to_contain_text("연결이 끊겼습니다.", timeout=30_000)
    first.close()
    assert link.arrivals.get().received == 2 * arriving.PIECE

    second = window()
    second.goto(f"/f/{token}/photos/")
    again = []
    second.on("request", lambda request: again.append(request.headers.get("content-range")))
    second.locator("input[multiple]").set_input_files(mothers[0])
    expect(second.locator(".sent > li")).to_have_count(1, timeout=60_000)
    ranges = [each for each in again if each]
    assert ranges[0].startswith(f"bytes {2 * arriving.PIECE}-")


def test_a_file_that_is_no_photo_is_said_and_the_next_one_goes_on(window, draft, staff, mothers, tmp_path):
    _link, token = make_family_link(draft, staff)
    bad = tmp_path / "청구서.jpg"
    bad.write_bytes(b"<html>" * 100)
    phone = window()
    phone.goto(f"/f/{token}/photos/")
    phone.locator("input[multiple]").set_input_files([bad, mothers[0]])
    expect(phone.locator(".sent > li")).to_have_count(1, timeout=60_000)
    expect(phone.locator("#uploads .told")).to_contain_text("사진 파일이 아닙니다.")
    look(phone, "upload-refused")
    phone.get_by_role("button", name="목록에서 빼기").click()
    expect(phone.locator("#uploads > li")).to_have_count(0)


def test_photos_are_sent_and_faces_chosen_without_script(window, draft, staff, mothers):
    link, token = make_family_link(draft, staff)
    phone = window(java_script_enabled=False)
    phone.goto(f"/f/{token}/photos/")
    phone.locator("input[multiple]").set_input_files(mothers)
    phone.get_by_role("button", name="고른 사진 올리기").click()
    expect(phone.locator(".sent > li")).to_have_count(2)
    photo = link.photos.first()
    photo.faces, photo.main_face = [*photo.faces, [0.05, 0.05, 0.2, 0.2]], 0
    photo.save()
    phone.reload()
    PICTURES.mkdir(parents=True, exist_ok=True)
    phone.screenshot(path=PICTURES / "upload-faces-without-script.png", full_page=True)
    phone.get_by_role("button", name="2번째 얼굴").click()
    expect(phone.locator("[aria-pressed=true]")).to_have_attribute("value", "1")
    phone.get_by_role("button", name="이 사진 빼기").first.click()
    expect(phone.locator(".sent > li")).to_have_count(1)


def let_in(page: Page, user: User, address: str) -> None:
    client = Client()
    client.force_login(user)
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])


def test_what_staff_hand_out_and_print(window, staff, live_server):
    order = approved_order(staff)
    desk = window(DESK)
    let_in(desk, staff, live_server.url)
    make_link(order, staff, recipient="큰딸", pin_hash="x", wrong_tries=8, visits=3)
    link, _token = make_link(order, staff, visits=2, downloads=1)
    link.log.create(deliverable=None)
    desk.goto(f"/orders/{order.code}/")
    desk.get_by_text("받으실 분과 번호 정하기").click()
    desk.get_by_label("받으실 분").fill("둘째 아들")
    desk.get_by_label("번호 (숫자 4–6자리)").fill("2580")
    desk.get_by_text("받은 기록").first.click()
    desk.screenshot(path=PICTURES / "desk-links.png", full_page=True)
    desk.get_by_role("button", name="새 링크 만들기").click()
    desk.get_by_text("번호는 2580입니다").wait_for()
    desk.screenshot(path=PICTURES / "desk-issued.png", full_page=True)
    desk.emulate_media(media="print")
    expect(desk.get_by_role("heading", name="휴대전화 카메라로", include_hidden=True)).to_be_visible()
    expect(desk.locator("#link-url")).to_be_hidden()
    assert "김영자" not in desk.locator("body").inner_text()
    desk.screenshot(path=PICTURES / "paper.png", full_page=True)


def test_a_reviewer_offers_by_boxes_and_staff_see_what_is_asked(window, staff, live_server):
    type(staff.home).objects.update(family_chooses=True)
    staff.home.refresh_from_db()
    item = make_reviewable_item(staff)
    reviewer = make_reviewer()
    page = window(DESK)
    let_in(page, reviewer, live_server.url)
    page.goto(f"/review/{item.code}/")
    for number in (1, 3):
        page.get_by_label(f"후보 {number}", exact=True).last.check()
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "review-offering.png", full_page=True)
    page.get_by_role("button", name="고른 후보를 가족께 보이기").click()
    page.get_by_text("가족이 후보 2장 가운데 고르고 있습니다").wait_for()
    page.screenshot(path=PICTURES / "review-offered.png", full_page=True)
    desk = window(DESK)
    let_in(desk, staff, live_server.url)
    desk.goto(f"/orders/{item.order.code}/")
    desk.get_by_text("가족이 고르는 중").wait_for()
    desk.screenshot(path=PICTURES / "desk-choosing.png", full_page=True)
    assert desk.evaluate("document.documentElement.scrollWidth") <= DESK["width"]
