"""Authenticator app and recovery codes, through allauth's pages in our frame."""

import re
from base64 import b64decode

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from portal.models import AuditEvent, User
from portal.second_factor import SEALED, SecondFactorAdapter
from tests.orders.people import PASSWORD, make_user

FRAME = "ConnectDream"


def code_for(secret):
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


@pytest.fixture
def visitor(alice: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    return client


def confirm_who_i_am(visitor):
    return visitor.post("/accounts/reauthenticate/", {"password": PASSWORD})


def turn_on(visitor):
    confirm_who_i_am(visitor)
    page = visitor.get("/accounts/2fa/totp/activate/")
    assert page.status_code == 200
    # A picture that stands alone needs its name space.
    assert b'xmlns="http://www.w3.org/2000/svg"' in b64decode(page.context["totp_svg_data_uri"].partition(",")[2])
    secret = page.context["form"].secret
    answer = visitor.post("/accounts/2fa/totp/activate/", {"code": code_for(secret)}, follow=True)
    assert answer.status_code == 200
    return secret, answer


def test_turning_it_on_asks_for_the_password_first(visitor):
    assert visitor.get("/accounts/2fa/totp/activate/")["Location"].startswith("/accounts/reauthenticate/")
    assert confirm_who_i_am(visitor).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_turning_it_on_gives_recovery_codes_and_tells_its_owner(visitor):
    _secret, shown = turn_on(visitor)
    assert len(re.findall(r"\b[0-9a-f-]{8,}\b", shown.content.decode())) >= 10
    assert "[ConnectDream] 2단계 인증을 켰습니다" in [letter.subject for letter in mail.outbox]


def test_a_login_then_needs_the_code(visitor, alice):
    secret, _shown = turn_on(visitor)
    client = Client()
    answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/accounts/password/change/").status_code == 302
    assert client.get("/accounts/2fa/authenticate/").status_code == 200
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    # A code is used once; the one that turned it on is spent.
    cache.clear()
    assert client.post("/accounts/2fa/authenticate/", {"code": code_for(secret)})["Location"] == "/"


@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_after_five_wrong_codes_the_right_one_is_refused_as_well(alice, kind):
    secret = generate_totp_secret()
    TOTP.activate(alice, secret)
    unused = RecoveryCodes.activate(alice).get_unused_codes()
    right, wrong = (code_for(secret), "12345") if kind == "totp" else (unused[0], "0" * len(unused[0]))

    def hand_in(code, place):
        """From another place each time: it is the account that is guarded."""
        browser = Client(REMOTE_ADDR=f"192.0.2.{place}")
        browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
        return browser.post("/accounts/2fa/authenticate/", {"code": code})

    for place in range(5):
        assert "여러 번 틀려" not in hand_in(wrong, place).content.decode()
    refused = hand_in(right, 6)
    assert refused.status_code == 200
    assert "여러 번 틀려" in refused.content.decode()
    assert AuditEvent.objects.filter(action="second_factor.failed", subject=alice.code).count() == 5
    cache.clear()
    assert hand_in(right, 7)["Location"] == "/"


@pytest.mark.parametrize(
    "path", ["", "totp/deactivate/", "recovery-codes/", "recovery-codes/generate/", "reauthenticate/"]
)
def test_its_pages_stand_in_our_frame(visitor, path):
    turn_on(visitor)
    page = visitor.get(f"/accounts/2fa/{path}")
    assert page.status_code == 200
    assert FRAME in page.content.decode()


def test_it_can_be_turned_off(visitor):
    turn_on(visitor)
    assert visitor.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert "[ConnectDream] 2단계 인증을 껐습니다" in [letter.subject for letter in mail.outbox]


def test_the_database_holds_no_secret_that_could_be_used(visitor, alice):
    secret, _shown = turn_on(visitor)
    stored = {row.type: row.data for row in Authenticator.objects.filter(user=alice)}
    assert secret not in str(stored)
    assert SecondFactorAdapter().decrypt(stored["totp"]["secret"]) == secret
    assert stored["recovery_codes"]["seed"].startswith(SEALED)


def test_what_was_stored_before_there_was_a_seal_is_still_read(alice):
    secret = generate_totp_secret()
    Authenticator.objects.create(user=alice, type="totp", data={"secret": secret})
    half_way = Client()
    half_way.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert half_way.post("/accounts/2fa/authenticate/", {"code": code_for(secret)})["Location"] == "/"


def test_a_changed_secret_key_still_opens_what_the_earlier_one_sealed(settings):
    sealed = SecondFactorAdapter().encrypt("a secret")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "quite another key"
    assert SecondFactorAdapter().decrypt(sealed) == "a secret"


@pytest.fixture
def required(settings):
    settings.SECOND_FACTOR_REQUIRED = True


PLACES = {"reviewer": "/review/", "operator": "/operator/", "admin": "/admin/people/"}


@pytest.mark.parametrize("role", PLACES)
def test_whoever_works_for_the_portal_does_nothing_before_enrolling(db, required, role):
    person = make_user("x", None, role)
    browser = Client()
    browser.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    for path in (PLACES[role], "/metrics" if role == "operator" else PLACES[role]):
        assert browser.get(path)["Location"] == "/accounts/2fa/"
    assert "아래에서 하나를 켜 주세요" in browser.get("/accounts/2fa/").content.decode()
    turn_on(browser)
    assert browser.get(PLACES[role]).status_code == 200


def test_a_page_of_another_role_stays_hidden_from_whoever_must_enrol(db, required):
    browser = Client()
    browser.force_login(make_user("x", None, "reviewer"))
    assert browser.get("/operator/").status_code == 404


def test_the_people_of_a_home_are_offered_it_and_not_held_to_it(visitor, required):
    assert visitor.get("/orders/").status_code == 200
    assert "하나만 켜셔도 되고" in visitor.get("/accounts/2fa/").content.decode()


def test_turning_the_last_one_off_ends_the_work_until_there_is_another(db, required):
    person = make_user("x", None, "operator")
    browser = Client()
    browser.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    turn_on(browser)
    browser.post("/accounts/2fa/totp/deactivate/")
    assert browser.get("/operator/")["Location"] == "/accounts/2fa/"


@pytest.mark.django_db(transaction=True)
def test_each_change_is_written_down(visitor, alice):
    turn_on(visitor)
    visitor.post("/accounts/2fa/totp/deactivate/")
    entries = AuditEvent.objects.filter(action__startswith="second_factor", subject=alice.code)
    assert {(entry.action, entry.details["kind"]) for entry in entries} == {
        ("second_factor.added", "totp"),
        ("second_factor.added", "recovery_codes"),
        ("second_factor.removed", "totp"),
        ("second_factor.removed", "recovery_codes"),
    }


@pytest.mark.parametrize("path", ["webauthn/", "webauthn/add/"])
def test_the_pages_of_passkeys_stand_in_our_frame_without_a_script_of_their_own(visitor, path):
    confirm_who_i_am(visitor)
    page = visitor.get(f"/accounts/2fa/{path}").content.decode()
    assert FRAME in page
    for script in re.findall(r"<script[^>]*>", page):
        assert "src=" in script or 'type="application/json"' in script


def test_a_passkey_belongs_to_the_site_as_configured(visitor, settings):
    settings.SITE_URL = "https://portal.example.com"
    confirm_who_i_am(visitor)
    asked = visitor.get("/accounts/2fa/webauthn/add/").context["js_data"]["creation_options"]["publicKey"]
    assert asked["rp"]["id"] == "portal.example.com"


@pytest.mark.parametrize("credential", ["", "{}", "null", '{"id": "x", "response": {}}', "not json"])
def test_a_passkey_made_up_lets_nobody_in(alice, credential):
    browser = Client()
    browser.get("/accounts/2fa/webauthn/login/", headers={"X-Requested-With": "XMLHttpRequest"})
    answer = browser.post("/accounts/2fa/webauthn/login/", {"credential": credential})
    assert answer["Location"] == "/accounts/login/"
    assert browser.get("/accounts/password/change/").status_code == 302


@pytest.fixture
def enrolled(alice):
    TOTP.activate(alice, generate_totp_secret())
    RecoveryCodes.activate(alice)
    return alice


@pytest.fixture
def sure_admin(admin):
    """An admin's browser in which the password was just asked for."""
    browser = Client()
    browser.post("/accounts/login/", {"login": admin.email, "password": PASSWORD})
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


def test_an_admin_helps_whoever_lost_their_phone(sure_admin, enrolled):
    elsewhere = Client()
    elsewhere.force_login(enrolled)
    sure_admin.post(f"/admin/people/{enrolled.code}/second-factor/reset/")
    assert not Authenticator.objects.filter(user=enrolled).exists()
    assert elsewhere.get("/orders/").status_code == 302
    letter = mail.outbox[-1]
    assert (letter.to, letter.subject) == ([enrolled.email], "[ConnectDream] 2단계 인증을 지웠습니다")
    assert AuditEvent.objects.get(action="second_factor.reset").subject == enrolled.code
    answer = Client().post("/accounts/login/", {"login": enrolled.email, "password": PASSWORD})
    assert answer["Location"] == "/"


def test_an_admin_is_asked_for_the_password_before(headquarters, enrolled):
    answer = headquarters.post(f"/admin/people/{enrolled.code}/second-factor/reset/")
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert enrolled.has_second_factor


def test_an_admin_does_not_get_rid_of_their_own_that_way(sure_admin, admin):
    TOTP.activate(admin, generate_totp_secret())
    sure_admin.post(f"/admin/people/{admin.code}/second-factor/reset/")
    assert admin.has_second_factor


def test_the_last_admin_is_helped_from_the_machine(enrolled, capsys):
    call_command("person", "reset", "ALICE@example.com")
    assert not enrolled.has_second_factor
    assert AuditEvent.objects.get(action="second_factor.reset").actor_kind == "system"
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("person", "reset", "nobody@example.com")
