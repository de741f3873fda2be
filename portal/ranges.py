"""Handing out a file with byte ranges, which an iPhone demands before it plays a video.

RFC 9110, sections 13 and 14: one range is answered with 206, several with the whole file (a server may), a range
outside the file with 416. What cannot be read as a range is ignored. Django's FileResponse knows none of this.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal, Protocol

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

CHUNK = 256 * 1024

# 18 digits are more than any file has bytes and fit a 64-bit integer.
_ONE_RANGE = re.compile(r"bytes=\s*(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})\s*", re.IGNORECASE)


class Readable(Protocol):
    def read(self, n: int = -1, /) -> bytes: ...
    def seek(self, offset: int, /) -> object: ...
    def close(self) -> None: ...


class Unsatisfiable(Exception):
    """The range lies outside the file."""


def ranged_file(
    request: HttpRequest,
    open_file: Callable[[], Readable],
    size: int,
    content_type: str,
    *,
    etag: str,
    filename: str | None = None,
    disposition: Literal["inline", "attachment"] = "inline",
) -> HttpResponseBase:
    """The file of ``size`` bytes, or the range of it that was asked for.

    ``etag`` is any string that changes when the bytes do, e.g. their hex SHA-256; quotes are added here. ``filename``
    may be Korean. The file is opened before the answer begins, so an OSError for a missing one reaches the caller.
    """
    strong = f'"{etag}"'
    response = _answer(request, open_file, size, content_type, strong)
    response["ETag"] = strong
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = _kept_by_browsers(content_type)
    response["X-Content-Type-Options"] = "nosniff"
    if name := content_disposition_header(disposition == "attachment", filename or ""):
        response["Content-Disposition"] = name
    return response


def _kept_by_browsers(content_type: str) -> str:
    """At a desk that many share nothing stays in the browser. A video may, never to be shown without asking us again:
    players come back for range after range of what they have, and none of an iPhone was here to try it otherwise."""
    return "private, no-cache" if content_type.startswith("video/") else "private, no-store"


def _answer(
    request: HttpRequest, open_file: Callable[[], Readable], size: int, content_type: str, etag: str
) -> HttpResponseBase:
    if (settled := get_conditional_response(request, etag=etag)) is not None:
        return settled
    try:
        part = asked_range(request, size, etag)
    except Unsatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first, last = part or (0, size - 1)
    length = last - first + 1
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=content_type)
    else:
        response = StreamingHttpResponse(Part(open_file(), first, length), content_type=content_type)
    response["Content-Length"] = str(length)
    if part:
        response.status_code = 206
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def asked_range(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """First and last byte of the range asked for, both inside the file; None where the whole file is the answer.

    Raises Unsatisfiable for a range with no byte in the file.
    """
    # Ranges are defined for GET alone.
    if request.method != "GET":
        return None
    # If-Range wants strong comparison; a date never matches, since no Last-Modified is sent.
    if request.headers.get("If-Range", etag).strip() != etag:
        return None
    found = _ONE_RANGE.fullmatch(request.headers.get("Range", ""))
    if found is None:
        return None
    first, last = found["first"], found["last"]
    if not first:
        return _suffix(int(last), size) if last else None
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), min(int(last), size - 1) if last else size - 1


def _suffix(length: int, size: int) -> tuple[int, int]:
    if not length or not size:
        raise Unsatisfiable
    return max(0, size - length), size - 1


class Part:
    """``length`` bytes of a file from ``first`` on, in chunks.

    A class, because a generator that was never begun does not run its ``finally`` when it is closed, and the file
    of a browser that hung up early would stay open.
    """

    def __init__(self, file: Readable, first: int, length: int) -> None:
        self.file, self.left = file, length
        file.seek(first)

    def __iter__(self) -> Iterator[bytes]:
        while self.left and (chunk := self.file.read(min(CHUNK, self.left))):
            self.left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self.file.close()
