"""What the portal says of cookies, errors and languages. Every answer's headers are held by test_permissions.py."""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.portal.test_permissions import ROLES, TABLE, browser_of


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


STRICT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def kinds(world, settings):
    """One answer of every kind there is: who asked, and for what."""
    desk, anyone = Client(), Client()
    desk.force_login(world.staff)
    gallery = f"/g/{world.token}"
    yield "a page", 200, desk.get("/orders/")
    yield "a page's head", 200, desk.head("/orders/")
    yield "a fragment", 200, (live := desk.get("/orders/rows/"))
    yield "nothing new", 304, desk.get("/orders/rows/", headers={"If-None-Match": live["ETag"]})
    yield "a picture", 200, desk.get(f"/candidates/{world.candidate.code}/preview/")
    yield "a stream", 200, anyone.get(f"{gallery}/all.zip")
    yield "a part", 206, anyone.get(f"{gallery}/{world.video.code}/video/", headers={"Range": "bytes=0-3"})
    yield "no such part", 416, anyone.get(f"{gallery}/{world.video.code}/video/", headers={"Range": "bytes=999999-"})
    yield "a way on", 302, anyone.get("/orders/")
    yield "a slash", 301, anyone.get("/orders")
    yield "nothing", 404, anyone.get("/no/such/place")
    yield "a stranger's", 404, desk.get("/operator/")
    yield "the wrong method", 405, desk.get("/people/invite/" if world.staff.is_manager else "/accounts/handover/")
    yield "a wrong form", 422, desk.post(f"/orders/{world.draft.code}/submit/")
    yield "a wrong token", 403, (forger := Client(enforce_csrf_checks=True)).post("/accounts/login/", {"login": "x"})
    yield "a wrong host", 400, Client(headers={"Host": "evil.example"}).get("/health/")
    yield "too many", 429, [forger.get("/") and anyone.post("/join/none/") for _ in range(21)][-1]
    (settings.STATIC_ROOT / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    settings.WHITENOISE_AUTOREFRESH = True
    yield "a static file", 200, Client().get("/static/drawing.svg")


def test_every_kind_of_answer_is_strict(world, settings):
    for kind, status, answer in kinds(world, settings):
        assert answer.status_code == status, kind
        assert {header: answer.headers.get(header) for header in STRICT} == STRICT, kind
        assert answer["Referrer-Policy"] in ("same-origin", "no-referrer"), kind
        assert "camera=()" in answer["Permissions-Policy"], kind
        assert "default-src 'self'" in answer["Content-Security-Policy"], kind
        assert "unsafe" not in answer["Content-Security-Policy"], kind


def test_an_error_of_ours_is_strict_too(db, monkeypatch):
    monkeypatch.setattr("portal.health.django_rq.get_connection", lambda name: 1 / 0)
    answer = Client(raise_request_exception=False).get("/health/")
    assert answer.status_code == 500
    assert {header: answer.headers.get(header) for header in STRICT} == STRICT
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_behind_tls_every_kind_of_answer_demands_tls_for_a_year(world, settings):
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = settings.SECURE_SSL_REDIRECT = True
    for path, status in (("/health/", 200), ("/no/such/place", 404), ("/orders/", 302), (f"/g/{world.token}/", 200)):
        answer = Client().get(path, secure=True)
        assert answer.status_code == status
        assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    plain = Client().get("/orders/")
    assert (plain.status_code, plain["Location"]) == (301, "https://testserver/orders/")


def test_what_is_neither_page_nor_picture_is_saved_and_not_shown(world):
    shown = re.compile("text/html|text/plain|application/json|image/|video/|font/|$")
    saved = 0
    for name, row in TABLE.items():
        for role in ROLES if row.method == "get" else ():
            if getattr(row, role) != 200:
                continue
            with transaction.atomic():
                answer = browser_of(getattr(world, role)).get(row.url(name, world))
                transaction.set_rollback(True)
            if not shown.match(answer.get("Content-Type", "")):
                assert answer["Content-Disposition"].startswith("attachment"), name
                saved += 1
    assert saved > 3


def test_back_after_handing_over_shows_nothing_of_the_last_person(alice):
    desk = Client()
    desk.force_login(alice)
    assert desk.get("/orders/")["Cache-Control"] == "private, no-store"
    assert desk.get("/accounts/logins/")["Cache-Control"] == "private, no-store"


def test_a_request_is_never_echoed(db):
    assert Client().trace("/accounts/login/").status_code == 405
