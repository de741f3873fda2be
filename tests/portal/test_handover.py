"""The night desk: one computer, several people, each with a login of their own."""

import pytest
from django.test import Client

from portal.handover import COOKIE, DAYS
from portal.models import AuditEvent, User
from tests.orders.people import PASSWORD, make_home, make_order, make_user


@pytest.fixture
def bob(home):
    return make_user("bob", home)


@pytest.fixture
def desk():
    """A computer, whoever sits at it."""
    return Client()


def log_in(desk, user, page="", password=PASSWORD):
    return desk.post("/accounts/login/", {"login": user.email, "password": password, "next": page})


def hand_over(desk, page="/orders/"):
    return desk.post("/accounts/handover/", {"next": page})


def offered(desk):
    page = desk.get("/accounts/login/")
    return [person.name for person in page.context["form"].colleagues]


def test_handing_over_ends_the_login_and_leads_back_to_the_same_page(desk, alice, bob):
    order = make_order(alice)
    page = f"/orders/{order.code}/?shown=photos"
    log_in(desk, alice)
    answer = hand_over(desk, page)
    assert desk.get("/orders/").status_code == 302
    assert AuditEvent.objects.get(action="login.ended").actor == alice
    form = desk.get(answer["Location"]).content.decode()
    assert f'name="next" value="{page}"' in form
    assert log_in(desk, bob, page)["Location"] == page
    assert desk.get(page).status_code == 200


def test_the_login_page_offers_those_who_were_at_this_desk_the_last_first(desk, alice, bob):
    log_in(desk, alice)
    hand_over(desk)
    log_in(desk, bob)
    hand_over(desk)
    assert offered(desk) == ["bob", "alice"]
    assert offered(Client()) == []


def test_a_name_that_is_pressed_needs_only_the_password_and_always_that(desk, alice):
    log_in(desk, alice)
    hand_over(desk)
    page = desk.get(f"/accounts/login/?who={alice.code}&next=/orders/").content.decode()
    assert "alice 님" in page
    assert 'value="alice@example.com"' in page
    assert 'name="next" value="/orders/"' in page
    log_in(desk, alice, password="")
    log_in(desk, alice, password="1234")
    assert desk.get("/orders/").status_code == 302


def test_a_code_that_is_not_of_this_desk_tells_nothing(desk, alice, bob):
    log_in(desk, alice)
    hand_over(desk)
    assert "bob" not in desk.get(f"/accounts/login/?who={bob.code}").content.decode()


def test_names_of_one_home_alone_are_shown(desk, alice):
    stranger = make_user("stranger", make_home("다른장례식장"))
    log_in(desk, alice)
    hand_over(desk)
    log_in(desk, stranger)
    hand_over(desk)
    assert offered(desk) == ["stranger"]


def test_whoever_was_stopped_is_no_longer_offered(desk, alice, bob):
    for person in (alice, bob):
        log_in(desk, person)
        hand_over(desk)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert offered(desk) == ["bob"]


def test_the_portals_own_people_are_remembered_on_no_device(desk, admin):
    log_in(desk, admin)
    assert COOKIE not in desk.cookies


def test_the_cookie_holds_no_name_and_cannot_be_made_up(desk, alice, bob):
    log_in(desk, alice)
    cookie = desk.cookies[COOKIE]
    assert "alice" not in cookie.value
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", DAYS * 86400)
    hand_over(desk)
    desk.cookies[COOKIE] = cookie.value.replace(str(alice.code), str(bob.code))
    assert offered(desk) == []


def test_a_device_forgets_the_names_at_a_press(desk, alice):
    log_in(desk, alice)
    hand_over(desk)
    desk.post("/accounts/handover/forget/")
    assert offered(desk) == []


@pytest.mark.parametrize("page", ["/people/", "/settings/", "/no/such/page", "/review/"])
def test_a_page_that_the_next_person_may_not_see_leads_to_their_own_start(desk, manager, bob, page):
    log_in(desk, manager)
    hand_over(desk, page)
    assert log_in(desk, bob, page)["Location"] == "/"


def test_a_page_of_another_home_leads_to_the_start(desk, alice):
    order = make_order(alice)
    log_in(desk, alice)
    hand_over(desk)
    stranger = make_user("stranger", make_home("다른장례식장"))
    assert log_in(desk, stranger, f"/orders/{order.code}/")["Location"] == "/"


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_handing_over_leads_to_no_other_site(desk, alice, page):
    log_in(desk, alice)
    assert hand_over(desk, page)["Location"] == "/accounts/login/"


def test_the_button_carries_the_page_that_is_open(desk, alice):
    log_in(desk, alice)
    page = desk.get("/orders/?filter=draft").content.decode()
    assert '<input type="hidden" name="next" value="/orders/?filter=draft">' in page


def test_after_a_while_without_anybody_the_desk_offers_the_same_names(desk, alice, monkeypatch):
    log_in(desk, alice)
    session = desk.session
    session["active_at"] = 0
    session.save()
    answer = desk.get("/orders/?filter=draft")
    assert answer["Location"] == "/accounts/login/?next=/orders/%3Ffilter%3Ddraft"
    assert [person.name for person in desk.get(answer["Location"]).context["form"].colleagues] == ["alice"]
