"""Putting the files of one photo into the private storage: all of them or none."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.core.files.storage import FileSystemStorage, default_storage

from orders.intake.refusing import NO_SPACE, PhotoRefused, Refusal

# In the storage, so that a rename is enough, and in one place, so that what a power cut leaves can be found.
INCOMING = ".incoming"


class Folder:
    """A folder being filled; it appears under its own name when everything in it is on the disk."""

    def __init__(self, at: Path, file_mode: int | None) -> None:
        self._at, self._file_mode = at, file_mode

    def write(self, name: str, data: bytes | memoryview) -> None:
        path = self._at / name
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if self._file_mode is not None:
            path.chmod(self._file_mode)


@contextmanager
def new_folder(name: str) -> Iterator[Folder]:
    """A folder of the default storage, published by one rename at the end of the block.

    Whatever ends the block early leaves nothing. Raises PhotoRefused (out of space), or OSError: FileExistsError or
    "Directory not empty" if the folder is already there, anything else as the operator's concern.
    """
    target = Path(default_storage.path(name))
    temporary = Path(default_storage.path(f"{INCOMING}/{secrets.token_hex(16)}"))
    file_mode = default_storage.file_permissions_mode if isinstance(default_storage, FileSystemStorage) else None
    try:
        temporary.mkdir(parents=True)
        yield Folder(temporary, file_mode)
        _sync(temporary)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.rename(target)
        _sync(target.parent)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise PhotoRefused(Refusal.OUT_OF_SPACE) from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget_unfinished(older_than: timedelta = timedelta(hours=1)) -> int:
    """Remove what a killed process or a power cut left half written; how many folders that were."""
    limit = time.time() - older_than.total_seconds()
    incoming = Path(default_storage.path(INCOMING))
    if not incoming.is_dir():
        return 0
    stale = [folder for folder in incoming.iterdir() if folder.stat().st_mtime < limit]
    for folder in stale:
        shutil.rmtree(folder)
    return len(stale)
