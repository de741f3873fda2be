"""Several homes of one company, and people who work at more than one of them."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.demo import story
from portal.models import AuditEvent, Company, FuneralHome, Membership, User
from tests.orders.people import make_home, make_order, make_user


@pytest.fixture
def annex(db):
    return make_home("별관장례식장")


@pytest.fixture
def alices_annex(alice, annex):
    return Membership.objects.create(user=alice, home=annex, role="manager")


@pytest.fixture
def desk(alice):
    client = Client()
    client.force_login(alice)
    return client


def said(response):
    return [str(message) for message in response.context["messages"]]


def switch(browser, place):
    return browser.post(f"/places/{place.code}/", follow=True)


def test_whoever_is_made_has_the_place_they_are_made_for(alice, home):
    place = alice.memberships.get()
    assert (place.home, place.role) == (home, "staff")


def test_going_over_shows_the_other_homes_orders_and_no_longer_the_first_ones(desk, alice, annex, alices_annex):
    here = make_order(alice)
    there = make_order(make_user("carol", annex))
    assert desk.get(f"/orders/{there.code}/").status_code == 404
    assert said(switch(desk, alices_annex)) == ["이제 별관장례식장 · 관리자 화면입니다."]
    assert desk.get(f"/orders/{there.code}/").status_code == 200
    assert desk.get(f"/orders/{here.code}/").status_code == 404
    assert desk.get("/people/").status_code == 200
    entry = AuditEvent.objects.get(action="place.switched")
    assert (entry.actor, entry.home) == (alice, annex)


def test_the_header_offers_the_other_places_and_only_those(desk, alices_annex, manager):
    assert "별관장례식장 · 관리자" in desk.get("/orders/").content.decode()
    office = Client()
    office.force_login(manager)
    assert "다른 곳에서 일하기" not in office.get("/orders/").content.decode()


def test_nobody_goes_to_a_place_that_is_not_theirs(desk, manager):
    assert switch(desk, manager.memberships.get()).status_code == 404


def test_nobody_goes_to_a_home_that_is_stopped(desk, alice, annex, alices_annex):
    FuneralHome.objects.filter(pk=annex.pk).update(is_active=False)
    switch(desk, alices_annex)
    alice.refresh_from_db()
    assert alice.home != annex


def test_when_a_home_is_stopped_whoever_has_another_place_goes_on_there(headquarters, desk, alice, annex, alices_annex):
    headquarters.post(f"/admin/homes/{alice.home.code}/stop/")
    alice.refresh_from_db()
    assert (alice.home, alice.role) == (annex, "manager")
    assert desk.get("/orders/").status_code == 200


def test_a_manager_sees_whoever_works_at_this_home_even_while_they_are_elsewhere(office, alice, alices_annex):
    alice.work_at(alices_annex)
    assert "alice@example.com" in office.get("/people/").content.decode()


def test_a_manager_takes_out_of_this_home_whoever_works_elsewhere_too(office, alice, annex, alices_annex):
    answer = office.post(f"/people/{alice.code}/stop/", follow=True)
    assert said(answer) == ["alice 님은 이제 이 장례식장에서 일하지 않습니다."]
    alice.refresh_from_db()
    assert (alice.is_active, alice.home) == (True, annex)
    assert AuditEvent.objects.get(action="place.taken").subject == alice.code


def test_an_admin_gives_and_takes_places(headquarters, alice, home, annex):
    path = f"/admin/people/{alice.code}/"
    headquarters.post(f"{path}places/add/", {"role": "staff", "home": str(annex.code)})
    assert {place.home for place in alice.memberships.all()} == {home, annex}
    first = alice.memberships.get(home=home)
    headquarters.post(f"{path}places/{first.code}/remove/")
    alice.refresh_from_db()
    assert alice.home == annex
    last = alice.memberships.get()
    assert "한 곳은 남아" in said(headquarters.post(f"{path}places/{last.code}/remove/", follow=True))[-1]
    assert list(AuditEvent.objects.filter(subject=alice.code).values_list("action", flat=True)) == [
        "place.taken",
        "place.given",
    ]


@pytest.mark.parametrize(
    ("role", "where", "sentence"),
    [("staff", "", "일할 장례식장을"), ("admin", "annex", "‘없음’을 골라"), ("staff", "home", "이미 그곳에서")],
)
def test_a_place_that_does_not_fit_is_said(headquarters, alice, home, annex, role, where, sentence):
    code = {"": "", "annex": annex.code, "home": home.code}[where]
    answer = headquarters.post(f"/admin/people/{alice.code}/places/add/", {"role": role, "home": code})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_an_admin_who_reviews_too_sees_pictures_only_while_reviewing(admin, alice):
    order = make_order(alice, photos=1)
    order.submitted_at = order.created_at
    order.save()
    browser = Client()
    browser.force_login(admin)
    reviewing = Membership.objects.create(user=admin, home=None, role=User.Role.REVIEWER)
    assert browser.get("/review/").status_code == 404
    switch(browser, reviewing)
    assert browser.get("/review/").status_code == 200
    assert browser.get("/admin/people/").status_code == 404


def test_homes_are_grouped_by_their_company(headquarters, home):
    headquarters.post("/admin/companies/add/", {"company-name": "한빛상조"})
    company = Company.objects.get()
    headquarters.post(f"/admin/homes/{home.code}/", {"name": home.name, "company": company.pk, "phone": ""})
    home.refresh_from_db()
    assert home.company == company
    assert "한빛상조" in headquarters.get("/admin/homes/").content.decode()
    again = headquarters.post("/admin/companies/add/", {"company-name": "한빛상조"})
    assert "같은 이름의 상조회사가 이미 있습니다" in again.content.decode()


def test_the_database_holds_one_place_a_home_and_role_that_fit(alice, home, annex):
    for where, role in ((home, "manager"), (annex, "admin"), (None, "staff")):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(user=alice, home=where, role=role)


def test_the_header_asks_the_database_no_more_for_more_places(desk, alice, alices_annex, django_assert_num_queries):
    desk.get("/orders/")  # what is read once in a while is read now
    with CaptureQueriesContext(connection) as before:
        desk.get("/orders/")
    for number in range(3):
        Membership.objects.create(user=alice, home=make_home(f"장례식장 {number}"), role="staff")
    with django_assert_num_queries(len(before)):
        desk.get("/orders/")


def test_a_manager_does_not_let_in_again_whom_an_admin_stopped_at_several_homes(office, alice, alices_annex):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert "총괄만" in said(office.post(f"/people/{alice.code}/resume/", follow=True))[-1]
    alice.refresh_from_db()
    assert not alice.is_active


def test_whoever_lost_their_home_logs_in_again_once_they_have_another_place(headquarters, alice, home, annex):
    headquarters.post(f"/admin/homes/{home.code}/stop/")
    assert not User.objects.get(pk=alice.pk).may_log_in
    headquarters.post(f"/admin/people/{alice.code}/places/add/", {"role": "staff", "home": str(annex.code)})
    assert User.objects.get(pk=alice.pk).may_log_in


def test_the_demos_manager_works_at_two_homes_of_one_company_however_often_it_starts(db):
    for _ in range(2):
        logins = story.seed_accounts("a demo's password")
    assert [login.role for login in logins] == ["staff", "manager", "reviewer", "operator", "admin"]
    manager = User.objects.get(role="manager")
    assert {place.home.company.name for place in manager.memberships.select_related("home__company")} == {"한빛상조"}
    assert manager.memberships.count() == 2
