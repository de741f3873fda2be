"""Every rate of portal.rates: so many, and not one more, until time has passed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from portal import limits
from portal.access import client_address
from portal.rates import ALLAUTH, PORTAL, Rate, for_allauth


@pytest.fixture
def clock(monkeypatch):
    """Set to the beginning of a window of every rate."""

    class Clock:
        now = 1_800_000_000 // 86400 * 86400.0

    monkeypatch.setattr(limits.time, "time", lambda: Clock.now)
    return Clock


@pytest.mark.parametrize("name", PORTAL)
def test_as_many_as_the_rate_says_and_not_one_more(name, clock):
    rate = PORTAL[name]
    assert [limits.allow(name, "x") for _ in range(rate.times + 1)] == [True] * rate.times + [False]
    assert limits.used_up(name, "x")
    assert not limits.used_up(name, "y")
    assert limits.allow(name, "y")


def test_what_was_long_ago_no_longer_counts(clock):
    for _ in range(5):
        assert limits.allow("code_of_link", "x")
    clock.now += 2 * PORTAL["code_of_link"].seconds
    assert limits.allow("code_of_link", "x")


def test_a_new_window_does_not_begin_from_nothing(clock):
    clock.now += PORTAL["code_of_link"].seconds - 1
    for _ in range(5):
        assert limits.allow("code_of_link", "x")
    clock.now += 2
    assert not limits.allow("code_of_link", "x")


def test_the_right_code_begins_anew(clock):
    for _ in range(6):
        limits.allow("code_of_link", "x")
    limits.forget("code_of_link", "x")
    assert limits.allow("code_of_link", "x")


@pytest.mark.parametrize(("before", "since", "into"), [(0, 20, 0), (0, 25, 13), (20, 5, 10), (20, 20, 59), (45, 0, 1)])
def test_how_long_to_wait_is_said_within_a_second(clock, before, since, into):
    """`before` in the last window, `since` in this one, so many seconds into it."""
    for _ in range(before):
        limits.allow("join", "x")
    clock.now += 60 + into
    for _ in range(since):
        limits.allow("join", "x")
    wait = limits.seconds_until_next("join", "x")
    clock.now += wait - 2
    assert limits.seconds_until_next("join", "x")
    clock.now += 2
    assert limits.seconds_until_next("join", "x") == 0
    assert limits.allow("join", "x")


def test_where_one_more_is_let_through_there_is_nothing_to_wait_for(clock):
    for _ in range(19):
        limits.allow("join", "x")
    assert limits.seconds_until_next("join", "x") == 0
    assert limits.seconds_until_next("join", "y") == 0


def test_many_at_once_are_counted_one_by_one(clock):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: limits.allow("join", "x"), range(60)))
    assert answers.count(True) == PORTAL["join"].times


def test_what_is_counted_is_stored_under_no_name_of_anybody(redis_client):
    limits.allow("code_of_link", "a-secret-token")
    assert not list(redis_client.scan_iter("*secret*"))


@limits.limited("join")
def view(request):
    return HttpResponse("in")


def ask(address, method="post", **extra):
    return view(getattr(RequestFactory(), method)("/", REMOTE_ADDR=address, **extra)).status_code


def test_a_view_counts_what_is_sent_by_address_and_not_what_is_looked_at(clock):
    assert [ask("192.0.2.1") for _ in range(21)] == [200] * 20 + [429]
    assert ask("192.0.2.2") == 200
    assert ask("192.0.2.1", "get") == 200


def test_an_ipv6_customer_is_one_however_many_addresses_they_have(clock):
    assert [ask(f"2001:db8::{n:x}") for n in range(21)] == [200] * 20 + [429]
    assert ask("2001:db8:0:1::1") == 200


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted"),
    [
        (0, "198.51.100.7", "192.0.2.1"),
        (1, "203.0.113.5, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.5", "192.0.2.1"),
    ],
)
def test_behind_proxies_of_ours_the_browsers_address_counts_and_no_claimed_one(settings, proxies, forwarded, counted):
    settings.TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert limits.address_of(request) == counted


def test_two_who_come_by_ipv4_over_ipv6_are_two(clock):
    assert [ask("::ffff:192.0.2.1") for _ in range(21)] == [200] * 20 + [429]
    assert ask("192.0.2.1") == 429
    assert ask("::ffff:192.0.2.2") == 200


UNREADABLE = ["198.51.100.7:4711", "[2001:db8::1]:4711", "unknown", "", "%"]


@pytest.mark.parametrize("said", UNREADABLE)
def test_whose_address_cannot_be_read_is_one_with_all_of_whom_that_is_so(settings, said):
    settings.TRUSTED_PROXY_COUNT = 1
    request = RequestFactory().post("/", REMOTE_ADDR="", HTTP_X_FORWARDED_FOR=said)
    assert client_address(request) is None
    assert limits.address_of(request) == "::/64"


def test_the_name_of_our_own_network_card_is_no_part_of_an_address():
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="fe80::1%eth0")) == "fe80::1"


def test_a_proxy_that_writes_ports_stops_nobody_and_opens_no_other_count(settings, alice):
    """Each connection has a port of its own, and would have counted as somebody else."""
    settings.TRUSTED_PROXY_COUNT = 1
    tries = {"login": alice.email, "password": "wrong"}
    answers = [
        Client(headers={"X-Forwarded-For": f"198.51.100.7:{port}"}).post(
            "/accounts/login/", tries | {"login": f"p{port}@example.com"}
        )
        for port in range(31)
    ]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]


def test_the_answer_says_when_to_come_back(clock, db):
    answers = [Client().post("/join/none/") for _ in range(21)]
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "60"
    assert "잠시 쉬었다가" in answers[-1].content.decode()


def test_allauth_is_given_the_same_numbers():
    assert for_allauth()["login_failed"] == "10/60s/ip,5/300s/key,20/86400s/key"
    assert set(for_allauth()) == set(ALLAUTH)
    assert all(isinstance(rate, Rate) and rate.times > 0 for rate in PORTAL.values())


def say(address, data, times):
    """What a browser is answered that sends so many; logged in where it matters."""
    return lambda browser: [browser.post(address, data(n)).status_code for n in range(times)]


@pytest.mark.parametrize(
    ("action", "number", "send"),
    [
        ("login", 30, say("/accounts/login/", lambda n: {"login": "", "password": ""}, 31)),
        ("reset_password", 20, say("/accounts/password/reset/", lambda n: {"email": f"p{n}@example.com"}, 21)),
        ("change_password", 5, say("/accounts/password/change/", lambda n: {"oldpassword": "wrong"}, 6)),
        ("reauthenticate", 10, say("/accounts/reauthenticate/", lambda n: {"password": "wrong"}, 11)),
        ("webauthn_login", 30, say("/accounts/2fa/webauthn/login/", lambda n: {"credential": "{}"}, 31)),
    ],
)
def test_allauths_pages_hold_to_theirs(alice, action, number, send):
    assert ALLAUTH[action][0].times == number
    browser = Client()
    if action in ("change_password", "reauthenticate"):
        browser.force_login(alice)
    statuses = send(browser)
    assert 429 not in statuses[:number]
    assert statuses[number] == 429


def test_one_address_is_mailed_at_most_five_times_an_hour(alice, mailoutbox):
    for _ in range(6):
        Client().post("/accounts/password/reset/", {"email": alice.email})
    assert len(mailoutbox) == 5
