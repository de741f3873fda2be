"""A disk for uploads that fills up."""

import errno
import os
from pathlib import Path

import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile


def fill_the_disk_for_uploads(monkeypatch: pytest.MonkeyPatch, folder: Path, *, after: int) -> None:
    """It holds so many files more; every file of a form goes there, and what is written to the next ones fails."""
    monkeypatch.setattr("django.conf.settings.FILE_UPLOAD_TEMP_DIR", str(folder))
    monkeypatch.setattr("django.conf.settings.FILE_UPLOAD_MAX_MEMORY_SIZE", 0)
    begun: list[TemporaryUploadedFile] = []

    class OnThatDisk(TemporaryUploadedFile):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            begun.append(self)

        def write(self, data: bytes) -> int:
            if begun.index(self) >= after:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return int(self.file.write(data))

    monkeypatch.setattr("django.core.files.uploadhandler.TemporaryUploadedFile", OnThatDisk)
