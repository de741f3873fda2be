"""Byte ranges as RFC 9110 and iPhones have them."""

import io
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import RequestFactory

from portal.ranges import CHUNK, ranged_file

# Closing a response lets Django look after its database connection, if a test before has opened one.
pytestmark = pytest.mark.django_db

BODY = bytes(range(256)) * 4
ETAG = "abc123"


class Watched(io.BytesIO):
    opened: list["Watched"] = []

    def __init__(self, body: bytes = BODY) -> None:
        super().__init__(body)
        Watched.opened.append(self)


@pytest.fixture(autouse=True)
def _no_file_yet() -> None:
    Watched.opened = []


def ask(method: str = "GET", body: bytes = BODY, filename: str | None = None, **headers: str) -> HttpResponseBase:
    request = RequestFactory().generic(method, "/video", headers={k.replace("_", "-"): v for k, v in headers.items()})
    options: dict[str, Any] = {"etag": ETAG, "filename": filename}
    return ranged_file(request, lambda: Watched(body), len(body), "video/mp4", **options)


def read(response: HttpResponseBase) -> bytes:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    response.close()
    return body


def test_without_a_range_the_whole_file_comes_and_says_that_ranges_work():
    response = ask()
    assert response.status_code == 200
    assert read(response) == BODY
    assert response["Content-Length"] == str(len(BODY))
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Type"] == "video/mp4"
    assert response["ETag"] == '"abc123"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("kind", ["image/webp", "image/png", "application/pdf"])
@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-1"}, {"If-None-Match": '"abc123"'}])
def test_what_is_no_video_stays_in_no_browser(kind: str, asked: dict[str, str]):
    request = RequestFactory().get("/picture", headers=asked)
    response = ranged_file(request, Watched, len(BODY), kind, etag=ETAG)
    assert response["Cache-Control"] == "private, no-store"
    response.close()


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-1", 0, 1),
        ("bytes=0-", 0, 1023),
        ("bytes=1000-", 1000, 1023),
        ("bytes=1000-9999", 1000, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=-9999", 0, 1023),
        ("bytes=1023-1023", 1023, 1023),
        ("BYTES= 5-6 ", 5, 6),
    ],
)
def test_one_range_is_answered_with_just_those_bytes(asked: str, first: int, last: int):
    response = ask(range=asked)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/1024"
    assert response["Content-Length"] == str(last - first + 1)
    assert read(response) == BODY[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_outside_the_file_is_refused_with_the_size(asked: str):
    response = ask(range=asked)
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */1024"
    assert not Watched.opened


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=-5"])
def test_an_empty_file_has_no_range(asked: str):
    assert ask(body=b"", range=asked).status_code == 416


def test_an_empty_file_can_be_had_whole():
    response = ask(body=b"")
    assert (response.status_code, response["Content-Length"], read(response)) == (200, "0", b"")


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=5-4",
        "bytes=-",
        "bytes=a-b",
        "bytes=٠-٣",
        "items=0-1",
        "0-1",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_what_is_not_one_range_gets_the_whole_file(asked: str):
    response = ask(range=asked.encode().decode("latin-1"))
    assert response.status_code == 200
    assert read(response) == BODY


def test_a_range_of_the_same_file_is_continued():
    assert ask(range="bytes=10-", if_range='"abc123"').status_code == 206


@pytest.mark.parametrize("seen", ['"older"', 'W/"abc123"', "Sun, 22 Nov 2026 10:00:00 GMT"])
def test_a_range_of_another_file_gets_the_whole_new_one(seen: str):
    response = ask(range="bytes=10-", if_range=seen)
    assert response.status_code == 200
    assert read(response) == BODY


def test_what_the_browser_has_is_not_sent_again():
    response = ask(if_none_match='"abc123"', range="bytes=0-1")
    assert response.status_code == 304
    assert response["ETag"] == '"abc123"'
    assert not Watched.opened


def test_head_tells_the_size_and_opens_nothing():
    response = ask("HEAD", range="bytes=0-1")
    assert (response.status_code, response["Content-Length"], read(response)) == (200, "1024", b"")
    assert response["Accept-Ranges"] == "bytes"
    assert not Watched.opened


def test_a_korean_name_survives():
    response = ask(filename="고 김영자 님 영정사진.png")
    assert response["Content-Disposition"].startswith("inline; filename*=utf-8''%EA%B3%A0%20")


def test_a_long_file_comes_in_chunks_and_is_closed_at_the_end():
    body = b"x" * (CHUNK * 2 + 1)
    response = ask(body=body, range=f"bytes=1-{CHUNK * 2}")
    chunks = list(response.streaming_content)
    assert [len(chunk) for chunk in chunks] == [CHUNK, CHUNK]
    response.close()
    assert Watched.opened[0].closed


def test_a_browser_that_hangs_up_before_the_first_byte_leaves_no_file_open():
    response = ask()
    response.close()
    assert Watched.opened[0].closed


def test_a_missing_file_is_the_callers_to_tell():
    def gone() -> io.BytesIO:
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        ranged_file(RequestFactory().get("/"), gone, 5, "image/png", etag=ETAG)
