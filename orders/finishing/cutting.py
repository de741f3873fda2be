"""Which part of a picture a print or a screen shows, from the place of the face. Pure geometry, in pixels.

Where a face stands in a portrait (M: from memory rather than a source): the head, crown to chin, takes 35 to 45 % of
the height, and the eyes lie about 40 % from the top.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

# The cascade draws the same face up to 7 % larger or smaller, so what is aimed at stays that far inside.
HEAD_LEAST, HEAD_USUAL, HEAD_MOST = 0.37, 0.40, 0.42
EYES_USUAL = 0.40

# Crown, eyes and chin in heights of the box that the cascade draws, from its top; read off drawn people and off the
# proportions artists use: the eyes lie halfway between crown and chin, the hair a little above the crown.
CROWN, EYES, CHIN = -0.30, 0.385, 1.01
# Where the portrait workflow puts a head, for a picture in which no face is found: face_points.Pose of its spec.
ASSUMED = (0.5, 0.41, 0.36)

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Head:
    """``x`` of its middle, ``eyes`` the height of the eyes, ``height`` crown to chin, all in pixels of the picture."""

    x: float
    eyes: float
    height: float

    @classmethod
    def of(cls, face: Sequence[float] | None, size: Size) -> "Head | None":
        """From a face's [left, top, width, height] as fractions of a picture of this size."""
        if not face or face[3] <= 0:
            return None
        left, top, width, height = face
        tall = height * size[1]
        return cls(
            x=(left + width / 2) * size[0],
            eyes=top * size[1] + EYES * tall,
            height=(CHIN - CROWN) * tall,
        )

    @classmethod
    def assumed(cls, size: Size) -> "Head":
        x, eyes, height = ASSUMED
        return cls(x=x * size[0], eyes=eyes * size[1], height=height * size[1])


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How staff want a portrait cut: shares of the height for head and eyes, of the width for the middle of the face.

    ``head`` None: the usual size, or up to the most or least where that spares inventing background.
    """

    head: float | None = None
    eyes: float = EYES_USUAL
    x: float = 0.5
    ribbon: bool = False

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """From what `as_dict` gave, or from a form's numbers; what is not there or out of bounds is as usual."""
        head = _number(kept.get("head"), 0.2, 0.7)
        eyes, x = _number(kept.get("eyes"), 0.2, 0.6), _number(kept.get("x"), 0.25, 0.75)
        return cls(
            head=head,
            eyes=EYES_USUAL if eyes is None else eyes,
            x=0.5 if x is None else x,
            ribbon=kept.get("ribbon") is True,
        )

    def as_dict(self) -> dict[str, Any]:
        return {"head": self.head, "eyes": self.eyes, "x": self.x, "ribbon": self.ribbon}


def _number(value: object, least: float, most: float) -> float | None:
    return min(max(float(value), least), most) if isinstance(value, int | float) and value == value else None


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A part of a picture, in its pixels; it may reach beyond the picture's edges."""

    left: float
    top: float
    width: float
    height: float

    def inside(self, size: Size) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what of it lies in the picture."""
        right, bottom = min(self.left + self.width, size[0]), min(self.top + self.height, size[1])
        return max(self.left, 0.0), max(self.top, 0.0), right, bottom

    def placed(self, face: Sequence[float], size: Size, frame: Size) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of a face (fractions of the picture) in the pixels of the cut frame."""
        left, top, width, height = face
        across, down = frame[0] / self.width, frame[1] / self.height
        x, y = (left * size[0] - self.left) * across, (top * size[1] - self.top) * down
        return x, y, x + width * size[0] * across, y + height * size[1] * down


def around_head(head: Head, size: Size, ratio: float, wish: Wish) -> Crop:
    """The part for a frame of ``ratio`` (width to height) in which the head is as large and stands as wished."""
    height = head.height / (wish.head or HEAD_USUAL)
    if wish.head is None:
        largest = _largest_within(head, size, ratio, wish)
        height = min(max(min(height, largest), head.height / HEAD_MOST), head.height / HEAD_LEAST)
    width = height * ratio
    return Crop(left=head.x - wish.x * width, top=head.eyes - wish.eyes * height, width=width, height=height)


def _largest_within(head: Head, size: Size, ratio: float, wish: Wish) -> float:
    """The tallest crop that stands as wished and invents nothing."""
    return max(
        1.0,
        min(
            head.eyes / wish.eyes,
            (size[1] - head.eyes) / (1 - wish.eyes),
            head.x / wish.x / ratio,
            (size[0] - head.x) / (1 - wish.x) / ratio,
        ),
    )


def cover(head: Head | None, size: Size, ratio: float) -> Crop:
    """The largest part of that ratio, moved so that the head stays in it; invents nothing."""
    width, height = size
    wide, tall = (width, width / ratio) if width / height < ratio else (height * ratio, height)
    x, y = (head.x, head.eyes) if head else (width / 2, height / 2)
    return Crop(
        left=min(max(x - wide / 2, 0), width - wide),
        top=min(max(y - EYES_USUAL * tall, 0), height - tall),
        width=wide,
        height=tall,
    )


def contain(size: Size, ratio: float) -> Crop:
    """The whole picture in the middle of a frame of that ratio; the rest lies beyond its edges."""
    width, height = size
    wide, tall = (height * ratio, height) if width / height < ratio else (width, width / ratio)
    return Crop(left=(width - wide) / 2, top=(height - tall) / 2, width=wide, height=tall)


# A frame that would keep less of a scene or a video than this gets the whole of it on a quiet ground instead.
KEPT_LEAST = 0.6
# And of the whole, at least so much of its width and height.
SHOWN_LEAST = 0.72


def cover_or_contain(head: Head | None, size: Size, ratio: float) -> Crop:
    covering = cover(head, size, ratio)
    kept = covering.width * covering.height / (size[0] * size[1])
    cuts_head = head is not None and not (
        covering.left <= head.x - head.height * 0.45
        and head.x + head.height * 0.45 <= covering.left + covering.width
        and covering.top <= head.eyes - head.height * 0.5
        and head.eyes + head.height * 0.5 <= covering.top + covering.height
    )
    return covering if kept >= KEPT_LEAST and not cuts_head else _nearly_whole(head, size, ratio)


def _nearly_whole(head: Head | None, size: Size, ratio: float) -> Crop:
    """Most of the picture in a frame of quite another shape: what stands far from a small head is cut off, so that the
    person is not lost on a large ground. Without a head, or where it is large already, the whole."""
    whole = contain(size, ratio)
    if head is None:
        return whole
    share = min(1.0, max(SHOWN_LEAST, head.height / HEAD_MOST / whole.height))
    width, height = whole.width * share, whole.height * share
    return Crop(
        left=_kept_in(head.x - width / 2, width, size[0]),
        top=_kept_in(head.eyes - EYES_USUAL * height, height, size[1]),
        width=width,
        height=height,
    )


def _kept_in(start: float, length: float, whole: float) -> float:
    """Where a part begins: inside the picture if it fits there, else evenly around it."""
    return (whole - length) / 2 if length >= whole else min(max(start, 0), whole - length)
