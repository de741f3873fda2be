"""What the portal says of cookies, errors and languages. Every answer's headers are held by test_permissions.py."""

import pytest
from django.test import Client
from django.urls import reverse


def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(alice):
    client = Client()
    client.post(reverse("account_login"), {"login": alice.email, "password": "a long enough password"})
    session = client.cookies["sessionid"]
    assert session["httponly"]
    assert session["samesite"] == client.cookies["csrftoken"]["samesite"] == "Lax"


def test_cookies_travel_over_tls_alone_where_there_is_tls(alice, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.LANGUAGE_COOKIE_SECURE = True
    client = Client()
    client.post(reverse("account_login"), {"login": alice.email, "password": "a long enough password"}, secure=True)
    client.get("/g/none", {"language": "en"}, secure=True)
    assert [client.cookies[name]["secure"] for name in ("sessionid", "csrftoken", "django_language")] == [True] * 3


def test_a_wrong_token_is_answered_kindly_in_korean(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/accounts/password/change/", {"csrfmiddlewaretoken": "x" * 64})
    assert answer.status_code == 403
    assert "화면이 오래되어 보내지 못했습니다" in answer.content.decode()
    assert 'lang="ko"' in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "host", "status", "words"),
    [
        ("/no/such/page", "testserver", 404, "찾으시는 화면이 없습니다"),
        ("/health/", "evil.example", 400, "요청을 읽지 못했습니다"),
    ],
)
def test_what_cannot_be_answered_is_said_in_korean(db, path, host, status, words):
    answer = Client(headers={"Host": host}).get(path)
    assert answer.status_code == status
    assert words in answer.content.decode()


def test_an_error_of_ours_is_said_in_korean_and_tells_nothing_of_it(db, monkeypatch):
    monkeypatch.setattr("portal.health.django_rq.get_connection", lambda name: 1 / 0)
    answer = Client(raise_request_exception=False).get("/health/")
    assert answer.status_code == 500
    assert "저희 쪽에 문제가 생겼습니다" in answer.content.decode()
    assert "ZeroDivisionError" not in answer.content.decode()


def test_the_language_is_switched_and_stays_on_the_site(db):
    client = Client()
    away = client.post("/language/", {"language": "en", "next": "https://evil.example/"})
    assert away["Location"] == "/"
    assert 'lang="en"' in client.get("/accounts/login/").content.decode()
