"""Any answer of Django's test client, shown in a real browser: no server, no login there, no page asked for twice."""

import io
import mimetypes
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponseBase
from PIL import Image
from playwright.sync_api import Browser, Route

from tests.browser import PHONE

HERE = "http://localhost"
# A colour on its way from one theme to the other is neither's.
STILL = b"<style>*, *::before, *::after { transition: none !important; animation: none !important; }</style>"


class Shown:
    """A window. Style sheets and scripts come from where they lie; every picture is the same grey one.

    Nothing here may ask Django: Playwright calls from a context of its own, in which the test's transaction is not.
    """

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_context(viewport=PHONE, locale="ko-KR").new_page()
        self.page.route("**/*", self._answer)

    def show(self, answer: HttpResponseBase) -> None:
        self._document = answer.content.replace(b"</head>", STILL + b"</head>")
        self.page.goto(HERE)

    def close(self) -> None:
        self.page.context.close()

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if route.request.resource_type == "document":
            route.fulfill(body=self._document, content_type="text/html; charset=utf-8")
        elif route.request.resource_type == "font":
            # The system's do as well: what is looked for is colours, sizes and names.
            route.abort()
        elif path.startswith(settings.STATIC_URL):
            body, kind = static_file(path.removeprefix(settings.STATIC_URL))
            route.fulfill(body=body, content_type=kind)
        elif route.request.resource_type == "image":
            route.fulfill(body=grey_picture(), content_type="image/png")
        else:
            # What a page asks by itself once it is open.
            route.abort()


@cache
def static_file(name: str) -> tuple[bytes, str]:
    found = finders.find(name)
    assert found, f"{name} is named by a page and is not there"
    return Path(found).read_bytes(), mimetypes.guess_type(name)[0] or "application/octet-stream"


@cache
def grey_picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (88, 112), (190, 190, 186)).save(data, "PNG")
    return data.getvalue()


def is_page(answer: HttpResponseBase) -> bool:
    """Pictures and files are none, nor are the parts that a page fetches for itself."""
    return not answer.streaming and b"<html" in answer.content[:400]
