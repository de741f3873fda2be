"""Stopping an upload that is too large while it comes in, so that it never fills the disk."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

# How many files of a form each page reads that takes any; every other page reads none. Django reads a form before it is
# known who sent it: a stranger could have any page write as many large files to the disk as a form may hold.
MOST_FILES = {"photos_add": 100, "family_upload": 100, "consent_record": 1, "verify": 1}


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
            _too_large(self.request).append((self.field_name or "", self.file_name or ""))
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def too_large(request: HttpRequest, field: str) -> list[str]:
    """The names of that field's files that were dropped."""
    request.FILES  # noqa: B018  # reading it is what reads the form
    return [name for dropped_from, name in _too_large(request) if dropped_from == field]


def _is_unasked(request: Any) -> bool:
    """Whether one more file is more than the asked page takes. Counts it."""
    request.files_begun = getattr(request, "files_begun", 0) + 1
    page = request.resolver_match
    return page is not None and request.files_begun > MOST_FILES.get(page.url_name, 0)


def _too_large(request: Any) -> list[tuple[str, str]]:
    """Kept on the request, which outlives its handlers."""
    if not hasattr(request, "dropped_files"):
        request.dropped_files = []
    dropped: list[tuple[str, str]] = request.dropped_files
    return dropped
