"""Files of an order in the default storage: there whole or not at all, and never replaced.

Names are made of UUIDs and words of ours alone. Every file is written or linked under a temporary name beside its
place and linked into it, so a reader meets no half file and of two writers the first wins.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from django.core.files.storage import default_storage


class BytesDiffer(Exception):
    """A stored file is not the one its hash speaks of."""

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(f"{name}: expected sha256 {expected[:12]}…, found {found[:12]}…")


def path_of(name: str) -> Path:
    return Path(default_storage.path(name))


def sha256_of(name: str) -> str:
    """Hex SHA-256 of the bytes on disk now. Raises OSError, e.g. FileNotFoundError."""
    with path_of(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(name: str, sha256: str) -> None:
    """Raises BytesDiffer, or OSError where there is no file to read."""
    if (found := sha256_of(name)) != sha256:
        raise BytesDiffer(name, sha256, found)


def exists(name: str) -> bool:
    return path_of(name).exists()


def write(name: str, data: bytes) -> None:
    """Put these bytes there, unless something already is."""
    with _placed(name) as temporary, temporary.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def share(source: str, name: str) -> None:
    """Give a stored file a second name, unless something already has it: one copy on disk where the disk can."""
    with _placed(name) as temporary:
        try:
            os.link(path_of(source), temporary)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without hard links, or two of them
            shutil.copyfile(path_of(source), temporary)


def move_in(source: str, name: str, *, sha256: str) -> None:
    """Give a stored file its name among the order's and read it once more; asked twice, nothing changes.

    Raises BytesDiffer, and FileNotFoundError when there is a file under neither name. The source stays.
    """
    try:
        if not exists(name):
            share(source, name)
    except FileNotFoundError:
        # Whoever was quicker has moved it and taken the source away.
        if not exists(name):
            raise
    verify(name, sha256)


def names_in(folder: str) -> list[str]:
    """Names of the files that lie in a folder itself; none where there is no such folder."""
    path = path_of(folder)
    return [f"{folder}/{each.name}" for each in path.iterdir() if each.is_file()] if path.is_dir() else []


def remove(*names: str) -> None:
    """Take files away, and folders of theirs that are left empty; what is gone already is fine."""
    top = Path(default_storage.path(""))
    for name in filter(None, names):
        path = path_of(name)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == top or not _removed_empty(folder):
                break


def _removed_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


@contextmanager
def _placed(name: str) -> Iterator[Path]:
    """A temporary path in the same folder; what was put there gets its name when the block ends well."""
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid4().hex}.part")
    try:
        yield temporary
        temporary.chmod(0o640)
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
