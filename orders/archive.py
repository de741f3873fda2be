"""A zip of finished files, made as it is sent: never whole in memory, and whole even where its files are made anew."""

import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.utils import timezone

from orders.models import Deliverable

CHUNK = 256 * 1024


def open_zip(files: QuerySet[Deliverable]) -> "Zip":
    """Looks at the rows once more where their files were made anew between them and the disk.

    Raises FileNotFoundError.
    """
    try:
        return Zip(list(files))
    except FileNotFoundError:
        return Zip(list(files.all()))


class Zip:
    """The files under their Korean names, to be streamed and closed.

    All are opened before the first byte leaves: one that is replaced and removed while a family's phone still takes the
    zip is read to its end all the same. They are an order's, some ten, and read one after the other. Pictures and
    videos are compressed already, so they are stored as they are. Raises FileNotFoundError.
    """

    def __init__(self, files: Sequence[Deliverable]) -> None:
        self.length = zip_length(files)
        with ExitStack() as opened:
            self._entries = [
                (_entry(name, file), opened.enter_context(default_storage.open(file.file, "rb")))
                for name, file in _distinct_names(files)
            ]
            self._opened = opened.pop_all()

    def __iter__(self) -> Iterator[bytes]:
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            for entry, source in self._entries:
                yield from _stored(archive, entry, source, sink)
        yield sink.taken()

    def close(self) -> None:
        self._opened.close()


def zip_length(files: Sequence[Deliverable]) -> int:
    """How many bytes a `Zip` of the same files has.

    PKZIP's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16: per file a local header of 30 bytes and its name, the data, a
    descriptor of 16 (sizes are written after the data), and 46 and the name once more in the directory; 22 at the end.
    """
    names = [(len(name.encode()), file.byte_count) for name, file in _distinct_names(files)]
    return sum(30 + name + size + 16 + 46 + name for name, size in names) + 22


def _entry(name: str, file: Deliverable) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, timezone.localtime(file.created_at).timetuple()[:6])
    entry.external_attr = 0o644 << 16
    return entry


def _stored(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, source: "File[Any]", sink: "_Sink") -> Iterator[bytes]:
    with archive.open(entry, "w", force_zip64=False) as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
            yield sink.taken()
    yield sink.taken()


def _distinct_names(files: Iterable[Deliverable]) -> Iterator[tuple[str, Deliverable]]:
    used: set[str] = set()
    for file in files:
        name = unicodedata.normalize("NFC", file.download_name)
        stem, dot, suffix = name.rpartition(".")
        number = 2
        while name in used:
            name = f"{stem} ({number}){dot}{suffix}"
            number += 1
        used.add(name)
        yield name, file


class _Sink:
    """A file to write to that can be emptied while it is written; zipfile then leaves out what needs seeking."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it to be flushed to."""

    def close(self) -> None:
        """What was not taken goes with it."""
        self._chunks.clear()

    def taken(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data
