"""A reviewer's night: everything on the review page by keys alone, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from orders.models import Approval, Candidate, Item
from tests.factories import make_reviewable_item, make_reviewer
from tests.journey import steps

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("review by keys"),
]


@pytest.fixture
def portrait() -> Item:
    return make_reviewable_item(name="김영자")


@pytest.fixture
def page(portrait: Item, window) -> Page:
    """The portrait, opened by a reviewer."""
    reviewer = window()
    steps.log_in(reviewer, make_reviewer())
    reviewer.goto(f"/review/{portrait.code}/")
    return reviewer


def test_figures_choose_the_candidate_that_is_shown_large(page: Page) -> None:
    for number in (3, 1, 4, 2):
        page.keyboard.press(str(number))
        expect(page.locator(f".large figure.n{number}")).to_be_visible()
        expect(page.locator(".large figure:visible")).to_have_count(1)
        expect(page.get_by_role("button", name=f"{number}번 승인")).to_be_visible()


def test_a_approves_the_candidate_that_is_looked_at(page: Page, portrait: Item) -> None:
    page.keyboard.press("3")
    page.keyboard.press("a")
    page.get_by_text("영정사진 3번을 승인했습니다.").wait_for()
    assert Approval.objects.get().candidate == portrait.candidates.get(number=3)


def test_the_choice_outlives_the_pages_own_renewal(page: Page, portrait: Item) -> None:
    page.keyboard.press("4")
    Candidate.objects.filter(item=portrait, number=1).update(state=Candidate.State.REJECTED)
    page.get_by_text("뺌").first.wait_for(state="attached")
    expect(page.locator(".large figure.n4")).to_be_visible()
    page.keyboard.press("a")
    page.get_by_text("영정사진 4번을 승인했습니다.").wait_for()


def test_r_asks_for_a_reason_and_letters_typed_there_decide_nothing(page: Page, portrait: Item) -> None:
    page.keyboard.press("r")
    box = page.get_by_label("덧붙일 말")
    expect(box).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("m")
    box.click()
    page.keyboard.type("amxr 안경을 벗은 사진")
    assert not Approval.objects.exists()
    page.get_by_text("얼굴이 작거나 흐립니다.").click()
    page.get_by_role("button", name="돌려보내기", exact=True).last.click()
    page.get_by_text("의뢰를 담당자에게 돌려보냈습니다.").wait_for()
    portrait.refresh_from_db()
    assert portrait.state == Item.State.RETURNED
    assert portrait.return_reason.startswith("얼굴이 작거나 흐립니다.")
    assert portrait.return_reason.endswith("amxr 안경을 벗은 사진")


def test_escape_leaves_the_reason_and_everything_as_it_was(page: Page, portrait: Item) -> None:
    page.keyboard.press("r")
    expect(page.get_by_label("덧붙일 말")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("덧붙일 말")).to_be_hidden()
    portrait.refresh_from_db()
    assert portrait.state == Item.State.TO_REVIEW


def test_m_makes_four_more(page: Page, portrait: Item) -> None:
    page.keyboard.press("m")
    page.get_by_text("후보를 다시 만들기 시작했습니다.").wait_for()
    portrait.refresh_from_db()
    assert (portrait.state, portrait.round) == (Item.State.PRODUCING, 2)
    assert portrait.candidates.count() == 8


def test_j_and_k_go_to_the_next_and_back(page: Page, portrait: Item) -> None:
    other = make_reviewable_item(name="박철수", needed_at=portrait.order.needed_at)
    page.reload()
    page.keyboard.press("j")
    page.wait_for_url(f"**/review/{other.code}/")
    page.keyboard.press("k")
    page.wait_for_url(f"**/review/{portrait.code}/")


def test_keys_work_with_the_korean_layout_on(page: Page) -> None:
    say = "key => document.dispatchEvent(new KeyboardEvent('keydown', {...key, bubbles: true, cancelable: true}))"
    page.keyboard.press("2")
    page.evaluate(say, {"key": "ㅁ", "code": "KeyA"})
    page.get_by_text("영정사진 2번을 승인했습니다.").wait_for()
