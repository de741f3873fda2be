import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from portal.models import AuditEvent, FuneralHome, User
from tests.orders.people import PASSWORD, make_user

LOGIN = "/accounts/login/"


def log_in(email="alice@example.com", password=PASSWORD, **extra):
    client = Client()
    return client, client.post(LOGIN, {"login": email, "password": password}, **extra)


def who_is(client):
    return client.get("/accounts/password/change/").status_code == 200


def test_a_person_logs_in_with_e_mail_and_password(alice):
    client, answer = log_in("Alice@Example.com")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert who_is(client)
    entry = AuditEvent.objects.get(action="login.succeeded")
    assert (entry.actor, entry.home, entry.address) == (alice, alice.home, "127.0.0.1")


@pytest.mark.parametrize(("email", "password"), [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD)])
def test_a_wrong_address_and_a_wrong_password_are_answered_alike(alice, email, password):
    _client, answer = log_in(email, password)
    assert answer.status_code == 200
    assert (
        answer.context["form"].non_field_errors() == log_in("x@example.com", "x")[1].context["form"].errors["__all__"]
    )
    assert AuditEvent.objects.filter(action="login.failed").count() == 2


def test_the_sixth_failure_for_one_address_has_to_wait_even_with_the_right_password(alice):
    for _ in range(5):
        log_in(password="wrong")
    client, answer = log_in()
    assert answer.status_code == 200
    assert not who_is(client)


def test_failures_for_one_address_do_not_lock_out_a_colleague(alice, home):
    make_user("bob", home)
    for _ in range(5):
        log_in(password="wrong")
    assert log_in("bob@example.com")[1].status_code == 302


def test_thirty_one_attempts_a_minute_from_one_place_are_too_many(db):
    answers = [Client().post(LOGIN, {"login": "", "password": ""}).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]


def test_whoever_is_deactivated_is_out_at_once(alice):
    client, _answer = log_in()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not who_is(client)
    _again, answer = log_in()
    assert answer["Location"] == reverse("account_inactive")


def test_the_people_of_a_closed_home_are_out_at_once(alice):
    client, _answer = log_in()
    FuneralHome.objects.update(is_active=False)
    assert not who_is(client)
    again, answer = log_in()
    assert answer["Location"] == reverse("account_inactive")
    assert not who_is(again)


def test_logging_out_takes_a_press_and_is_written_down(alice):
    client, _answer = log_in()
    client.get("/accounts/logout/")
    assert who_is(client)
    client.post("/accounts/logout/")
    assert not who_is(client)
    assert AuditEvent.objects.filter(action="login.ended", actor=alice).exists()


def ask_for_a_new_password(email="alice@example.com", **extra):
    return Client().post("/accounts/password/reset/", {"email": email}, **extra)


def test_a_new_password_is_set_by_a_link_from_an_e_mail(alice):
    ask_for_a_new_password()
    letter = mail.outbox.pop()
    assert letter.to == ["alice@example.com"]
    assert letter.subject == "[ConnectDream] 비밀번호 다시 정하기"
    path = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", letter.body)[1]
    family = Client()
    form = family.get(path, follow=True)
    family.post(form.request["PATH_INFO"], {"password1": "another long sentence", "password2": "another long sentence"})
    assert log_in(password="another long sentence")[1].status_code == 302
    assert mail.outbox.pop().subject == "[ConnectDream] 비밀번호가 바뀌었습니다"
    assert AuditEvent.objects.filter(action="password.changed", subject=alice.code).exists()
    assert "더 쓸 수 없는 링크" in Client().get(path, follow=True).content.decode()


def test_the_link_stands_on_the_configured_site_whatever_host_the_request_claims(alice, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://portal.example.com"
    ask_for_a_new_password(headers={"Host": "evil.example.net"})
    assert "https://portal.example.com/accounts/password/reset/key/" in mail.outbox[0].body
    assert "evil" not in mail.outbox[0].body


def test_a_mail_server_that_is_down_is_no_error_of_the_page(alice, settings, caplog):
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", 1
    assert ask_for_a_new_password().status_code == 302
    assert "mail account/email/password_reset_key not sent: ConnectionRefusedError" in caplog.text


def test_an_unknown_address_is_answered_like_a_known_one_and_gets_no_mail(alice):
    known, unknown = ask_for_a_new_password(), ask_for_a_new_password("nobody@example.com")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [letter.to for letter in mail.outbox] == [["alice@example.com"]]


def test_changing_the_password_ends_every_other_session(alice):
    here, _answer = log_in()
    elsewhere, _answer = log_in()
    new = "another long sentence"
    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert who_is(here)
    assert not who_is(elsewhere)


@pytest.mark.parametrize(
    "path", ["signup/", "email/", "confirm-email/", "social/signup/", "password/set/", "login/code/"]
)
def test_what_is_not_used_of_the_account_pages_is_not_there(db, path):
    assert Client().get(f"/accounts/{path}").status_code == 404


@pytest.mark.parametrize(
    ("role", "place"),
    [
        ("staff", "orders:desk"),
        ("manager", "orders:desk"),
        ("reviewer", "orders:review_queue"),
        ("operator", "operator"),
        ("admin", "homes"),
    ],
)
def test_the_front_door_leads_each_to_their_work(home, role, place):
    works_at_home = role in ("staff", "manager")
    client = Client()
    client.force_login(make_user("x", home if works_at_home else None, role))
    assert client.get("/")["Location"] == reverse(place)


def test_the_front_door_leads_a_stranger_to_the_login(db):
    assert Client().get("/")["Location"] == "/accounts/login/?next=/"
