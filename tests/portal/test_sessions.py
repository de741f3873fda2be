"""Open logins: seen, ended by hand, by idleness and by a new password; from where admins may work; asking once more."""

import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from portal import urls
from portal.access import for_roles, recently_authenticated
from portal.devices import device
from portal.models import AuditEvent, OpenLogin
from tests.orders.people import PASSWORD, make_user

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1"
)


def log_in(user, browser="", password=PASSWORD, **extra):
    client = Client(headers={"User-Agent": browser}, **extra)
    client.post("/accounts/login/", {"login": user.email, "password": password})
    return client


def is_in(client):
    return client.get("/accounts/password/change/").status_code == 200


def after(monkeypatch, **span):
    """So much later, as `portal.sessions` reads the clock."""
    now = time.time() + timedelta(**span).total_seconds()
    monkeypatch.setattr("portal.sessions.time", SimpleNamespace(time=lambda: now))


@pytest.mark.parametrize(
    ("browser", "words"),
    [
        (WINDOWS, "Windows · Chrome"),
        (WINDOWS + " Edg/140.0.0.0", "Windows · Edge"),
        (WINDOWS + " Whale/4.0", "Windows · Whale"),
        (IPHONE, "iPhone · Safari"),
        (IPHONE + " KAKAOTALK 10.0", "iPhone · KakaoTalk"),
        ("Mozilla/5.0 (Linux; Android 15) SamsungBrowser/28 Chrome/130 Mobile Safari", "Android · Samsung Internet"),
        ("curl/8", "알 수 없는 기기"),
        ("", "알 수 없는 기기"),
    ],
)
def test_a_device_is_called_what_its_owner_calls_it(browser, words):
    assert device(browser) == words


def test_the_page_shows_each_device_its_address_and_which_is_this_one(alice):
    desk = log_in(alice, WINDOWS)
    log_in(alice, IPHONE, REMOTE_ADDR="192.0.2.9")
    page = desk.get("/accounts/logins/").content.decode()
    assert page.count("Windows · Chrome") == page.count("iPhone · Safari") == page.count("지금 이 기기") == 1
    assert "192.0.2.9" in page
    assert "30분 동안" in page


def test_one_login_is_ended_and_the_device_is_out_with_its_next_request(alice):
    desk, phone = log_in(alice, WINDOWS), log_in(alice, IPHONE)
    login = OpenLogin.objects.get(browser=IPHONE)
    desk.post(f"/accounts/logins/{login.code}/end/")
    assert (is_in(desk), is_in(phone)) == (True, False)
    assert AuditEvent.objects.get(action="login.closed").subject == alice.code


def test_all_others_are_ended_at_once(alice):
    desk, phone, tablet = (log_in(alice) for _ in range(3))
    desk.post("/accounts/logins/end-others/")
    assert [is_in(browser) for browser in (desk, phone, tablet)] == [True, False, False]
    assert OpenLogin.objects.count() == 1


def test_nobody_ends_the_login_of_somebody_else(alice, manager):
    hers, his = log_in(alice), log_in(manager)
    code = OpenLogin.objects.get(user=alice).code
    assert his.post(f"/accounts/logins/{code}/end/").status_code == 404
    assert is_in(hers)


def test_logging_out_leaves_nothing_in_the_list(alice):
    log_in(alice).post("/accounts/logout/")
    assert not OpenLogin.objects.exists()


def test_a_new_password_ends_every_other_login_and_the_list_says_so(alice):
    desk, phone = log_in(alice, WINDOWS), log_in(alice, IPHONE)
    new = "another long sentence"
    desk.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert (is_in(desk), is_in(phone)) == (True, False)
    login = OpenLogin.objects.get()
    assert login.browser == WINDOWS
    assert Session.objects.filter(session_key=login.session_key).exists()
    assert desk.get("/accounts/logins/").content.decode().count("지금 이 기기") == 1


@pytest.mark.parametrize(("role", "minutes"), [("staff", 30), ("manager", 30), ("reviewer", 15), ("admin", 15)])
def test_a_login_that_nobody_uses_ends_and_the_page_comes_back_after_the_next(home, monkeypatch, role, minutes):
    user = make_user("x", home if role in ("staff", "manager") else None, role)
    browser = log_in(user)
    after(monkeypatch, minutes=minutes - 1)
    assert is_in(browser)
    after(monkeypatch, minutes=2 * minutes)
    assert browser.get("/accounts/logins/?a=b")["Location"] == "/accounts/login/?next=/accounts/logins/%3Fa%3Db"
    assert AuditEvent.objects.get(action="login.idle").actor == user
    assert not OpenLogin.objects.exists()


def test_what_is_done_keeps_a_login_alive(alice, monkeypatch):
    desk = log_in(alice)
    for minutes in range(20, 200, 20):
        after(monkeypatch, minutes=minutes)
        assert is_in(desk)


def test_what_a_page_asks_by_itself_does_not_keep_it_alive(alice, monkeypatch):
    desk = log_in(alice)
    for minutes in (10, 20, 29):
        after(monkeypatch, minutes=minutes)
        assert desk.get("/orders/rows/", headers={"HX-Request": "true"}).status_code == 200
    after(monkeypatch, minutes=31)
    part = {"HX-Request": "true", "HX-Current-URL": "http://testserver/orders/?filter=draft"}
    answer = desk.get("/orders/rows/", headers=part)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["HX-Redirect"] == "/accounts/login/?next=/orders/%3Ffilter%3Ddraft"
    assert "오래 쓰지 않아 로그인을 끝냈습니다" in desk.get(answer["HX-Redirect"]).content.decode()


def test_being_seen_is_written_down_at_most_once_a_minute(alice):
    desk = log_in(alice)
    with CaptureQueriesContext(connection) as asked:
        desk.get("/accounts/password/change/")
    assert not [query for query in asked if query["sql"].startswith(("UPDATE", "INSERT"))]


def work_through(desk, monkeypatch, hours):
    """Something is done every twenty minutes."""
    for minutes in range(20, 60 * hours, 20):
        after(monkeypatch, minutes=minutes)
        assert is_in(desk)


def test_a_login_in_use_all_day_ends_twelve_hours_after_it_began(alice, monkeypatch):
    desk = log_in(alice)
    began = time.time()
    work_through(desk, monkeypatch, hours=12)
    monkeypatch.setattr("portal.sessions.time", SimpleNamespace(time=lambda: began + 12 * 60 * 60 + 2))
    answer = desk.get("/accounts/logins/")
    assert answer["Location"] == "/accounts/login/?next=/accounts/logins/"
    assert "로그인하신 지 오래되어" in desk.get(answer["Location"]).content.decode()
    assert AuditEvent.objects.get(action="login.expired").actor == alice
    assert not OpenLogin.objects.exists()


def test_a_new_login_begins_a_new_day(alice, monkeypatch):
    desk = log_in(alice)
    work_through(desk, monkeypatch, hours=12)
    desk.post("/accounts/logout/")
    desk.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    after(monkeypatch, hours=12, minutes=5)
    assert is_in(desk)


def test_old_rows_go_with_the_next_login(alice):
    log_in(alice)
    OpenLogin.objects.update(started_at=timezone.now() - timedelta(hours=13))
    log_in(alice)
    assert OpenLogin.objects.count() == 1


def test_the_list_asks_the_database_no_more_for_more_logins(alice, django_assert_num_queries):
    desk = log_in(alice)
    with CaptureQueriesContext(connection) as before:
        desk.get("/accounts/logins/")
    asked = len(before)
    for _ in range(4):
        log_in(alice)
    with django_assert_num_queries(asked):
        desk.get("/accounts/logins/")


# From where operators and admins may work.


@pytest.fixture
def office_network(settings):
    from ipaddress import ip_network

    settings.ADMIN_NETWORKS = [ip_network("203.0.113.0/24"), ip_network("2001:db8::/48")]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("203.0.113.9", 200),
        ("::ffff:203.0.113.9", 200),
        ("2001:db8::1", 200),
        ("198.51.100.1", 404),
        ("::ffff:198.51.100.1", 404),
        ("2001:db8:1::1", 404),
        ("127.0.0.1", 404),
        ("203.0.113.9:4711", 404),
        ("", 404),
    ],
)
@pytest.mark.parametrize(("role", "page"), [("admin", "/admin/people/"), ("operator", "/operator/")])
def test_operators_and_admins_work_from_the_named_networks_alone(db, office_network, role, page, address, status):
    browser = Client(REMOTE_ADDR=address)
    browser.force_login(make_user("x", None, role))
    assert browser.get(page).status_code == status


def test_the_address_is_not_the_one_that_the_browser_claims(admin, office_network, settings):
    settings.TRUSTED_PROXY_COUNT = 1
    for forwarded, status in (("198.51.100.1, 203.0.113.9", 200), ("203.0.113.9, 198.51.100.1", 404)):
        browser = Client(headers={"X-Forwarded-For": forwarded})
        browser.force_login(admin)
        assert browser.get("/admin/people/").status_code == status


def test_nobody_else_is_held_to_the_networks(alice, office_network):
    browser = Client(REMOTE_ADDR="198.51.100.1")
    browser.force_login(alice)
    assert browser.get("/orders/").status_code == 200


# Erasing and exporting ask once more who it is.


@for_roles("staff")
@recently_authenticated
def erase(request):
    return HttpResponse(f"erased for {request.POST.get('reason')}")


urlpatterns = [*urls.urlpatterns, path("erase/", erase, name="erase")]


@pytest.fixture
def dangerous(settings):
    settings.ROOT_URLCONF = __name__


def test_whoever_erases_is_asked_once_more_and_what_they_sent_is_then_done(alice, dangerous):
    desk = log_in(alice)
    asked = desk.post("/erase/", {"reason": "the family asked"})
    assert asked["Location"] == "/accounts/reauthenticate/?next=%2Ferase%2F"
    done = desk.post(asked["Location"], {"password": PASSWORD})
    assert done.content == b"erased for the family asked"
    assert desk.post("/erase/", {"reason": "again"}).content == b"erased for again"


def test_the_wrong_password_erases_nothing(alice, dangerous):
    desk = log_in(alice)
    asked = desk.post("/erase/", {"reason": "x"})
    assert b"erased" not in desk.post(asked["Location"], {"password": "wrong"}).content


def test_after_five_minutes_it_is_asked_again(alice, dangerous, monkeypatch):
    desk = log_in(alice)
    desk.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert desk.post("/erase/").status_code == 200
    now = time.time()
    monkeypatch.setattr("allauth.account.internal.flows.reauthentication.time.time", lambda: now + 301)
    assert desk.post("/erase/").status_code == 302


def test_a_stranger_is_not_asked_who_they_are(manager, dangerous):
    office = log_in(manager)
    assert office.post("/erase/").status_code == 404


# Failures.


def test_the_lock_is_said_in_words_and_written_down(alice):
    for _ in range(5):
        log_in(alice, password="wrong")
    answer = Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert "5분 뒤에 다시 하시거나 비밀번호를 다시 정해 주세요" in answer.content.decode()
    assert AuditEvent.objects.get(action="login.locked").subject == alice.code


def test_ending_this_very_login_leads_to_the_login_page(alice, monkeypatch):
    desk = log_in(alice)
    after(monkeypatch, minutes=2)
    answer = desk.post(f"/accounts/logins/{OpenLogin.objects.get().code}/end/")
    assert answer["Location"] == "/accounts/login/"
    assert not is_in(desk)
