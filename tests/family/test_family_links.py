"""Links by which a family does something: handed out, opened, counted, closed; guessed, reused, on another host."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from orders import family_links, production
from orders.models import FamilyLink, Order
from portal.models import AuditEvent, hash_token
from tests.family.making import make_family_link
from tests.orders.people import make_home, make_order, make_user


@pytest.fixture
def draft(alice):
    return make_order(alice)


@pytest.fixture
def desk(alice):
    client = Client()
    client.force_login(alice)
    return client


def issue(desk, order, purpose="upload", **extra):
    return desk.post(f"/orders/{order.code}/family-links/", {"purpose": purpose}, **extra)


def address_in(page):
    return re.search(r'value="(http[^"]+/f/[^"]+)"', page.content.decode())[1]


def test_a_link_is_shown_once_with_its_qr_and_opens_the_page(desk, draft):
    page = issue(desk, draft)
    assert page["Cache-Control"] == "no-store"
    assert "data:image/svg+xml" in page.content.decode()
    address = address_in(page)
    assert Client().get(address.removeprefix("http://testserver")).status_code == 200
    token = address.split("/")[4]
    assert FamilyLink.objects.get().token_hash == hash_token(token)
    order_page = desk.get(f"/orders/{draft.code}/").content.decode()
    assert "1번 열림, 20 가운데 0 씀" in order_page
    assert token not in order_page
    assert token not in str(list(AuditEvent.objects.values_list("details", flat=True)))
    actions = AuditEvent.objects.filter(subject=draft.code).values_list("action", flat=True)
    assert {"family_link.issued", "family_link.visited"} <= set(actions)


def test_the_link_stands_on_the_configured_site_whatever_host_the_request_claims(desk, draft, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://portal.example.com"
    page = issue(desk, draft, headers={"Host": "evil.example.net"})
    assert address_in(page).startswith("https://portal.example.com/f/")
    assert "evil" not in page.content.decode()


def test_a_token_asked_for_under_a_host_that_is_not_ours_opens_nothing(draft, alice):
    _link, token = make_family_link(draft, alice)
    for path in (f"/f/{token}/photos/", f"/g/{token}"):
        assert Client().get(path, headers={"Host": "evil.example.net"}).status_code == 400
    draft.family_links.get().refresh_from_db()
    assert draft.family_links.get().visits == 0


@pytest.mark.parametrize("purpose", ["", "nothing", "gallery"])
def test_a_purpose_that_is_none_makes_no_link(desk, draft, purpose):
    assert issue(desk, draft, purpose).status_code == 302
    assert not FamilyLink.objects.exists()


def test_an_order_under_way_asks_for_no_more_photos(desk, alice):
    order = make_order(alice, submitted_at=timezone.now())
    assert issue(desk, order).status_code == 302
    assert not FamilyLink.objects.exists()


def ways_to_be_closed():
    def expired(link, token):
        FamilyLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        return token

    def revoked(link, token):
        family_links.revoke(link, by=link.created_by, request=None)
        return token

    def cancelled(link, token):
        production.cancel(link.order, by=link.created_by, request=None)
        return token

    def erased(link, token):
        Order.objects.update(erased_at=timezone.now())
        return token

    def of_another_purpose(link, token):
        FamilyLink.objects.update(purpose="consent")
        return token

    def guessed(link, token):
        return token[:-1] + ("A" if token[-1] != "A" else "B")

    def malformed(link, token):
        return "%EA%B0%80%00.."

    return [expired, revoked, cancelled, erased, of_another_purpose, guessed, malformed]


@pytest.mark.parametrize("close", ways_to_be_closed(), ids=lambda way: way.__name__)
@pytest.mark.parametrize("method", ["get", "post"])
def test_all_that_is_closed_looks_the_same_to_the_byte(draft, alice, close, method):
    never_was = getattr(Client(), method)("/f/never-was/photos/")
    link, token = make_family_link(draft, alice)
    token = close(link, token)
    answer = getattr(Client(), method)(f"/f/{token}/photos/")
    assert answer.status_code == 404
    assert answer.content == never_was.content
    assert dict(answer.headers) == dict(never_was.headers)
    assert answer["Referrer-Policy"] == "no-referrer"


def test_a_guesser_is_slowed_and_nobody_else(draft, alice):
    _link, token = make_family_link(draft, alice)
    answers = [Client().post(f"/f/guess-{number}/photos/").status_code for number in range(61)]
    assert answers == [404] * 60 + [429]
    assert Client().get(f"/f/{token}/photos/").status_code == 200


def test_withdrawal_closes_what_was_asked_for(alice):
    order = make_order(alice, consent=True)
    link, token = make_family_link(order, alice)
    production.withdraw(order, by="family", reason="", request=None)
    assert Client().get(f"/f/{token}/photos/").status_code == 404
    link.refresh_from_db()
    assert link.revoked_at


def test_a_link_is_closed_once_and_by_its_own_order_alone(desk, draft, alice):
    link, _token = make_family_link(draft, alice)
    other = make_order(alice)
    assert desk.post(f"/orders/{other.code}/family-links/{link.code}/revoke/").status_code == 404
    for _ in range(2):
        assert desk.post(f"/orders/{draft.code}/family-links/{link.code}/revoke/").status_code == 302
    assert AuditEvent.objects.filter(action="family_link.revoked").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_that_race_for_the_last_use_one_gets_it():
    alice = make_user("alice", make_home())
    link, _token = make_family_link(make_order(alice), alice, max_uses=1)
    together = Barrier(2)

    def use(_):
        mine = FamilyLink.objects.get(pk=link.pk)
        together.wait(10)
        try:
            return mine.count_use()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(use, range(2))) == [False, True]
