"""What an admin does: homes, people of all homes, invitations to any role."""

import re

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal import invitations
from portal.models import AuditEvent, FuneralHome, Invitation, User
from tests.orders.people import make_home, make_order, make_user

ANSWER = {"name": "박서연", "password": "a sentence to remember", "again": "a sentence to remember"}


def said(response):
    return [str(message) for message in response.context["messages"]]


def invite(headquarters, role, home=None, email="new@example.com"):
    given = {"email": email, "role": role, "home": home.code if home else ""}
    return headquarters.post("/admin/people/invite/", given, follow=True)


def take_up():
    newcomer = Client()
    path = re.search(r"http://testserver(/join/\S+)", mail.outbox[-1].body)[1]
    return newcomer.get(path), newcomer.post(path, ANSWER)


def test_an_admin_adds_a_home_which_is_written_down(headquarters, admin):
    answer = headquarters.post("/admin/homes/add/", {"name": "새봄장례식장", "phone": "02-0000-0000"}, follow=True)
    assert said(answer) == ["새봄장례식장을 더했습니다. 이제 관리자를 초대해 주세요."]
    home = FuneralHome.objects.get(name="새봄장례식장")
    entry = AuditEvent.objects.get(action="home.added")
    assert (entry.actor, entry.home, entry.subject) == (admin, home, home.code)


def test_two_homes_do_not_bear_one_name(headquarters, home):
    answer = headquarters.post("/admin/homes/add/", {"name": home.name})
    assert answer.status_code == 422
    assert "같은 이름의 장례식장이 이미 있습니다" in answer.content.decode()


def test_an_admin_changes_what_a_home_is_called(headquarters, home):
    headquarters.post(f"/admin/homes/{home.code}/", {"name": "한빛병원장례식장", "phone": ""})
    home.refresh_from_db()
    assert home.name == "한빛병원장례식장"
    assert AuditEvent.objects.get(action="home.changed").details == {"fields": ["name"]}


def test_a_home_that_is_stopped_loses_its_people_at_once_and_gets_them_back(headquarters, home, alice):
    desk = Client()
    desk.force_login(alice)
    headquarters.post(f"/admin/homes/{home.code}/stop/")
    assert desk.get("/orders/").status_code == 302
    headquarters.post(f"/admin/homes/{home.code}/resume/")
    assert desk.get("/orders/").status_code == 200
    assert list(AuditEvent.objects.filter(subject=home.code).values_list("action", flat=True)) == [
        "home.resumed",
        "home.stopped",
    ]


def test_an_admin_sees_the_people_of_every_home(headquarters, alice):
    make_user("stranger", make_home("다른장례식장"))
    page = headquarters.get("/admin/people/").content.decode()
    assert "alice@example.com" in page
    assert "stranger@example.com" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=alice", {"alice"}), ("q=한빛", {"alice", "manager"}), ("role=admin", {"admin"}), ("q=nobody", set())],
)
def test_people_are_found_by_name_home_and_role(headquarters, alice, manager, query, found):
    assert {person.name for person in headquarters.get(f"/admin/people/?{query}").context["page"]} == found


@pytest.mark.parametrize("role", ["reviewer", "operator", "admin"])
def test_an_admin_invites_to_the_portals_own_roles(headquarters, admin, role):
    assert "초대를 보냈습니다" in said(invite(headquarters, role))[0]
    page, answer = take_up()
    assert "ConnectDream에서 함께 일합니다" in page.content.decode()
    assert answer["Location"] == "/"
    user = User.objects.get(email="new@example.com")
    assert (user.role, user.home) == (role, None)


@pytest.mark.parametrize("role", ["staff", "manager"])
def test_an_admin_invites_to_a_home(headquarters, home, role):
    invite(headquarters, role, home)
    page, _answer = take_up()
    assert "한빛장례식장에서 함께 일합니다" in page.content.decode()
    user = User.objects.get(email="new@example.com")
    assert (user.role, user.home) == (role, home)


@pytest.mark.parametrize(
    ("role", "at_home", "sentence"),
    [("staff", False, "일할 장례식장을 골라 주세요"), ("operator", True, "어느 장례식장에도 속하지 않습니다")],
)
def test_a_role_that_does_not_fit_the_home_is_said(headquarters, home, role, at_home, sentence):
    answer = invite(headquarters, role, home if at_home else None)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not mail.outbox


def test_the_database_holds_that_role_and_home_fit(home):
    for role, where in (("admin", home), ("staff", None)):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_user("x", where, role)


def test_an_admin_takes_back_and_renews_any_invitation(headquarters, home, manager):
    invitations.invite(home, "new@example.com", "staff", by=manager)
    invitation = Invitation.objects.get()
    again = headquarters.post(f"/people/invitations/{invitation.code}/resend/")
    assert again["Location"] == "/admin/people/"
    headquarters.post(f"/people/invitations/{invitation.code}/revoke/")
    assert not Invitation.objects.exists()


def test_an_admin_stops_anybody_but_themselves(headquarters, admin, manager):
    headquarters.post(f"/people/{manager.code}/stop/")
    manager.refresh_from_db()
    assert not manager.is_active
    answer = headquarters.post(f"/people/{admin.code}/stop/", follow=True)
    assert said(answer)[-1] == "자기 자신은 멈출 수 없습니다."


def test_a_manager_reaches_nobody_of_another_home(office):
    other = make_home("다른장례식장")
    stranger = make_user("stranger", other)
    invitations.invite(other, "new@example.com", "staff", by=stranger)
    for path in (f"/people/{stranger.code}/stop/", f"/people/invitations/{Invitation.objects.get().code}/revoke/"):
        assert office.post(path).status_code == 404


def test_an_admin_sees_no_familys_order(headquarters, alice):
    order = make_order(alice, photos=1)
    for path in (f"/orders/{order.code}/", f"/photos/{order.photos.get().code}/320/", "/orders/", "/review/"):
        assert headquarters.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/admin/homes/", "/admin/people/"])
def test_the_pages_ask_the_database_no_more_for_more_rows(headquarters, home, manager, path, django_assert_num_queries):
    invitations.invite(home, "first@example.com", "staff", by=manager)
    with CaptureQueriesContext(connection) as before:
        headquarters.get(path)
    for number in range(5):
        other = make_home(f"장례식장 {number}")
        make_user(f"p{number}", other)
        invitations.invite(other, f"i{number}@example.com", "staff", by=manager)
    with django_assert_num_queries(len(before)):
        headquarters.get(path)
