"""A file as a multipart form, sent piece by piece: a video never lies in memory whole."""

import io
import os
import secrets
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

PIECE: Final = 64 * 1024
# How browsers write what would end the header line early, in a name of otherwise plain UTF-8.
ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Content(Protocol):
    """An open file of bytes; Django's stored files are such, too."""

    def read(self, size: int, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...


class FileForm:
    """The body of POST /upload/image: iterable, with a known length."""

    def __init__(self, name: str, data: Content | bytes, fields: Mapping[str, str]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._file: Content = io.BytesIO(data) if isinstance(data, bytes) else data
        self._start = self._file.tell()
        self._size = self._file.seek(0, os.SEEK_END) - self._start
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        ]
        parts.append(
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="image"; filename="{name.translate(ESCAPES)}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        self._head = "".join(parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        yield self._head
        while piece := self._file.read(PIECE):
            yield piece
        yield self._tail
