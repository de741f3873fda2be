"""Taking in a photo: a safe, upright sRGB master, two previews, and advice on what would help.

    stream → bytes within the limit → kind by content → size by header → pixels → upright, sRGB, bare → look → files

Everything else a file brought (its name, where it was taken, comments, thumbnails) ends here.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import BinaryIO

from django.conf import settings
from PIL import Image

from orders.intake import keeping
from orders.intake.advice import Advice, look_at, sentences
from orders.intake.containers import kind_of
from orders.intake.decoding import decode
from orders.intake.keeping import forget_unfinished
from orders.intake.refusing import NO_SPACE, PhotoRefused, Refusal

__all__ = ["NO_SPACE", "Advice", "PhotoRefused", "Received", "Refusal", "forget_unfinished", "receive", "sentences"]

# Long sides in pixels: a tile in a list, and the whole screen of a desk.
PREVIEWS = (320, 1280)

# A JPEG at quality 95 without colour subsampling: one generation differs from the decoded upload by less than its own
# noise, in a quarter of a PNG's bytes and a tenth of its time. The bytes count: each photo crosses the network to a GPU
# host while a family waits, and most arrive as JPEG anyway.
MASTER = "master.jpg"
_MASTER_QUALITY = 95
_PREVIEW_QUALITY = 82
_CHUNK = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Received:
    """A photo as kept. Named like the fields of `orders.models.Photo`."""

    media_type: str  # of what arrived
    byte_count: int  # of what arrived
    sha256: str  # of the master
    width: int  # of the master, in pixels
    height: int
    master: str  # name in the default storage
    previews: dict[int, str]  # long side in pixels → name in the default storage
    faces: tuple[tuple[float, float, float, float], ...]  # left, top, width, height as fractions
    main_face: int | None
    advice: tuple[Advice, ...]
    taken_on: date | None


def receive(stream: BinaryIO, *, folder: str) -> Received:
    """Take in one photo and keep it in ``folder`` of the default storage, which must not exist yet.

    Raises PhotoRefused, after which nothing is kept. Never reads more than UPLOAD_MAX_BYTES + 1 bytes.
    """
    data = _within_limit(stream)
    kind, byte_count = kind_of(data), len(data)
    decoded = decode(data, kind)
    del data
    picture = decoded.picture
    look = look_at(picture)
    with keeping.new_folder(folder) as new:
        sha256 = _write_master(new, picture)
        for size in PREVIEWS:
            _write_preview(new, picture, size)
    return Received(
        media_type=kind.media_type,
        byte_count=byte_count,
        sha256=sha256,
        width=picture.width,
        height=picture.height,
        master=f"{folder}/{MASTER}",
        previews={size: f"{folder}/{_preview_name(size)}" for size in PREVIEWS},
        faces=look.faces,
        main_face=look.main_face,
        advice=look.advice,
        taken_on=decoded.taken_on,
    )


def _within_limit(stream: BinaryIO) -> bytes:
    data, allowed = bytearray(), settings.UPLOAD_MAX_BYTES
    while chunk := stream.read(min(_CHUNK, allowed + 1 - len(data))):
        data += chunk
        if len(data) > allowed:
            raise PhotoRefused(Refusal.TOO_BIG)
    return bytes(data)


def _write_master(folder: keeping.Folder, picture: Image.Image) -> str:
    # Into memory first: writing to a file itself, Pillow loses the reason of a failure, and with it "disk full".
    file = BytesIO()
    picture.save(file, "JPEG", quality=_MASTER_QUALITY, subsampling="4:4:4")
    folder.write(MASTER, file.getbuffer())
    return hashlib.sha256(file.getbuffer()).hexdigest()


def _preview_name(size: int) -> str:
    return f"preview-{size}.webp"


def _write_preview(folder: keeping.Folder, picture: Image.Image, size: int) -> None:
    """A small picture is not enlarged: its preview has its own size."""
    scale = min(1.0, size / max(picture.size))
    small = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))),
        Image.Resampling.LANCZOS,
        reducing_gap=3.0,
    )
    file = BytesIO()
    small.save(file, "WEBP", quality=_PREVIEW_QUALITY)
    folder.write(_preview_name(size), file.getbuffer())
