"""Stopping an upload that is too large while it comes in, so that it never fills the disk."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest


class StopLargeFiles(FileUploadHandler):
    """Drops a file once it has sent more than UPLOAD_MAX_BYTES; the other files of the form are read on.

    Stands first in FILE_UPLOAD_HANDLERS: what it drops is closed, and thereby removed, by the handler that kept it.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
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


def _too_large(request: Any) -> list[tuple[str, str]]:
    """Kept on the request, which outlives its handlers."""
    if not hasattr(request, "dropped_files"):
        request.dropped_files = []
    dropped: list[tuple[str, str]] = request.dropped_files
    return dropped
