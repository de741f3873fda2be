"""A relative objects: approvals and deliveries wait, staff see it first, and it ends with a note and a name."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import Http404
from django.test import Client, RequestFactory
from django.utils import timezone

from orders import authority, delivery, objecting, production, review
from orders.models import Objection, Order
from portal.models import AuditEvent, Notice, User
from tests.factories import make_order, make_reviewable_item
from tests.family.making import approved_order, make_family_link, make_link
from tests.orders.people import make_objection, make_settled_objection, make_user

pytestmark = pytest.mark.django_db

SAID = {"name": "김민수", "relationship": "동생", "contact": "010-1234-5678", "reason": "누님 뜻과 다릅니다."}


def told(browser: Client, order: Order, **said: str) -> Any:
    return browser.post(f"/orders/{order.code}/objections/", SAID | said, headers={"User-Agent": "tablet"})


def settled(browser: Client, objection: Objection, resolution: str = "가족이 함께 정했습니다.") -> Any:
    url = f"/orders/{objection.order.code}/objections/{objection.code}/settle/"
    return browser.post(url, {"resolution": resolution})


def test_nobody_is_named_in_an_order_that_is_erased(desk: Client, alice: User) -> None:
    """The erasure has gone through its rows; a name written after it would stay for ever."""
    order = make_order(alice)
    stale = Order.objects.get(pk=order.pk)
    Order.objects.filter(pk=order.pk).update(erased_at=timezone.now())
    assert told(desk, order).status_code == 404
    form = objecting.ObjectionForm(SAID)
    assert form.is_valid()
    with pytest.raises(Http404):
        objecting.record(stale, form, by=None, request=RequestFactory().post("/"))
    assert not Objection.objects.exists()


@pytest.fixture
def handed(alice: User) -> SimpleNamespace:
    """An approved order whose link the family has."""
    order = approved_order(alice)
    _link, token = make_link(order, alice)
    file = order.items.get().deliverables.get()
    return SimpleNamespace(order=order, page=f"/g/{token}", file=f"/g/{token}/{file.code}/", zip=f"/g/{token}/all.zip")


def test_staff_write_down_who_objects_and_why(desk: Client, alice: User) -> None:
    order = make_order(alice)
    assert told(desk, order).url == f"/orders/{order.code}/#objections"
    objection = order.objections.get()
    assert (objection.name, objection.relationship, objection.contact) == ("김민수", "동생", "010-1234-5678")
    assert (objection.recorded_by, objection.address, objection.user_agent) == (alice, "127.0.0.1", "tablet")
    entry = AuditEvent.objects.get(action="objection.recorded")
    assert entry.details == {"objection": str(objection.code)}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"name": " "}, "성함을 적어 주세요."),
        ({"name": "가" * 61}, "성함이 너무 깁니다."),
        ({"relationship": ""}, "관계를 적어 주세요."),
        ({"reason": "\n"}, "말씀하실 내용을 적어 주세요."),
        ({"reason": "가" * 501}, "500자까지 적을 수 있습니다."),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_lost(
    desk: Client, alice: User, said: dict[str, str], words: str
) -> None:
    refused = told(desk, make_order(alice), **said)
    assert refused.status_code == 422
    assert words in refused.content.decode()
    assert "010-1234-5678" in refused.content.decode()
    assert not Objection.objects.exists()


def test_the_familys_page_is_calm_and_gives_nothing_while_one_stands(handed: SimpleNamespace) -> None:
    family = Client()
    assert family.get(handed.file).status_code == 200
    make_objection(handed.order)
    page = family.get(handed.page)
    assert page.status_code == 200
    assert "잠시 멈추었습니다" in page.content.decode()
    assert not any(word in page.content.decode() for word in ("김민수", "누님", "이의"))
    assert {family.get(url).status_code for url in (handed.file, handed.zip, f"{handed.file}picture/")} == {409}


def test_it_goes_on_as_before_once_all_are_settled(handed: SimpleNamespace, desk: Client) -> None:
    first, second = make_objection(handed.order), make_objection(handed.order, name="김영희")
    settled(desk, first)
    assert Client().get(handed.file).status_code == 409
    settled(desk, second)
    assert Client().get(handed.file).status_code == 200


def test_no_new_link_and_no_print_shop_while_one_stands(handed: SimpleNamespace, alice: User, desk: Client) -> None:
    make_objection(handed.order)
    with pytest.raises(delivery.NothingToDeliver):
        delivery.issue_link(handed.order, by=alice)
    assert desk.get(f"/orders/{handed.order.code}/print.zip").status_code != 200


def test_nothing_new_is_approved_while_one_stands(reviewer: User, alice: User) -> None:
    item = make_reviewable_item(alice)
    objection = make_objection(item.order)
    with pytest.raises(review.Refused, match="유가족의 이의"):
        review.approve([item.candidates.first()], by=reviewer, request=None)
    objection.delete()
    assert review.approve([item.candidates.first()], by=reviewer, request=None)


def test_the_homes_people_are_told_but_not_whoever_wrote_it_down(desk: Client, alice: User) -> None:
    manager = make_user("manager", alice.home, User.Role.MANAGER)
    told(desk, make_order(alice))
    assert [notice.address for notice in Notice.objects.all()] == [manager.email]


def test_one_mail_tells_of_it_while_one_stands(desk: Client, alice: User, bob: User) -> None:
    order = make_order(alice)
    form = objecting.ObjectionForm(SAID)
    assert form.is_valid()
    for _ in range(3):
        objecting.record(order, form, by=None, request=RequestFactory().post("/"))
    assert Notice.objects.filter(kind="staff_objection").count() == 1
    for objection in Objection.objects.all():
        settled(desk, objection)
    objecting.record(order, form, by=None, request=RequestFactory().post("/"))
    assert Notice.objects.filter(kind="staff_objection").count() == 2


def test_a_relative_is_heard_from_the_page_of_the_choice(alice: User) -> None:
    """It is where a relative first sees the likeness."""
    order = make_reviewable_item(alice).order
    _link, token = make_family_link(order, alice, "choice")
    page = f"/f/{token}/choice/objection/"
    assert page in Client().get(f"/f/{token}/choice/").content.decode()
    assert Client().get(page).status_code == 200
    said = Client().post(page, SAID, follow=True)
    assert "말씀을 전했습니다" in said.content.decode()
    assert order.objections.get().recorded_by is None
    assert "잠시 멈추었습니다" in Client().get(f"/f/{token}/choice/").content.decode()
    assert Client().get(f"/f/{make_family_link(order, alice)[1]}/choice/objection/").status_code == 404


def test_staff_see_it_on_the_list_and_on_the_order(desk: Client, alice: User) -> None:
    order = make_order(alice)
    assert "이의 제기" not in desk.get("/orders/").content.decode()
    told(desk, order)
    assert "이의 제기" in desk.get("/orders/").content.decode()
    page = desk.get(f"/orders/{order.code}/").content.decode()
    assert page.index("누님 뜻과 다릅니다.") < page.index('id="photos"')


def test_one_on_an_order_long_delivered_is_seen_on_the_list_of_the_day(desk: Client, alice: User) -> None:
    order = approved_order(alice, delivered_at=timezone.now())
    assert str(order.code) not in desk.get("/orders/").content.decode()
    make_objection(order)
    page = desk.get("/orders/").content.decode()
    assert "승인과 전달을 멈춘 의뢰가 있습니다." in page
    assert f"/orders/{order.code}/#objections" in page


def test_a_reviewer_reads_why_nothing_can_be_approved(reviewer: User, alice: User) -> None:
    item = make_reviewable_item(alice)
    browser = Client()
    browser.force_login(reviewer)
    make_objection(item.order)
    page = browser.get(f"/review/{item.code}/").content.decode()
    assert "유가족의 이의가 있어 승인을 멈추었습니다." in page
    assert "누님" not in page


def test_settling_needs_a_note_and_is_written_down_with_its_author(desk: Client, alice: User) -> None:
    objection = make_objection(make_order(alice))
    refused = settled(desk, objection, " ")
    assert refused.status_code == 422
    assert "어떻게 정했는지 적어 주세요." in refused.content.decode()
    settled(desk, objection)
    objection.refresh_from_db()
    assert (objection.resolved_by, objection.resolution) == (alice, "가족이 함께 정했습니다.")
    assert AuditEvent.objects.get(action="objection.settled").actor == alice
    assert "가족이 함께 정했습니다." in desk.get(f"/orders/{objection.order.code}/").content.decode()


def test_of_two_who_settle_it_the_first_is_written_down(desk: Client, alice: User, bob: User) -> None:
    objection = make_settled_objection(make_order(alice), bob)
    settled(desk, objection, "다른 말")
    objection.refresh_from_db()
    assert (objection.resolved_by, objection.resolution) == (bob, "가족이 함께 정했습니다.")


def test_production_goes_on_meanwhile(alice: User) -> None:
    item = make_reviewable_item(alice)
    make_objection(item.order)
    assert production.make_again(item, by=alice, request=None, after_round=1)
    codes = set(item.candidates.filter(round=2).values_list("code", flat=True))
    assert authority.may_run(codes) == codes


def test_the_number_of_queries_does_not_grow_with_the_objections(
    desk: Client, alice: User, django_assert_num_queries: Any
) -> None:
    order = make_order(alice)
    make_objection(order)
    for page in ("/orders/", f"/orders/{order.code}/"):
        desk.get(page)
        with django_assert_num_queries(40, exact=False) as few:
            desk.get(page)
        for _ in range(3):
            make_objection(order, recorded_by=alice)
            make_settled_objection(order, alice)
        with django_assert_num_queries(len(few)):
            desk.get(page)


def test_strangers_neither_write_nor_settle(alice: User, strangers: list[Client]) -> None:
    objection = make_objection(make_order(alice))
    for stranger in strangers:
        assert told(stranger, objection.order).status_code == 404
        assert settled(stranger, objection).status_code == 404
    assert Objection.objects.get() == objection
    assert objection.stands
