"""Stopping an upload that is too large, unasked or more than the disk holds while it comes in."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest

from orders.intake import NO_SPACE, Refusal

log = logging.getLogger(__name__)

# How many files of a form each page reads that takes any; every other page reads none. Django reads a form before the
# page knows who sent it: a stranger could have any page write as many large files to the disk as a form may hold.
# Of whoever is logged in:
MOST_FILES = {"photos_add": 100, "consent_record": 1}
# Of anybody: the one looks at the family's link before it reads, the other is public.
MOST_FILES_OF_ANYBODY = {"family_upload": 100, "verify": 1}


class StopLargeFiles(FileUploadHandler):
    """Drops a file that its page does not take, or once it has sent more than UPLOAD_MAX_BYTES; the rest is read on.

    Stands first in FILE_UPLOAD_HANDLERS: what it drops is closed, and thereby removed, by the handler that kept it.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.received = 0
        self.is_unasked = _is_unasked(self.request)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if self.is_unasked:
            raise SkipFile
        self.received += len(raw_data)
        if self.received > settings.UPLOAD_MAX_BYTES:
            _dropped(self.request).append((self.field_name or "", self.file_name or "", Refusal.TOO_BIG))
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


class KeepWhatFits(TemporaryFileUploadHandler):
    """Django's own for what is too large for the memory, but that a full disk costs the one file that it does not hold
    instead of the whole form."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        # The one before is whole and stays: what closes this one must not find it here.
        self.__dict__.pop("file", None)
        with self._room():
            super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with self._room():
            super().receive_data_chunk(raw_data, start)
            self.file.flush()

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            log.error("the disk for uploads is full: a file was not taken")
            _dropped(self.request).append((self.field_name or "", self.file_name or "", Refusal.OUT_OF_SPACE))
            if "file" in self.__dict__:
                # Closing writes what is left to write, which fails as it did, and then removes the file.
                with suppress(OSError):
                    self.file.close()
            raise SkipFile from error


def dropped(request: HttpRequest, field: str) -> list[tuple[str, Refusal]]:
    """The names of that field's files that were not taken, each with the reason."""
    request.FILES  # noqa: B018  # reading it is what reads the form
    return [(name, why) for dropped_from, name, why in _dropped(request) if dropped_from == field]


def _is_unasked(request: Any) -> bool:
    """Whether one more file is more than the asked page takes, of whoever asks. Counts it."""
    request.files_begun = getattr(request, "files_begun", 0) + 1
    page = request.resolver_match
    return page is not None and request.files_begun > _most_files(request, page.url_name)


def _most_files(request: Any, page: str) -> int:
    if page in MOST_FILES and not request.user.is_authenticated:
        return 0
    return (MOST_FILES | MOST_FILES_OF_ANYBODY).get(page, 0)


def _dropped(request: Any) -> list[tuple[str, str, Refusal]]:
    """Kept on the request, which outlives its handlers."""
    if not hasattr(request, "dropped_files"):
        request.dropped_files = []
    dropped: list[tuple[str, str, Refusal]] = request.dropped_files
    return dropped
