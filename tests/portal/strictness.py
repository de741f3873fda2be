"""What every answer says to the browser, whoever asks and whatever comes of it."""

import re

from django.http import HttpResponseBase

POLICY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Addresses that are a key of their own tell no other site of themselves.
KEYS = ("/g/", "/f/", "/stop/")


def hold_to_the_policy(answer: HttpResponseBase, url: str) -> None:
    """Strict headers on every answer; on a page no script or style of its own, and nothing of another host."""
    assert {header: answer.headers.get(header) for header in POLICY} == POLICY, url
    assert answer["Referrer-Policy"] == ("no-referrer" if url.startswith(KEYS) else "same-origin"), url
    assert "camera=()" in answer["Permissions-Policy"], url
    held = dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))
    assert held["default-src"] == held["form-action"] == "'self'", url
    assert held["object-src"] == held["base-uri"] == held["frame-ancestors"] == "'none'", url
    assert "unsafe" not in answer["Content-Security-Policy"], url
    assert "Strict-Transport-Security" not in answer.headers, url  # the tests are not behind TLS
    if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
        _hold_page(answer.content.decode(), url)


def _hold_page(page: str, url: str) -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), url
    for script in re.findall(r"<script[^>]*>", page):
        assert "src=" in script or 'type="application/json"' in script, url
    for address in re.findall(r'\s(?:src|href|action|poster)="([^"]*)"', page):
        assert re.match(r"/(?!/)|[#?]|tel:|data:image/|$", address), (url, address)
