"""From the bytes of an upload to an upright sRGB picture without metadata."""

import struct
import zlib
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import numpy as np
import pillow_heif
from django.conf import settings
from django.utils import timezone
from PIL import ExifTags, Image, ImageCms, ImageFile

from orders.intake import containers
from orders.intake.containers import Kind
from orders.intake.refusing import PhotoRefused, Refusal

# Two threads decode a 48-megapixel HEIC nearly as fast as four and leave the machine to others. Embedded
# thumbnails, depth maps and the like are never wanted.
pillow_heif.register_heif_opener(decode_threads=2, thumbnails=False, depth_images=False, aux_images=False)
# Pillow's own guard, a second line behind the check of the header below. It holds for the whole process.
Image.MAX_IMAGE_PIXELS = settings.UPLOAD_MAX_PIXELS

# The longest side that a JPEG, the master's format, can have.
LONGEST_SIDE = 65_500
MOST_SCANS = 100

# What decoders raise over bytes that make no sense to them. JobTimeoutException is none of these.
_FAULTS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, EOFError),
    *(RuntimeError, MemoryError, struct.error, zlib.error),
)
_RUN_OUT = ("truncated", "end of file", "eof", "unexpected end")

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SPACE_OF_MODE = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

_DNG_VERSION, _NEW_SUBFILE_TYPE, _REDUCED = 50706, 254, 1


@dataclass(frozen=True)
class Decoded:
    """``picture`` is RGB, upright and carries no metadata; ``taken_on`` is the camera's own date, if it gave one."""

    picture: Image.Image
    taken_on: date | None


def decode(data: bytes, kind: Kind) -> Decoded:
    """Of a file with several pictures (MPO, burst, pages, animation) the first, or the one it calls primary.

    A family that sends a moving picture wants the person in it, so the first frame is taken and not refused.

    Raises PhotoRefused.
    """
    try:
        image = _opened(data, kind)
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoRefused(Refusal.TOO_MANY_PIXELS) from error
    except _FAULTS as error:
        raise PhotoRefused(_why(error, data, kind)) from error
    # Only now: TIFF turns itself upright while loading, PNG may carry its EXIF behind the pixels.
    orientation, taken_on = _from_exif(image)
    profile = image.info.get("icc_profile")
    try:
        plain = _plain(image)
        del image  # at 48 megapixels every copy counts
        picture = _upright(_srgb(plain, profile), orientation)
    except _FAULTS as error:
        raise PhotoRefused(Refusal.UNREADABLE) from error
    picture.info = {}
    return Decoded(picture, taken_on)


def _opened(data: bytes, kind: Kind) -> ImageFile.ImageFile:
    """The file with its header read and its size allowed, no pixel decoded yet."""
    if kind is containers.WEBP:
        _check_size(*containers.webp_size(data))
    image = Image.open(BytesIO(data), formats=(kind.plugin,))
    _check_size(*image.size)
    if kind is containers.JPEG and containers.jpeg_scans(data) > MOST_SCANS:
        raise PhotoRefused(Refusal.UNREADABLE)
    if kind is containers.TIFF and _is_raw(image):
        raise PhotoRefused(Refusal.UNSUPPORTED_FORMAT)
    return image


def _check_size(width: int, height: int) -> None:
    if width * height > settings.UPLOAD_MAX_PIXELS or max(width, height) > LONGEST_SIDE:
        raise PhotoRefused(Refusal.TOO_MANY_PIXELS)
    if width < 1 or height < 1:
        raise PhotoRefused(Refusal.UNREADABLE)


def _is_raw(image: Image.Image) -> bool:
    """True for a camera's raw file (DNG, NEF, ARW …): its first picture is a thumbnail, not the photo."""
    tags = getattr(image, "tag_v2", {})
    return _DNG_VERSION in tags or tags.get(_NEW_SUBFILE_TYPE) == _REDUCED


def _why(error: Exception, data: bytes, kind: Kind) -> Refusal:
    words = str(error).lower()
    if containers.ends_too_early(data, kind) or any(word in words for word in _RUN_OUT):
        return Refusal.TRUNCATED
    return Refusal.UNREADABLE


def _from_exif(image: Image.Image) -> tuple[int, date | None]:
    """Orientation (1 to 8) and the day the picture was taken. Broken EXIF costs neither the picture nor a word."""
    try:
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        taken = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
    except _FAULTS:
        return 1, None
    return orientation if isinstance(orientation, int) else 1, _day(taken)


def _day(text: object) -> date | None:
    """``1998:05:17 10:20:30`` as a date; cameras that never had their clock set write zeros."""
    try:
        day = date.fromisoformat(str(text)[:10].replace(":", "-"))
    except ValueError:
        return None
    return day if date(1900, 1, 1) <= day <= timezone.localdate() else None


def _plain(image: Image.Image) -> Image.Image:
    """The picture as RGB, L or CMYK, 8 bits a channel, with what was transparent on white."""
    if image.has_transparency_data:
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        paper = Image.new("RGB", layer.size, "white")
        paper.paste(layer, mask=layer)
        return paper
    if image.mode in ("RGB", "L", "CMYK"):
        return image
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips instead of scaling.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("1", "P", "YCbCr", "RGBX"):
        return image.convert("L" if image.mode == "1" else "RGB")
    raise PhotoRefused(Refusal.UNSUPPORTED_FORMAT)  # scientific pictures: 32-bit, floating point, Lab


def _srgb(picture: Image.Image, profile: object) -> Image.Image:
    """The picture in sRGB. A profile that is broken or belongs to another kind of picture is left aside."""
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if source.profile.xcolor_space.strip() == _SPACE_OF_MODE[picture.mode]:
                turned = ImageCms.profileToProfile(
                    picture,
                    source,
                    _SRGB,
                    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                    outputMode="RGB",
                    inPlace=picture.mode == "RGB",
                    flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
                )
                return turned or picture
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    """A picture of its own, upright; what came from the file would hold on to the file."""
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture.copy()
