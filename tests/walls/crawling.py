"""Following every address that a page names, as a curious browser would."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.http import HttpResponseBase
from django.test import Client

OWNED = re.compile("[0-9a-f]{8}-[0-9a-f-]{27}")
_NAMING = ("href", "src", "action", "formaction", "poster", "srcset")


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.named: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (name in _NAMING or name.startswith(("hx-", "data-"))):
                self.named += [part.split()[0] for part in value.split(",") if part.split()]


def addresses_in(html: str, page: str) -> Iterator[str]:
    """Paths with their queries on this site, as a page at ``page`` names them."""
    parser = _Addresses()
    parser.feed(html)
    for named in parser.named:
        url = urlsplit(urljoin(f"http://testserver{page}", named))
        looks_like_one = named.startswith(("/", "?", "http://testserver/", "./", "../"))
        if looks_like_one and url.netloc == "testserver":
            yield url.path + (f"?{url.query}" if url.query else "")


def crawl(client: Client, starts: list[str], may: Callable[[str], bool]) -> dict[str, HttpResponseBase]:
    """Every address reached from ``starts`` by GET, with its answer; those that ``may`` refuses are not asked for."""
    waiting, answers = list(starts), {}
    while waiting:
        address = waiting.pop()
        if address in answers or not may(address):
            continue
        answer = client.get(address)
        answers[address] = answer
        if location := answer.headers.get("Location"):
            waiting += addresses_in(f'<a href="{location}">', address)
        elif answer.headers.get("Content-Type", "").startswith("text/html"):
            waiting += addresses_in(answer.content.decode(), address)
    return answers
