"""Sending an order off: refused in words until everything is there, and done once however often it is pressed."""

from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from gpujobs.models import Job
from orders.forms import OrderForm
from orders.models import Candidate, Item, Order
from portal.models import AuditEvent, User
from tests.factories import make_order, make_photo, make_ready_order, make_submitted_order
from tests.orders.conftest import browser_of

pytestmark = pytest.mark.django_db


def submit(browser: Client, order: Order, **typed: Any) -> Any:
    """The whole form as the order's page holds it, with what was typed since."""
    form = {name: OrderForm.of(order).data.getlist(name) for name in OrderForm.of(order).data}
    form |= {"page": str(uuid4()), "seen": order.edited_at.isoformat() if order.edited_at else ""}
    return browser.post(f"/orders/{order.code}/submit/", form | typed)


def test_a_complete_order_is_sent_and_its_jobs_are_queued(desk: Client, alice: User) -> None:
    order = make_ready_order(alice, sex="woman")
    assert submit(desk, order).url == f"/orders/{order.code}/"
    order.refresh_from_db()
    assert order.submitted_by == alice
    assert Job.objects.count() == 4
    assert Job.objects.first().params["person"] == "woman"
    assert "의뢰를 보냈습니다" in desk.get(f"/orders/{order.code}/").content.decode()


def test_what_is_missing_is_said_and_what_was_typed_is_kept(desk: Client, alice: User) -> None:
    order = make_order(alice, name="", needed_at=None)
    answer = submit(desk, order, name="", hall="5호", born_on="봄")
    assert answer.status_code == 422
    page = answer.content.decode()
    for sentence in ("성함을 적어 주세요", "빈소 차림 시각을", "사진을 1장", "상주의 동의", "읽지 못한 칸"):
        assert sentence in page
    order.refresh_from_db()
    assert (order.hall, order.submitted_at) == ("5호", None)
    assert not Job.objects.exists()


def test_a_scene_wants_three_photos(desk: Client, alice: User) -> None:
    order = make_order(alice, products=("life_scene",), photos=2, consent=True)
    assert "사진을 1장 더 올려 주세요." in submit(desk, order).content.decode()
    make_photo(order)
    assert submit(desk, order).status_code == 302


def test_somebody_who_plans_ahead_is_asked_for_their_own_consent(desk: Client, alice: User) -> None:
    order = make_order(alice, made_for=Order.For.LIVING, photos=1)
    assert "본인의 동의를 받아 주세요." in submit(desk, order).content.decode()


def test_pressing_twice_sends_once(desk: Client, alice: User) -> None:
    order = make_ready_order(alice)
    submit(desk, order)
    assert submit(desk, order).status_code == 302
    assert Job.objects.count() == 4
    assert AuditEvent.objects.filter(action="order.submitted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_several_who_press_at_once_send_once(alice: User, bob: User) -> None:
    order = make_ready_order(alice)
    together, answers = Barrier(4), []

    def press(user: User) -> None:
        browser = browser_of(user)
        together.wait()
        answers.append(submit(browser, order).status_code)
        connection.close()

    threads = [Thread(target=press, args=[user]) for user in (alice, alice, bob, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302] * 4
    assert Job.objects.count() == Candidate.objects.count() == 4


def test_cancelling_a_draft_takes_it_off_the_list(desk: Client, alice: User) -> None:
    order = make_order(alice)
    desk.post(f"/orders/{order.code}/cancel/")
    assert Order.objects.get(pk=order.pk).cancelled_at
    assert not [now for now in desk.get("/orders/").context["rows"] if now.order == order]


def test_what_came_back_is_sent_again_once(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    item = order.items.get()
    Item.objects.filter(pk=item.pk).update(state="returned", return_code="no_face")
    address = f"/orders/{order.code}/items/{item.code}/again/"
    for _time in range(2):
        desk.post(address, {"round": "1"})
    item.refresh_from_db()
    assert (item.state, item.round) == ("producing", 2)
    assert Job.objects.count() == 8


def test_an_item_is_not_reached_through_another_order(desk: Client, alice: User, charlie: User) -> None:
    own, foreign = make_submitted_order(alice), make_submitted_order(charlie)
    for code in (own.code, foreign.code):
        assert desk.post(f"/orders/{code}/items/{foreign.items.get().code}/again/").status_code == 404
