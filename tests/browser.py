"""A real Chromium for the tests that need eyes or fingers."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

SCREENSHOTS = Path(__file__).parents[1] / "screenshots"
PHONE = {"width": 390, "height": 844}
TABLET = {"width": 820, "height": 1180}
DESK = {"width": 1440, "height": 900}
SIZES = {"phone": PHONE, "tablet": TABLET, "desk": DESK}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own; a test without either is skipped in words."""
    # Playwright's event loop runs in this thread, where Django would refuse its database otherwise.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
            try:
                # A container often gives no user namespaces and a small /dev/shm.
                arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
                browser = playwright.chromium.launch(executable_path=path, args=arguments)
            except Error as error:
                pytest.skip(f"No Chromium can be started: {error.message.splitlines()[0]}")
            try:
                yield browser
            finally:
                browser.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


def log_in(context: BrowserContext, user: AbstractBaseUser, url: str) -> None:
    """Give these windows a login of this user's at the server that stands there."""
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    context.add_cookies([{"name": "sessionid", "value": str(session.session_key), "url": url}])


def settled(page: Page) -> None:
    """Its letters are there, and so is what it asked for by itself. To wait for "networkidle" is to wait for half a
    second in which nothing happens, on every page."""
    page.evaluate("document.fonts.ready.then(() => true)")
    expect(page.locator(".htmx-request")).to_have_count(0)
