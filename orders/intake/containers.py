"""What the first bytes of a file say: its kind, and its size where the decoder would spend memory to tell.

The name and the declared type of an upload are never looked at.
"""

import re
from dataclasses import dataclass

from orders.intake.refusing import PhotoRefused, Refusal


@dataclass(frozen=True)
class Kind:
    """``media_type`` as kept, ``plugin`` as Pillow names the one decoder that may open the file."""

    media_type: str
    plugin: str


JPEG = Kind("image/jpeg", "JPEG")
PNG = Kind("image/png", "PNG")
WEBP = Kind("image/webp", "WEBP")
TIFF = Kind("image/tiff", "TIFF")
HEIC = Kind("image/heic", "HEIF")
HEIF = Kind("image/heif", "HEIF")

_BEGINNINGS = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"II*\x00": TIFF,
    b"MM\x00*": TIFF,
    b"II+\x00": TIFF,  # BigTIFF
    b"MM\x00+": TIFF,
}
# GIF, BMP, Photoshop, JPEG 2000, JPEG XL, SVG, and the raw files of Fujifilm, Olympus and Panasonic.
_OTHER_PICTURES = (
    *(b"GIF87a", b"GIF89a", b"8BPS", b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51", b"\xff\x0a"),
    *(b"\x00\x00\x00\x0cJXL ", b"<svg", b"FUJIFILM", b"IIRO", b"IIU\x00"),
)
_BITMAP = re.compile(rb"BM.{4}\0{4}", re.DOTALL)
_MATROSKA, _MPEG = b"\x1a\x45\xdf\xa3", (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")

# Brands of ISO base media files (ISO/IEC 23008-12, annex B, for the first two).
_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_STILL_BRANDS = {b"mif1", b"mif2", b"msf1"}
_OTHER_STILLS = {b"avif", b"avis", b"crx ", b"jpeg", b"j2ki", b"avci"}  # AVIF, Canon's raw files, …


def kind_of(data: bytes) -> Kind:
    """The kind of a picture file that can be taken in; raises PhotoRefused for everything else."""
    if not data:
        raise PhotoRefused(Refusal.EMPTY)
    for beginning, kind in _BEGINNINGS.items():
        if data.startswith(beginning):
            return kind
    if data[4:8] == b"ftyp":
        return _base_media(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WEBP
    if data.startswith((_MATROSKA, *_MPEG)) or (data.startswith(b"RIFF") and data[8:12] == b"AVI "):
        raise PhotoRefused(Refusal.VIDEO)
    if data.startswith(_OTHER_PICTURES) or _BITMAP.match(data):
        raise PhotoRefused(Refusal.UNSUPPORTED_FORMAT)
    raise PhotoRefused(Refusal.NOT_A_PICTURE)


def _base_media(data: bytes) -> Kind:
    end = min(int.from_bytes(data[:4], "big"), 256)
    major = data[8:12]
    brands = {major} | {data[at : at + 4] for at in range(16, end, 4)}
    if brands & _HEVC_BRANDS:
        return HEIC
    if brands & _OTHER_STILLS:
        raise PhotoRefused(Refusal.UNSUPPORTED_FORMAT)
    if brands & _STILL_BRANDS:
        return HEIF
    raise PhotoRefused(Refusal.VIDEO)  # isom, mp42, qt and the like


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height from a WebP's first chunk (RFC 9649, section 2).

    Pillow's decoder sets two whole canvases aside while it opens the file, which is too late to ask.
    """
    chunk = data[12:16]
    if chunk == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and len(data) >= 30:
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    raise PhotoRefused(Refusal.TRUNCATED if len(data) < 30 else Refusal.UNREADABLE)


def ends_too_early(data: bytes, kind: Kind) -> bool:
    """True if the container itself says that bytes are missing; decoders say it each in other words."""
    if kind is PNG:
        return b"IEND" not in data[-4096:] and _png_runs_out(data)
    if kind is WEBP:
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if kind in (HEIC, HEIF):
        return _boxes_run_out(data)
    return False


def _png_runs_out(data: bytes) -> bool:
    at = 8
    while at + 8 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return False
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return True


def _boxes_run_out(data: bytes) -> bool:
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:  # 0: to the end of the file; 2 to 7: not a size, the decoder will say so
            return False
        at += size
    return at > len(data)


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SCAN, _END = b"\xff\xda", b"\xff\xd9"


def jpeg_scans(data: bytes) -> int:
    """How many times the decoder will go over the whole picture.

    A progressive photo has about ten scans; a few kilobytes can hold thousands of empty ones, each costing as
    much time as a whole picture.
    """
    scans, at = 0, 2
    while found := _MARKER.search(data, at):
        marker, at = found.group(), found.end()
        if marker == _END:
            break
        scans += marker == _SCAN
        at += int.from_bytes(data[at : at + 2], "big")
    return scans
