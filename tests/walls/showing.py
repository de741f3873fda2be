"""Any answer of Django's test client, shown in a real browser: no login there, no page asked for twice.

A small server of its own gives the browser what a page names, once: routed through Playwright instead, each of a page's
twenty style sheets and scripts went through three processes for every page, and none could be kept by the browser.
"""

import io
import mimetypes
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponseBase
from PIL import Image
from playwright.sync_api import Browser

from tests.browser import PHONE

# A colour on its way from one theme to the other is neither's.
STILL = b"<style>*, *::before, *::after { transition: none !important; animation: none !important; }</style>"


class Shown:
    """A window. Style sheets and scripts come from where they lie; every picture is the same grey one.

    Nothing here may ask Django: the server answers from threads of its own, in which the test's transaction is not.
    """

    def __init__(self, browser: Browser) -> None:
        self._server = _Server()
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.page = browser.new_context(viewport=PHONE, locale="ko-KR").new_page()

    def show(self, answer: HttpResponseBase) -> None:
        self._server.document = answer.content.replace(b"</head>", STILL + b"</head>")
        self._server.missing.clear()
        self.page.goto(f"http://localhost:{self._server.server_port}")
        assert self._server.missing == [], "named by a page and not there"

    def close(self) -> None:
        self.page.context.close()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    document = b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.missing: list[str] = []


class _Answer(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path, purpose = urlsplit(self.path).path, self.headers["Sec-Fetch-Dest"]
        if purpose == "document":
            self._send(self.server.document, "text/html; charset=utf-8", keep="no-store")
        elif purpose == "font":
            # The system's do as well: what is looked for is colours, sizes and names.
            self._send(b"", "text/plain", status=404)
        elif path.startswith(settings.STATIC_URL):
            try:
                self._send(*static_file(path.removeprefix(settings.STATIC_URL)))
            except FileNotFoundError:
                self.server.missing.append(path)
                self._send(b"", "text/plain", status=404)
        elif purpose == "image":
            self._send(grey_picture(), "image/png")
        else:
            # What a page asks by itself once it is open gets no answer at all.
            self.close_connection = True

    do_POST = do_GET  # noqa: N815  its name for POST

    def _send(self, body: bytes, kind: str, *, status: int = 200, keep: str = "max-age=3600") -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", keep)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Of no interest."""


@cache
def static_file(name: str) -> tuple[bytes, str]:
    found = finders.find(name)
    if not found:
        raise FileNotFoundError(name)
    return Path(found).read_bytes(), mimetypes.guess_type(name)[0] or "application/octet-stream"


@cache
def grey_picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (88, 112), (190, 190, 186)).save(data, "PNG")
    return data.getvalue()


def is_page(answer: HttpResponseBase) -> bool:
    """Pictures and files are none, nor are the parts that a page fetches for itself."""
    return not answer.streaming and b"<html" in answer.content[:400]
