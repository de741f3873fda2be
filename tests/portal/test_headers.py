"""What every page says to the browser, whoever asks and whatever comes of it."""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.portal.test_permissions import ROLES, TABLE, browser_of

POLICY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def answers(world, method="any"):
    """Every address as every role is answered, each on the untouched world."""
    for name, row in TABLE.items():
        for role in ROLES if method in ("any", row.method) else ():
            with transaction.atomic():
                answer = browser_of(getattr(world, role)).generic(row.method.upper(), row.url(name, world))
                transaction.set_rollback(True)
            yield f"{name} as {role}", name, answer


def test_every_answer_carries_the_strict_headers(world):
    for which, name, answer in answers(world):
        assert {header: answer.headers.get(header) for header in POLICY} == POLICY, which
        assert answer["Referrer-Policy"] == (
            "no-referrer" if "gallery" in name or name == "notice_stop" else "same-origin"
        ), which
        assert "camera=()" in answer["Permissions-Policy"], which
        held = dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))
        assert held["default-src"] == held["form-action"] == "'self'", which
        assert held["object-src"] == held["base-uri"] == held["frame-ancestors"] == "'none'", which
        assert "unsafe" not in answer["Content-Security-Policy"], which
        assert "Strict-Transport-Security" not in answer.headers, which  # the tests are not behind TLS


def test_no_page_has_what_the_policy_forbids(world):
    """No script or style of its own, no handler in an attribute, nothing of another host."""
    for which, _name, answer in answers(world, "get"):
        if not answer.get("Content-Type", "").startswith("text/html") or answer.streaming:
            continue
        page = answer.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), which
        for script in re.findall(r"<script[^>]*>", page):
            assert "src=" in script or 'type="application/json"' in script, which
        for address in re.findall(r'\s(?:src|href|action|poster)="([^"]*)"', page):
            assert re.match(r"/(?!/)|[#?]|tel:|data:image/|$", address), (which, address)


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
