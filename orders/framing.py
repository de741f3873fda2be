"""Which part of a picture to show so that two faces stand at the same scale, as an SVG viewBox."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Face:
    """Where a face is in its picture: centre and height as fractions of the picture's sides."""

    x: float
    y: float
    height: float

    @classmethod
    def of(cls, box: Sequence[float] | None) -> "Face | None":
        """From [left, top, width, height] as fractions; None where no face is known."""
        if not box or box[3] <= 0:
            return None
        left, top, width, height = box
        return cls(left + width / 2, top + height / 2, height)


def whole(width: int, height: int) -> str:
    return f"0 0 {width} {height}"


def like(face: Face, size: tuple[int, int], *, model: Face, ratio: float) -> str:
    """The part of a picture of ``size`` pixels in which ``face`` is as large and stands where ``model`` does.

    ``ratio`` is width to height of the frame. The part is moved into the picture where it fits; a tightly cut picture
    gets empty ground around it rather than a face at another scale.
    """
    width, height = size
    tall = face.height * height / model.height
    wide = tall * ratio
    left = _inside(face.x * width - model.x * wide, wide, width)
    top = _inside(face.y * height - model.y * tall, tall, height)
    return f"{left:.0f} {top:.0f} {wide:.0f} {tall:.0f}"


def middle(faces: Sequence[Face]) -> Face | None:
    """The usual one of several, so that one odd find does not set the scale."""
    if not faces:
        return None
    return Face(median(f.x for f in faces), median(f.y for f in faces), median(f.height for f in faces))


def _inside(start: float, length: float, whole_length: float) -> float:
    if length >= whole_length:
        return (whole_length - length) / 2
    return min(max(start, 0), whole_length - length)
