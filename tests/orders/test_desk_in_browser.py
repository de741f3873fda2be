"""The desk as it is used: one new order from the first letter to "의뢰하기", by keyboard, on a phone and a desk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from orders.models import Order
from portal.models import User
from tests.browser import DESK, PHONE, SCREENSHOTS, log_in
from tests.factories import (
    drawn_person,
    finish_job,
    make_order,
    make_reviewable_item,
    make_submitted_order,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def alices_desk(browser: Browser, live_server: Any, alice: User) -> Iterator[Any]:
    """Opens an address as Alice; nothing may be said on the console by then."""
    contexts, complaints = [], []

    def go(address: str, **options: Any) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            locale="ko-KR",
            **({"viewport": DESK, "timezone_id": "America/New_York"} | options),
        )
        log_in(context, alice, live_server.url)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if is_complaint(line) else None)
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


def is_complaint(line: ConsoleMessage) -> bool:
    """A refusal in words (422) is what some tests are about."""
    return line.type == "error" and "422" not in line.text


def code_of(page: Page) -> UUID:
    return UUID(page.url.rstrip("/").rsplit("/", 1)[-1])


def saved(page: Page) -> None:
    expect(page.locator("[data-draft-status]")).to_contain_text("저장됨")


def test_an_order_from_the_first_letter_to_its_making(alices_desk: Any, tmp_path: Path) -> None:
    page = alices_desk("/orders/")
    page.keyboard.press("n")
    page.wait_for_url("**/orders/new/*/")
    code = code_of(page)
    page.get_by_label("성함").first.fill("김영자")
    page.get_by_label("생년월일").fill("480305")
    page.get_by_label("별세일").fill("봄")
    page.locator("label.card", has_text="영정사진").click()
    page.get_by_text("한복", exact=True).click()
    saved(page)
    expect(page.locator("#said-born_on")).to_contain_text("1948년 3월 5일")
    expect(page.locator("#said-died_on")).to_contain_text("날짜를 읽지 못했습니다")
    page.get_by_label("별세일").fill("오늘")
    page.get_by_role("button", name="2시간 뒤").click()
    expect(page.locator("#said-altar_at")).to_contain_text("1시간 5")
    files = []
    for number in (1, 2):
        files.append(tmp_path / f"사진{number}.png")
        files[-1].write_bytes(drawn_person(number, (600, 750)))
    files.append(tmp_path / "글.jpg")
    files[-1].write_text("사진이 아닙니다")
    page.locator("input[type=file][multiple]").set_input_files(files)
    expect(page.locator("#photo-list > li")).to_have_count(2)
    expect(page.locator(".upload.bad")).to_contain_text("사진 파일이 아닙니다")
    expect(page.locator("#todo")).to_contain_text("사진 2장")
    second = page.locator("#photo-list > li").nth(1)
    name = second.locator(".clip").inner_text()
    second.get_by_role("button", name="첫 번째로").click()
    expect(page.locator("#photo-list > li").first).to_contain_text(name)
    page.screenshot(path=SCREENSHOTS / "desk-draft.png", full_page=True)

    page.get_by_role("button", name="의뢰하기").click()
    expect(page.get_by_role("alert").first).to_contain_text("상주의 동의를 받아 주세요.")
    page.get_by_text("동의 받기").click()
    page.get_by_label("고인의 모습을 AI로 만드는 일에 동의합니다").check()
    page.get_by_label("동의하시는 분", exact=True).fill("김도현")
    page.get_by_label("고인과의 관계").fill("아들")
    page.get_by_text("화면을 보고 직접 확인").click()
    page.screenshot(path=SCREENSHOTS / "desk-consent.png", full_page=True)
    page.get_by_role("button", name="동의 기록하기").click()
    expect(page.locator("#todo")).to_contain_text("김도현 님 동의")
    page.get_by_role("button", name="의뢰하기").click()
    expect(page.locator(".message")).to_contain_text("의뢰를 보냈습니다")
    expect(page.locator("#live")).to_contain_text("1번째로 기다리는 중")
    page.screenshot(path=SCREENSHOTS / "desk-sent.png", full_page=True)
    order = Order.objects.get(code=code)
    assert order.items.get().options["clothes"] == "hanbok"
    assert order.photos.first().given_name == name


def test_leaving_and_coming_back_loses_nothing(alices_desk: Any) -> None:
    page = alices_desk("/orders/new/")
    page.get_by_label("성함").first.fill("남궁옥분")
    saved(page)
    page.goto("/orders/")
    page.go_back()
    expect(page.get_by_label("성함").first).to_have_value("남궁옥분")
    page.get_by_label("빈소", exact=True).fill("5호")
    saved(page)
    assert Order.objects.get().hall == "5호"


def test_the_path_of_the_living_asks_for_their_own_consent(alices_desk: Any) -> None:
    page = alices_desk("/orders/new/")
    page.get_by_text("생전 준비", exact=True).click()
    expect(page.locator("#consent")).to_have_text("본인의 동의")
    expect(page.get_by_label("별세일")).to_be_hidden()
    expect(page.get_by_label("빈소 차림 시각")).to_be_hidden()
    saved(page)
    assert Order.objects.get().made_for == "living"


def test_a_scene_offers_what_may_be_left_out_of_it(alices_desk: Any) -> None:
    page = alices_desk("/orders/new/")
    page.locator("label.card", has_text="인생 더하기").click()
    page.get_by_label("장면").select_option("fishing")
    page.get_by_label("낚싯대").check()
    saved(page)
    expect(page.get_by_label("마이크")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("낚싯대")).to_be_checked()


def test_the_list_is_walked_and_searched_by_keyboard(alices_desk: Any, alice: User) -> None:
    for name in ("김영자", "박철수", "이순신"):
        make_order(alice, name=name)
    page = alices_desk("/orders/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "박철수" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("/")
    page.keyboard.type("ㅇㅅㅅ")
    expect(page.locator(".rows > a")).to_have_count(1)
    assert "q=" in page.url
    page.reload()
    expect(page.locator(".rows > a")).to_contain_text("이순신")


def test_progress_comes_without_a_reload(alices_desk: Any, alice: User) -> None:
    order = make_submitted_order(alice)
    page = alices_desk(f"/orders/{order.code}/")
    expect(page.locator("#live")).to_contain_text("1번째로 기다리는 중")
    for candidate in order.items.get().candidates.all():
        finish_job(candidate)
    expect(page.locator("#live img")).to_have_count(4, timeout=10_000)
    expect(page.locator("#live")).to_contain_text("검수 대기")


@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desk", DESK)])
def test_the_pages_fit_their_screens(alices_desk: Any, alice: User, name: str, size: Any) -> None:
    order = make_order(alice, name="황보선우" * 12, hall="특별히 넓은 지하 1층 별관 국화실", photos=1)
    item = make_reviewable_item(alice)
    make_order(alice, name="", needed_at=None, unread={"born_on": "봄에 태어나심"})
    for number, address in enumerate(["/orders/", f"/orders/{order.code}/", f"/orders/{item.order.code}/"]):
        page = alices_desk(address, viewport=size)
        page.screenshot(path=SCREENSHOTS / f"desk-{name}-{number}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, address
