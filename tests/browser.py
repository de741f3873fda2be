"""A real Chromium for the tests that need eyes or fingers."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

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
