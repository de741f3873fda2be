"""The page of an order that was sent: what is being made, as it is made, and what happened."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from gpujobs import progress
from gpujobs.models import Job
from orders import following
from orders.models import Approval, Item, Order
from orders.review import approve
from orders.tasks import finish
from portal.models import User
from tests.factories import (
    finish_job,
    make_order,
    make_photo,
    make_reviewable_item,
    make_reviewer,
    make_submitted_order,
)

pytestmark = pytest.mark.django_db


def live(browser: Client, order: Order, **headers: str) -> str:
    return browser.get(f"/orders/{order.code}/live/", headers=headers).content.decode()


def run(job: Job, step: int, steps: int) -> None:
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING)
    progress.tell(job.pk, step=step, steps=steps, started_at=timezone.now() - timedelta(seconds=10))


def test_a_place_in_the_queue_is_shown_and_then_the_steps(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    assert "1번째로 기다리는 중" in live(desk, order)
    first, second, *_rest = order.items.get().candidates.all()
    finish_job(first)
    run(second.job, 4, 8)
    page = live(desk, order)
    assert "2/4장째 · 4/8단계" in page
    assert 'value="37"' in page
    assert "남음" in page or "곧 끝납니다" in page
    assert f"/candidates/{first.code}/preview/" in page


def test_nothing_new_costs_a_status_line(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    first = desk.get(f"/orders/{order.code}/live/")
    assert desk.get(f"/orders/{order.code}/live/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    run(order.items.get().candidates.first().job, 1, 8)
    assert desk.get(f"/orders/{order.code}/live/", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_the_page_was_made_with_the_version_it_asks_about(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    version = desk.get(f"/orders/{order.code}/").context["version"]
    assert desk.get(f"/orders/{order.code}/live/?shown={version}").status_code == 204


def test_asking_stops_when_nothing_can_change_by_itself(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    assert "hx-trigger" in live(desk, order)
    Item.objects.filter(order=order).update(state="approved")
    Order.objects.filter(pk=order.pk).update(delivered_at=timezone.now())
    assert "hx-trigger" not in live(desk, order)


@pytest.mark.usefixtures("small_files")
def test_what_was_approved_is_offered_for_handing_out_on_a_page_that_stood_open(desk: Client, alice: User) -> None:
    item = make_reviewable_item(alice)
    address = re.search(r'hx-get="([^"]+/live/[^"]+)"', desk.get(f"/orders/{item.order.code}/").content.decode())
    assert address
    approve(item.candidates.all()[:1], by=make_reviewer(), request=None)
    finish(Approval.objects.get().pk)
    page = desk.get(address[1].replace("&amp;", "&")).content.decode()
    assert 'id="links"' in page
    assert f'action="/orders/{item.order.code}/links/"' in page
    renewed = re.search(r'hx-get="([^"]+/live/)[^"]+(&amp;can_issue=1)"', page)
    assert renewed
    assert 'id="links"' not in desk.get(f"{renewed[1]}?can_issue=1").content.decode()


def test_what_waits_for_the_reviewer_says_so(desk: Client, alice: User) -> None:
    item = make_reviewable_item(alice)
    page = live(desk, item.order)
    assert "이제 검수자가" in page
    assert "AI가 만든 이미지입니다" in page
    assert page.count("<img") == 4


def test_what_came_back_says_what_to_do_and_lets_it_be_done(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    Item.objects.filter(order=order).update(state="returned", return_code="no_face")
    page = desk.get(f"/orders/{order.code}/").content.decode()
    assert "다른 사진을 올린 뒤 다시 맡겨 주세요." in page
    assert "다시 만들기" in page
    assert 'type="file" name="photos"' in page


def test_the_history_tells_who_did_what_without_repeating_itself(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    page = desk.get(f"/orders/{order.code}/").content.decode()
    assert "alice · 의뢰를 보냈습니다." in page


def test_the_number_of_queries_does_not_grow_with_what_is_made(
    desk: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    small = make_submitted_order(alice)
    large = make_submitted_order(alice, products=("portrait", "life_scene", "living_video"))
    make_photo(large)
    for order in (small, large):  # how long each workflow usually takes is looked up once a minute
        desk.get(f"/orders/{order.code}/live/")
    with django_assert_num_queries(20, exact=False) as few:
        desk.get(f"/orders/{small.code}/live/")
    with django_assert_num_queries(len(few)):
        desk.get(f"/orders/{large.code}/live/")


def test_a_reviewer_sees_no_desk_page_and_an_operator_nothing(strangers: list[Client], alice: User) -> None:
    order = make_submitted_order(alice)
    for stranger in strangers:
        for part in ("", "live/", "side/", "photos/"):
            assert stranger.get(f"/orders/{order.code}/{part}").status_code == 404


@pytest.mark.parametrize("state", ["cancelled_at", "erased_at"])
def test_an_order_that_is_over_can_be_read_and_not_changed(desk: Client, alice: User, state: str) -> None:
    order = make_order(alice, photos=1, consent=True, **{state: timezone.now()})
    page = desk.get(f"/orders/{order.code}/").content.decode()
    assert "이 의뢰 취소하기" not in page
    assert 'type="file"' not in page


def test_a_row_shows_the_product_that_is_furthest(alice: User) -> None:
    order = make_submitted_order(alice, products=("portrait", "living_video"))
    video = order.items.get(product_key="living_video")
    run(video.candidates.get().job, 15, 30)
    [now] = following.now_of([Order.objects.get(pk=order.pk)])
    assert now.being_made is not None
    assert now.being_made.item == video
    assert now.being_made.doing == "15/30단계"
