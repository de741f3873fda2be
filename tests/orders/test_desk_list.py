"""오늘의 의뢰: what is open, nearest due first, with chips, search and pages in the address."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from orders.models import Item
from portal.models import User
from tests.factories import make_order, make_reviewable_item, make_submitted_order
from tests.orders.conftest import browser_of

pytestmark = pytest.mark.django_db


LIST = "/orders/"


def due(**span: int) -> dict[str, object]:
    moment = timezone.now() + timedelta(**span)
    return {"needed_at": moment, "altar_at": moment}


def names(browser: Client, **asked: str) -> list[str]:
    return [now.order.name for now in browser.get(LIST, asked).context["rows"]]


def test_an_empty_list_says_how_to_begin(desk: Client) -> None:
    page = desk.get(LIST).content.decode()
    assert "아직 의뢰가 없습니다" in page
    assert 'data-key="n"' in page


def test_the_nearest_due_stands_first_and_what_is_over_is_not_there(desk: Client, alice: User) -> None:
    make_order(alice, name="나중", **due(hours=5))
    make_order(alice, name="미정", needed_at=None)
    make_order(alice, name="지남", **due(hours=-1))
    make_order(alice, name="취소", cancelled_at=timezone.now(), **due(hours=1))
    make_order(alice, name="먼저", **due(hours=2))
    assert names(desk) == ["지남", "먼저", "나중", "미정"]
    assert names(desk, filter="past") == ["취소"]


def test_chips_count_and_filter_by_state(desk: Client, alice: User) -> None:
    make_order(alice, name="사진", photos=0)
    make_order(alice, name="동의", photos=1)
    make_submitted_order(alice, name="제작")
    page = desk.get(LIST, {"filter": "photos"})
    counts = {chip["key"]: chip["count"] for chip in page.context["chips"]}
    assert counts == {"photos": 1, "consent": 1, "producing": 1}
    assert [now.order.name for now in page.context["rows"]] == ["사진"]
    assert "filter=consent" in page.content.decode()


@pytest.mark.parametrize(
    "asked", [{"filter": "nonsense"}, {"page": "99"}, {"page": "x"}, {"q": "\x00"}, {"q": "가" * 500}]
)
def test_an_address_typed_wrong_still_shows_a_list(desk: Client, alice: User, asked: dict[str, str]) -> None:
    make_order(alice)
    assert desk.get(LIST, asked).status_code == 200


def test_a_name_is_found_by_initials_in_every_state(desk: Client, alice: User) -> None:
    make_order(alice, name="김영자", cancelled_at=timezone.now())
    make_order(alice, name="박철수")
    assert names(desk, q="ㄱㅇㅈ") == ["김영자"]
    assert "찾는 의뢰가 없습니다" in desk.get(LIST, {"q": "없음"}).content.decode()


def test_pages_keep_the_filter_and_the_search(desk: Client, alice: User) -> None:
    for number in range(35):
        make_order(alice, name=f"김영자{number}")
    page = desk.get(LIST, {"q": "김영자", "filter": "photos"}).content.decode()
    assert "1 / 2쪽" in page
    assert len(names(desk, q="김영자", filter="photos", page="2")) == 5


def test_a_home_sees_nothing_of_another(alice: User, charlie: User) -> None:
    make_order(alice)
    assert names(browser_of(charlie)) == []


def test_whoever_belongs_to_no_home_has_no_list(reviewer: User, operator: User) -> None:
    for user in (reviewer, operator):
        assert browser_of(user).get(LIST).status_code == 404
        assert browser_of(user).get(LIST + "rows/").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_list(
    desk: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def fill() -> None:
        make_submitted_order(alice, products=("portrait", "living_video"))
        make_reviewable_item(alice)
        make_order(alice, photos=2, consent=True)

    fill()
    desk.get(LIST)
    with django_assert_num_queries(17, exact=False) as few:
        desk.get(LIST)
    for _time in range(4):
        fill()
    with django_assert_num_queries(len(few)):
        desk.get(LIST)


def test_rows_that_did_not_change_cost_no_answer(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    first = desk.get(LIST + "rows/")
    etag = first["ETag"]
    assert "제작 중" in first.content.decode()
    assert 'hx-trigger="every 3s"' in first.content.decode()
    assert desk.get(LIST + "rows/", headers={"If-None-Match": etag}).status_code == 304
    Item.objects.filter(order=order).update(state="to_review")
    assert desk.get(LIST + "rows/", headers={"If-None-Match": etag}).status_code == 200


def test_rows_look_seldom_when_nothing_moves(desk: Client, alice: User) -> None:
    make_order(alice)
    assert 'hx-trigger="every 20s"' in desk.get(LIST).content.decode()


def test_what_came_back_says_why_and_whose_turn_it_is(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice, name="남궁옥분")
    Item.objects.filter(order=order).update(state="returned", return_code="no_face")
    page = desk.get(LIST).content.decode()
    assert "사진을 다시 받아야 합니다" in page
    assert "얼굴을 찾지 못했습니다" in page
