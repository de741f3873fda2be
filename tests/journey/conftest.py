"""What every journey starts from, and windows of a real browser onto the running portal."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import DESK


@pytest.fixture
def window(browser: Browser, live_server: Any, settings: Any) -> Iterator[Callable[..., Page]]:
    """Opens a window of somebody's own, in Korean; whatever the browser complained about fails the test."""
    settings.SITE_URL = live_server.url
    contexts = []
    complaints: list[str] = []

    def opened(size: dict[str, int] = DESK, **options: Any) -> Page:
        context = browser.new_context(
            viewport=size, locale="ko-KR", timezone_id="Asia/Seoul", base_url=live_server.url, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Security Policy" in line.text else None)
        page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 500 else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints
