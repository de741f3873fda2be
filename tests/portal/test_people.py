import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import invitations
from portal.models import AuditEvent, Invitation, User
from tests.orders.people import PASSWORD, make_home, make_user

ANSWER = {"name": "박서연", "password": "a sentence to remember", "again": "a sentence to remember"}


def invite(office, email="new@example.com", role="staff"):
    return office.post("/people/invite/", {"email": email, "role": role}, follow=True)


def path_in_the_mail():
    return re.search(r"http://testserver(/join/\S+)", mail.outbox[-1].body)[1]


def said(response):
    return [str(message) for message in response.context["messages"]]


def test_the_page_shows_this_homes_people_and_no_others(office, alice):
    make_user("stranger", make_home("다른장례식장"))
    page = office.get("/people/").content.decode()
    assert "alice@example.com" in page
    assert "stranger@example.com" not in page


def test_a_manager_invites_by_e_mail_in_korean(office, manager, home):
    answer = invite(office)
    assert "new@example.com 주소로 초대를 보냈습니다" in said(answer)[0]
    letter = mail.outbox[0]
    assert letter.to == ["new@example.com"]
    assert letter.subject == "[ConnectDream] 한빛장례식장에서 초대합니다"
    assert "manager 님이 한빛장례식장의 담당자로 초대했습니다" in letter.body
    invitation = Invitation.objects.get()
    entry = AuditEvent.objects.get(action="invitation.sent")
    assert (entry.actor, entry.home, entry.subject) == (manager, home, invitation.code)


def test_the_token_is_nowhere_but_in_the_mail(office):
    invite(office)
    token = path_in_the_mail().strip("/").rpartition("/")[2]
    assert len(token) >= 43
    assert not Invitation.objects.filter(token_hash=token).exists()
    assert token not in str(list(AuditEvent.objects.values_list("details", flat=True)))
    assert token not in office.get("/people/").content.decode()


def test_the_link_stands_on_the_configured_site_whatever_host_the_request_claims(office, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://portal.example.com"
    office.post("/people/invite/", {"email": "n@example.com", "role": "staff"}, headers={"Host": "evil.example.net"})
    assert "https://portal.example.com/join/" in mail.outbox[0].body
    assert "evil" not in mail.outbox[0].body


def test_taking_it_up_sets_name_and_password_and_leads_in(office, home):
    invite(office, role="manager")
    newcomer = Client()
    path = path_in_the_mail()
    assert "한빛장례식장에서 함께 일합니다" in newcomer.get(path).content.decode()
    answer = newcomer.post(path, ANSWER)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    user = User.objects.get(email="new@example.com")
    assert (user.name, user.role, user.home) == ("박서연", "manager", home)
    assert newcomer.get("/people/").status_code == 200
    assert Client().post("/accounts/login/", {"login": user.email, "password": ANSWER["password"]}).status_code == 302
    assert AuditEvent.objects.get(action="invitation.accepted").subject == user.code


def test_an_invitation_is_used_once(office):
    invite(office)
    path = path_in_the_mail()
    assert Client().post(path, ANSWER).status_code == 302
    assert Client().get(path).status_code == 404
    assert Client().post(path, ANSWER).status_code == 404


def expire():
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def close_the_home():
    type(Invitation.objects.get().home).objects.update(is_active=False)


@pytest.mark.parametrize(
    "end", [expire, close_the_home, Invitation.objects.all().delete], ids=["expired", "closed", "gone"]
)
def test_an_invitation_that_ended_looks_like_one_that_never_was(office, end):
    invite(office)
    path = path_in_the_mail()
    end()
    ended, never_was = Client().get(path), Client().get("/join/never-was/")
    hide = re.compile(rb'value="[\w/-]*"')  # the form's own token, and the page to come back to
    assert ended.status_code == never_was.status_code == 404
    assert hide.sub(b"", ended.content) == hide.sub(b"", never_was.content)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("name", ""), ("password", "short"), ("password", "1234567890"), ("again", "something else")],
)
def test_what_is_filled_in_wrongly_is_said_and_makes_nobody(office, field, wrong):
    invite(office)
    page = Client().post(path_in_the_mail(), ANSWER | {field: wrong})
    assert page.status_code == 422
    assert page.context["form"].errors
    assert User.objects.filter(email="new@example.com").count() == 0
    assert Invitation.objects.get().is_open


def test_a_password_like_ones_own_address_is_refused(office):
    invite(office, "seoyeon.park@example.com")
    given = {"password": "seoyeon.park", "again": "seoyeon.park"}
    assert "password" in Client().post(path_in_the_mail(), ANSWER | given).context["form"].errors


def test_sending_again_makes_the_older_link_useless(office):
    invite(office)
    old = path_in_the_mail()
    office.post(f"/people/invitations/{Invitation.objects.get().code}/resend/")
    new = path_in_the_mail()
    assert old != new
    assert Client().get(old).status_code == 404
    assert Client().get(new).status_code == 200
    assert Invitation.objects.count() == 1


def test_an_invitation_is_taken_back(office, manager):
    invite(office)
    invitation = Invitation.objects.get()
    office.post(f"/people/invitations/{invitation.code}/revoke/")
    assert Client().get(path_in_the_mail()).status_code == 404
    assert AuditEvent.objects.get(action="invitation.taken_back").subject == invitation.code


def test_whoever_works_here_already_is_not_invited(office, alice):
    page = invite(office, "Alice@example.com")
    assert page.status_code == 422
    assert "이미 이곳에서 일하는 분입니다." in page.content.decode()
    assert not mail.outbox


@pytest.fixture
def elsewhere(db):
    """Somebody of another home."""
    return make_user("stranger", make_home("다른장례식장"))


def test_a_manager_does_not_learn_who_has_an_account_elsewhere(office, elsewhere):
    def seen(email):
        answer = invite(office, email)
        page = re.sub(r'value="[\w-]*"|[0-9a-f-]{36}', "", answer.content.decode())
        return answer.status_code, page.replace(email, "…").partition("초대에 답을")[0]

    assert seen("stranger@example.com") == seen("nobody-@example.com")
    assert [letter.to for letter in mail.outbox] == [["stranger@example.com"], ["nobody-@example.com"]]


def test_invitations_are_counted_whether_they_can_be_sent_or_not(office, alice):
    answers = [office.post("/people/invite/", {"email": alice.email, "role": "staff"}) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [422] * 30 + [429]


def test_somebody_of_another_home_takes_it_up_with_the_account_they_have(office, elsewhere, home):
    invite(office, elsewhere.email, "manager")
    assert "쓰시던 계정으로 로그인하시면" in mail.outbox[0].body
    path, browser = path_in_the_mail(), Client()
    page = browser.get(path).content.decode()
    assert "stranger@example.com 계정으로 로그인하시면" in page
    assert 'name="password"' not in page
    asked = browser.post("/accounts/handover/", {"next": path})
    answer = browser.post(asked["Location"], {"login": elsewhere.email, "password": PASSWORD})
    assert answer["Location"] == path
    assert "받아들이시면" in browser.get(path).content.decode()
    assert browser.post(path, follow=True).status_code == 200
    elsewhere.refresh_from_db()
    assert (elsewhere.home, elsewhere.role) == (home, "manager")
    assert {place.home.name for place in elsewhere.memberships.all()} == {home.name, "다른장례식장"}
    entry = AuditEvent.objects.get(action="invitation.accepted")
    assert (entry.actor, entry.home, entry.details["role"]) == (elsewhere, home, "manager")
    assert browser.get(path).status_code == browser.post(path).status_code == 404


def test_nobody_takes_up_an_invitation_with_the_account_of_another(office, elsewhere, alice, home):
    invite(office, elsewhere.email)
    path = path_in_the_mail()
    for user in (None, alice):
        browser = Client()
        if user:
            browser.force_login(user)
        assert "계정으로 로그인하시면" in browser.post(path, ANSWER).content.decode()
    assert Invitation.objects.get().is_open
    assert not elsewhere.memberships.filter(home=home).exists()


@pytest.mark.parametrize("role", ["reviewer", "operator", "admin"])
def test_a_manager_gives_no_role_outside_the_home(office, role):
    assert invite(office, role=role).status_code == 422
    assert not Invitation.objects.exists()


def test_an_account_made_meanwhile_makes_the_invitation_useless(office, home):
    invite(office)
    make_user("new", home)
    assert Client().post(path_in_the_mail(), ANSWER).status_code == 404
    assert Invitation.objects.get().accepted_at is None


def test_one_person_waits_on_one_invitation(office, home, manager):
    invite(office)
    first = Invitation.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(
            home=home, email=first.email, role="staff", token_hash="x", invited_by=manager, expires_at=timezone.now()
        )


def test_a_mail_that_does_not_go_out_is_said(office, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", 1
    assert "나가지 않았습니다" in said(invite(office))[0]
    assert Invitation.objects.get().is_open


def test_a_manager_stops_a_colleague_who_is_out_at_once(office, alice, manager):
    desk = Client()
    desk.force_login(alice)
    assert desk.get("/accounts/password/change/").status_code == 200
    office.post(f"/people/{alice.code}/stop/")
    assert desk.get("/accounts/password/change/").status_code == 302
    assert AuditEvent.objects.get(action="person.stopped").subject == alice.code
    office.post(f"/people/{alice.code}/resume/")
    assert Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD})["Location"] == "/"


def test_a_manager_does_not_stop_themselves(office, manager):
    answer = office.post(f"/people/{manager.code}/stop/", follow=True)
    assert said(answer) == ["자기 자신은 멈출 수 없습니다."]
    manager.refresh_from_db()
    assert manager.is_active


def test_stopping_twice_is_written_down_once(office, alice):
    for _ in range(2):
        office.post(f"/people/{alice.code}/stop/")
    assert AuditEvent.objects.filter(action="person.stopped").count() == 1


def test_thirty_one_invitations_an_hour_are_too_many(office):
    answers = [office.post("/people/invite/", {"email": f"p{n}@example.com", "role": "staff"}) for n in range(31)]
    assert [answer.status_code for answer in answers] == [302] * 30 + [429]
    assert "잠시 쉬었다가" in answers[-1].content.decode()


def test_the_page_asks_the_database_no_more_for_more_people(office, home, manager, django_assert_num_queries):
    invitations.invite(home, "first@example.com", "staff", by=manager)
    with CaptureQueriesContext(connection) as before:
        office.get("/people/")
    for number in range(5):
        make_user(f"p{number}", home)
        invitations.invite(home, f"i{number}@example.com", "staff", by=manager)
    with django_assert_num_queries(len(before)):
        office.get("/people/")
