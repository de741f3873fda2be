"""A signature as it was drawn on a screen: checked to be one, and made a plain picture of our own."""

import base64
import binascii
import io
import struct
import zlib

from django.utils.translation import gettext as _
from PIL import Image, ImageChops

PREFIX = "data:image/png;base64,"
# Characters of the whole field; a hand fills a tenth of it.
LONGEST = 400_000
MOST_PIXELS = 4_000_000
# A dot or a slip of the finger is no signature: so many pixels of ink, and so far across or down.
LEAST_INK, LEAST_SPAN = 60, 24
MARGIN = 12
WIDEST = 900

# What Pillow raises over bytes that make no sense to it. JobTimeoutException is none of these.
_FAULTS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


class NotASignature(Exception):
    """Why not, in a sentence for whoever signed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def drawn(field: str) -> bytes:
    """A PNG, black on white and cut to the ink, of what a page's canvas sent as a data URL. Raises NotASignature.

    Where the picture lets paper through its transparency is the paper, else its lightness.
    """
    ink = _ink(_picture(field))
    box = ink.point(lambda value: 255 if value > 64 else 0).getbbox()
    if box is None or max(box[2] - box[0], box[3] - box[1]) < LEAST_SPAN or sum(ink.histogram()[65:]) < LEAST_INK:
        raise NotASignature(_("서명이 비어 있습니다. 칸 안에 서명해 주세요."))
    left, top, right, bottom = box
    paper = ImageChops.invert(ink.crop((left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN)))
    paper.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    paper.save(out, "PNG", optimize=True)
    return out.getvalue()


def _picture(field: str) -> Image.Image:
    unreadable = NotASignature(_("서명을 읽지 못했습니다. 지우고 다시 서명해 주세요."))
    if not field.startswith(PREFIX) or len(field) > LONGEST:
        raise unreadable
    try:
        data = base64.b64decode(field.removeprefix(PREFIX), validate=True)
        picture = Image.open(io.BytesIO(data), formats=["PNG"])
        if picture.width * picture.height > MOST_PIXELS:
            raise unreadable
        return picture.convert("RGBA")
    except (binascii.Error, *_FAULTS) as error:
        raise unreadable from error


def _ink(picture: Image.Image) -> Image.Image:
    """How dark each pixel is, 0 to 255."""
    alpha = picture.getchannel("A")
    darkness = ImageChops.invert(picture.convert("L"))
    return darkness if alpha.getextrema() == (255, 255) else alpha
