"""The mark that a person can see: "AI 생성" in the bottom margin of every picture and every frame of a video.

The AI Basic Act (in force since 2026-01-22) asks for a mark on what leaves, throughout where a video looks real. It is
small and never over a face; its colour is chosen by what lies under it, and where that is too busy for either colour
the mark brings a ground of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WORDS = "AI 생성"
FONT = Path(__file__).parent / "font" / "mark.ttf"
LIGHT, DARK = (255, 255, 255), (24, 24, 24)
# WCAG 2.2's contrast for text, 1.4.3.
CONTRAST = 4.5

Box = tuple[float, float, float, float]
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Style:
    """``size`` of the letters and ``margin`` to the edges as shares of the frame's shorter side; ``least`` in pixels.

    ``side`` is where it stands unless a face is there: "right", "left" or "centre". ``ground``: always on its own,
    for what moves.
    """

    size: float = 0.018
    margin: float = 0.03
    least: int = 14
    side: str = "right"
    ground: bool = False


# A portrait hangs in a frame whose rebate covers some millimetres of every edge.
PORTRAIT = Style(size=0.016, margin=0.035)
SCENE = Style(size=0.018, margin=0.03)
SCREEN = Style(size=0.022, margin=0.03)
VIDEO = Style(size=0.024, margin=0.03, ground=True)


@dataclass(frozen=True)
class Mark:
    """An RGBA picture and where its upper left corner goes; ``colour`` of the letters."""

    picture: Image.Image
    at: tuple[int, int]
    colour: tuple[int, int, int]
    on_ground: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        left, top = self.at
        return left, top, left + self.picture.width, top + self.picture.height

    def put(self, picture: Image.Image) -> None:
        picture.paste(self.picture, self.at, self.picture)


# How alike a place and the letters' shape must be for the mark to be there: 1 is the shape itself, 0 any picture.
SEEN = 0.6


def mark_for(picture: Image.Image, style: Style, faces: Sequence[Box] = ()) -> Mark:
    """The mark for an RGB picture; ``faces`` are left, top, right, bottom in its pixels, to be kept clear."""
    shape = _Shape(picture.size, style)
    at = min(shape.places, key=lambda at: sum(_shared(shape.box(at), face) for face in faces))
    colour, kept = _colour(np.asarray(picture.crop(shape.box(at))))
    on_ground = style.ground or kept < CONTRAST
    return Mark(shape.drawn(colour, on_ground), at, colour, on_ground)


def is_seen(picture: Image.Image, style: Style) -> bool:
    """Whether the mark stands in one of its places in a finished picture, RGB or grey, read off its pixels."""
    shape = _Shape(picture.size, style)
    letters = np.asarray(shape.drawn(LIGHT, on_ground=False).getchannel("A"), np.float64)
    places = (picture.crop(shape.box(at)).convert("RGB") for at in shape.places)
    return any(_alike(letters, luminance(np.asarray(place))) >= SEEN for place in places)


def _alike(one: Numbers, other: Numbers) -> float:
    """The size of the correlation: light letters on dark count like dark ones on light."""
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return abs(float(np.corrcoef(one.ravel(), other.ravel())[0, 1]))


class _Shape:
    """The mark's letters at the size a frame asks for, and where they may stand in it."""

    def __init__(self, frame: tuple[int, int], style: Style) -> None:
        self._letters = font(max(style.least, round(style.size * min(frame))))
        left, top, right, bottom = (round(edge) for edge in self._letters.getbbox(WORDS))
        self._corner, self._pad = (left, top), max(3, (bottom - top) // 3)
        self.size = right - left + 2 * self._pad, bottom - top + 2 * self._pad
        self.places = self._places(frame, round(style.margin * min(frame)), style.side)

    def box(self, at: tuple[int, int]) -> tuple[int, int, int, int]:
        return *at, at[0] + self.size[0], at[1] + self.size[1]

    def _places(self, frame: tuple[int, int], margin: int, side: str) -> list[tuple[int, int]]:
        width, height = self.size
        columns = {"right": frame[0] - margin - width, "centre": (frame[0] - width) // 2, "left": margin}
        wanted = [columns.pop(side), *columns.values()]
        # At the top only where a face fills the whole bottom.
        return [(max(0, x), max(0, y)) for y in (frame[1] - margin - height, margin) for x in wanted]

    def drawn(self, colour: tuple[int, int, int], on_ground: bool) -> Image.Image:
        picture = Image.new("RGBA", self.size, (*colour, 0))
        pen = ImageDraw.Draw(picture)
        if on_ground:
            opposite = DARK if colour == LIGHT else LIGHT
            # Solid enough that over white, and over black, the letters keep their contrast.
            right, bottom = self.size[0] - 1, self.size[1] - 1
            pen.rounded_rectangle((0, 0, right, bottom), radius=self._pad, fill=(*opposite, 190))
        at = self._pad - self._corner[0], self._pad - self._corner[1]
        pen.text(at, WORDS, font=self._letters, fill=(*colour, 255))
        return picture


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size)


def _shared(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across * down if across > 0 and down > 0 else 0.0


def _colour(under: Pixels) -> tuple[tuple[int, int, int], float]:
    """White or near-black, and the contrast it keeps against all but the extreme twentieth of what lies under it."""
    light = luminance(under)
    brightest, darkest = float(np.quantile(light, 0.95)), float(np.quantile(light, 0.05))
    of_white, of_dark = contrast(1.0, brightest), contrast(float(luminance(np.array(DARK, np.uint8))), darkest)
    return (LIGHT, of_white) if of_white >= of_dark else (DARK, of_dark)


def luminance(pixels: Pixels) -> Numbers:
    """Relative luminance, 0 to 1, of sRGB pixels (WCAG 2.2's definition)."""
    share = pixels.astype(np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    result: Numbers = linear @ np.array((0.2126, 0.7152, 0.0722))
    return result


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
