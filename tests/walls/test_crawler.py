"""Whatever home A is shown, home B gets as 404: found by following every address, not by a list of them."""

from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.http import HttpResponseBase
from django.test import Client
from django.urls import resolve

from orders.models import Finish
from tests.orders.people import make_user
from tests.portal.test_permissions import GONE, TABLE, browser_of
from tests.portal.world import make_world
from tests.walls.crawling import OWNED, crawl

# A family's link is its own key; whoever has it comes in.
KEYS = ("/g/", "/f/", "/join/", "/stop/")
# What a crawler must not do, and what is no page of the portal.
NOT_ASKED = ("/accounts/logout/", settings.STATIC_URL, "/language/")


def may(address):
    return not address.startswith((*KEYS, *NOT_ASKED))


def content(answer: HttpResponseBase) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def name_of(address):
    return resolve(urlsplit(address).path).view_name


@pytest.fixture
def world(db):
    world = make_world()
    # Its files are made, so that staff are shown them.
    for file in (world.picture, world.video):
        Finish.objects.update_or_create(approval=file.approval, defaults={"state": Finish.State.FINISHED})
    return world


def seen_at_home(world):
    """Every address that home A's people are shown. A manager is shown all that staff are."""
    starts = ["/", "/orders/", f"/orders/{world.order.code}/", f"/orders/new/{world.draft.code}/"]
    return crawl(browser_of(world.manager), starts, may)


def test_whatever_home_a_is_shown_home_b_gets_as_404_and_nobody_without_a_login(world):
    seen = seen_at_home(world)
    # Or this would pass for want of addresses. These two a reviewer is shown, or whoever has a preview sheet.
    pages = {name for name, row in TABLE.items() if row.method == "get" and row.args and row.stranger == GONE}
    of_homes = {name for name in pages if TABLE[name].manager == 200}
    assert of_homes - {name_of(address) for address in seen} <= {"orders:candidate_file", "orders:finished_preview"}

    # A code that is not one's own opens an empty page of one's own there, as one that nobody has does.
    owned = [each for each in seen if OWNED.search(each) and not makes(name_of(each))]
    assert len(owned) > 30
    for role in ("staff", "manager"):
        stranger = browser_of(make_user(f"b-{role}", world.stranger.home, role))
        for address in owned:
            only_posted = seen[address].status_code == 405
            answers = stranger.get(address).status_code, stranger.post(address).status_code
            allowed = [(405, 404), (404, 404)] if only_posted else [(404, 404), (404, 405)]
            assert answers in allowed, address
    nobody = Client()
    for address in owned:
        answer = nobody.get(address)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/accounts/login/"), address


def test_pages_that_both_homes_have_tell_home_b_nothing_of_home_a(world):
    seen = seen_at_home(world)
    codes = {code for address in seen for code in OWNED.findall(address)}
    telling = {*codes, world.order.name, world.draft.name, world.staff.home.name} - {""}
    stranger = browser_of(make_user("b-manager", world.stranger.home, "manager"))
    for address in seen:
        if not OWNED.search(address):
            said = content(stranger.get(address))
            assert [word for word in telling if word.encode() in said] == [], address


def makes(name):
    return name == "orders:order_start" or TABLE[name].makes
