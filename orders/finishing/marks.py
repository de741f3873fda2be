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


def mark_for(picture: Image.Image, style: Style, faces: Sequence[Box] = ()) -> Mark:
    """The mark for an RGB picture; ``faces`` are left, top, right, bottom in its pixels, to be kept clear."""
    letters = font(max(style.least, round(style.size * min(picture.size))))
    left, top, right, bottom = (round(edge) for edge in letters.getbbox(WORDS))
    pad = max(3, (bottom - top) // 3)
    size = right - left + 2 * pad, bottom - top + 2 * pad
    at = _place(picture.size, size, round(style.margin * min(picture.size)), style.side, faces)
    colour, contrast = _colour(np.asarray(picture.crop((*at, at[0] + size[0], at[1] + size[1]))))
    on_ground = style.ground or contrast < CONTRAST
    return Mark(_drawn(letters, (left, top), pad, size, colour, on_ground), at, colour, on_ground)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size)


def _place(
    frame: tuple[int, int], size: tuple[int, int], margin: int, side: str, faces: Sequence[Box]
) -> tuple[int, int]:
    width, height = size
    columns = {"right": frame[0] - margin - width, "centre": (frame[0] - width) // 2, "left": margin}
    wanted = [columns.pop(side), *columns.values()]
    low, high = frame[1] - margin - height, margin
    # At the top only where a face fills the whole bottom.
    places = [(max(0, x), max(0, y)) for y in (low, high) for x in wanted]
    return min(places, key=lambda at: sum(_shared((*at, at[0] + width, at[1] + height), face) for face in faces))


def _shared(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across * down if across > 0 and down > 0 else 0.0


def _colour(under: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> tuple[tuple[int, int, int], float]:
    """White or near-black, and the contrast it keeps against all but the extreme twentieth of what lies under it."""
    light = luminance(under)
    brightest, darkest = float(np.quantile(light, 0.95)), float(np.quantile(light, 0.05))
    of_white, of_dark = contrast(1.0, brightest), contrast(float(luminance(np.array(DARK, np.uint8))), darkest)
    return (LIGHT, of_white) if of_white >= of_dark else (DARK, of_dark)


def luminance(
    pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]",
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Relative luminance, 0 to 1, of sRGB pixels (WCAG 2.2's definition)."""
    share = pixels.astype(np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    result: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = linear @ np.array((0.2126, 0.7152, 0.0722))
    return result


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _drawn(
    letters: ImageFont.FreeTypeFont,
    corner: tuple[int, int],
    pad: int,
    size: tuple[int, int],
    colour: tuple[int, int, int],
    on_ground: bool,
) -> Image.Image:
    picture = Image.new("RGBA", size, (*colour, 0))
    pen = ImageDraw.Draw(picture)
    if on_ground:
        opposite = DARK if colour == LIGHT else LIGHT
        # Solid enough that over white, and over black, the letters keep their contrast.
        pen.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=pad, fill=(*opposite, 190))
    pen.text((pad - corner[0], pad - corner[1]), WORDS, font=letters, fill=(*colour, 255))
    return picture
