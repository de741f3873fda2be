"""Authenticator app and recovery codes, through allauth's pages in our frame."""

import re
from base64 import b64decode

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.core.cache import cache
from django.test import Client

from portal.models import User
from tests.orders.people import PASSWORD

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
