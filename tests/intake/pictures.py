"""Small pictures of every kind that a family may send, and some that nobody sends by accident."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageCms

# Corners that can be told apart after any turn: top left, top right, bottom left, bottom right.
CORNERS = (200, 40, 40), (40, 170, 60), (40, 60, 200), (230, 220, 60)


def picture(width: int = 240, height: int = 160, mode: str = "RGB") -> Image.Image:
    """Four plain quarters in the colours of CORNERS."""
    image = Image.new("RGB", (2, 2))
    image.putdata(CORNERS)
    return image.resize((width, height), Image.Resampling.NEAREST).convert(mode)


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def jpeg(width: int = 240, height: int = 160, **options: object) -> bytes:
    return saved(picture(width, height), "JPEG", quality=95, **options)


def heic(image: Image.Image, **options: object) -> bytes:
    file = BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=90, **options)
    return file.getvalue()


def exif(orientation: int = 1, taken: str = "1998:05:17 10:20:30") -> Image.Exif:
    """What a telephone writes: orientation, a date, the place and its owner's name."""
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    tags[ExifTags.Base.Make] = "Apple"
    tags[ExifTags.Base.Artist] = "OWNER-NAME"
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (37.0, 33.0, 59.0),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (126.0, 58.0, 40.0),
        }
    )
    return tags


def turned_away(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as a camera stores it when it says this orientation: what undoing it makes upright."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    return image if undo is None else image.transpose(undo)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, body: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG made by hand: colour 0 grey, 2 RGB, 4 grey with alpha; ``body`` is the compressed stream."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def png16(rows: np.ndarray, colour: int) -> bytes:
    """16 bits a channel, which Pillow cannot write for colour. ``rows``: (height, width, channels) of uint16."""
    height, width, _ = rows.shape
    body = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    return png(width, height, 16, colour, zlib.compress(body))


def bomb_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few kilobytes that would be 3.6 thousand million pixels."""
    row = b"\0" * (1 + width // 8)
    pressed = zlib.compressobj(9)
    body = b"".join(pressed.compress(row) for _ in range(200)) + pressed.flush()
    return png(width, height, 1, 0, body)


def wide_gamut_profile() -> bytes:
    """An RGB profile with Display P3's primaries (SMPTE EG 432-1), white D65 and sRGB's curve, adapted to D50."""
    # Columns of the adapted matrix as Apple's own "Display P3" profile has them.
    red, green, blue = (0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)
    curve = b"para" + struct.pack(">IHH5i", 0, 3, 0, *(round(n * 65536) for n in SRGB_CURVE))
    text = b"desc" + struct.pack(">II", 0, 3) + b"P3\0" + b"\0" * 79
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0none\0"), (b"wtpt", _xyz(0.96420, 1.0, 0.82491))]
    tags += [(b"rXYZ", _xyz(*red)), (b"gXYZ", _xyz(*green)), (b"bXYZ", _xyz(*blue))]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    header = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    header += b"\0" * (128 - len(header))
    return header + struct.pack(">I", len(tags)) + table + body


SRGB_CURVE = 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(n * 65536) for n in values))


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
