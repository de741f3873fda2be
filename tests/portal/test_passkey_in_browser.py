"""Passkeys in a real Chromium with an authenticator of its own: added, logged in with, confirmed with."""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import AuditEvent
from tests.browser import PHONE
from tests.orders.people import PASSWORD, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, settings) -> Iterator[Page]:
    # A browser knows passkeys on https:// and on localhost alone.
    settings.SITE_URL = live_server.url.replace("127.0.0.1", "localhost")
    settings.SECOND_FACTOR_REQUIRED = True
    context = browser.new_context(viewport=PHONE, locale="ko-KR", base_url=settings.SITE_URL)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    yield page
    context.close()
    assert refused == []


def test_a_reviewer_enrols_a_passkey_and_then_needs_nothing_else(page: Page) -> None:
    reviewer = make_user("reviewer", None, "reviewer")
    page.goto("/accounts/login/?next=/review/")
    page.get_by_label("이메일").fill(reviewer.email)
    page.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="로그인", exact=True).click()
    page.wait_for_url("**/accounts/2fa/")
    page.screenshot(path="screenshots/second-factor-must.png", full_page=True)
    page.get_by_role("link", name="패스키 더하기").click()
    page.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="확인").click()
    page.get_by_label("이름").fill("내 휴대전화")
    page.screenshot(path="screenshots/passkey-add.png", full_page=True)
    page.get_by_role("button", name="더하기").click()
    page.wait_for_url("**/recovery-codes/")
    assert Authenticator.objects.get(user=reviewer, type="webauthn").wrap().is_passwordless

    page.goto("/review/")
    expect(page).to_have_url("/review/")
    page.locator("details.menu summary").click()
    page.locator("details.menu").get_by_role("button", name="교대하기").click()

    page.goto("/accounts/login/?next=/review/")
    page.get_by_role("button", name="패스키로 로그인").click()
    expect(page).to_have_url("/review/")
    assert AuditEvent.objects.filter(action="login.succeeded", actor=reviewer).count() == 2

    page.goto("/accounts/2fa/webauthn/reauthenticate/?next=/review/")
    page.get_by_role("button", name="패스키로 확인").click()
    expect(page).to_have_url("/review/")


def test_a_passkey_is_the_second_step_after_a_password_too(page: Page) -> None:
    alice = make_user("operator", None, "operator")
    page.goto("/accounts/login/")
    page.get_by_label("이메일").fill(alice.email)
    page.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="로그인", exact=True).click()
    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="확인").click()
    page.get_by_role("button", name="더하기").click()
    page.wait_for_url("**/recovery-codes/")
    page.context.clear_cookies()

    page.goto("/accounts/login/")
    page.get_by_label("이메일").fill(alice.email)
    page.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="로그인", exact=True).click()
    page.wait_for_url("**/2fa/authenticate/")
    page.screenshot(path="screenshots/second-step.png", full_page=True)
    page.get_by_role("button", name="패스키로 확인").click()
    expect(page).to_have_url("/operator/")


def test_a_refusal_is_said_in_words(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_role("button", name="패스키로 로그인").click()
    expect(page.get_by_role("alert").filter(has_text="패스키를 확인하지 못했습니다")).to_be_visible()
