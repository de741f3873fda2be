"""Where the faces are. Places only: nothing is kept by which a person could be recognised.

OpenCV's Haar cascades (Viola and Jones, 2001) run in a tenth of a second without a graphics card and need no model
to download. They see upright frontal faces, up to about 15 degrees of lean; turned copies show the rest.
"""

import threading
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import cv2.data
import numpy as np
from cv2.typing import MatLike

# The web server and the workers bring their own parallelism; OpenCV's threads would only quarrel with it.
cv2.setNumThreads(1)

# Brightness, 0 to 255, rows first.
Gray = MatLike

# A print held askew, photographed sideways or upside down.
_LEANS = (-40, -20, 20, 40, -90, 90, 180)
# The smallest face looked for, as a share of the picture's short side. Turned copies have half the size.
_LEAST_UPRIGHT, _LEAST_TURNED = 0.05, 0.12
_LEAST_SIDE = 24  # what the cascades were trained on, in pixels
# How many overlapping finds of the second cascade make a face believed. In pictures without people it has up to 20 of
# them by chance, a real face of middling size has about a hundred.
_BELIEVED, _CERTAIN = 5, 20


@dataclass(frozen=True)
class Face:
    """A box in pixels, by how many degrees the face leans (0: no more than a cascade bears), and how sure that is."""

    left: float
    top: float
    width: float
    height: float
    lean: int = 0
    votes: int = 0

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    def doubled(self) -> "Face":
        return replace(self, left=2 * self.left, top=2 * self.top, width=2 * self.width, height=2 * self.height)

    def overlaps(self, other: "Face") -> bool:
        """True if the boxes share more than a third of the smaller one."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        smaller = min(self.width * self.height, other.width * other.height)
        return across > 0 and down > 0 and across * down > smaller / 3


class _Cascades(threading.local):
    """A classifier keeps its working memory in itself, so each thread has its own; loading takes about 50 ms."""

    @cached_property
    def first(self) -> Any:
        return _cascade("haarcascade_frontalface_alt2.xml")

    @cached_property
    def second(self) -> Any:
        return _cascade("haarcascade_frontalface_default.xml")


def _cascade(name: str) -> Any:
    path = Path(cv2.data.haarcascades) / name
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise FileNotFoundError(path)
    return cascade


_cascades = _Cascades()


def get_ready() -> None:
    """Load the cascades now, in this thread: what is forked from it has them."""
    for cascade in (_cascades.first, _cascades.second):
        # The first look makes its working memory.
        cascade.detectMultiScale(np.zeros((64, 64), np.uint8))


def find_faces(gray: Gray, *, least: float = _LEAST_UPRIGHT) -> list[Face]:
    """The faces in a picture of about a megapixel, largest first. Takes a second or less.

    ``least`` is the smallest upright one looked for, as a share of the short side; small ones take most time.
    """
    if min(gray.shape) < 2 * _LEAST_SIDE:
        return []
    upright = _seen(gray, least)
    if _votes(upright) >= _CERTAIN:
        return upright
    half = cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    turned = max((_seen_turned(half, lean) for lean in _LEANS), key=_votes)
    return turned if _votes(turned) >= max(_CERTAIN, 2 * _votes(upright)) else upright


def _votes(faces: list[Face]) -> int:
    return max((face.votes for face in faces), default=0)


def _seen(gray: Gray, least_share: float) -> list[Face]:
    least = max(_LEAST_SIDE, int(min(gray.shape) * least_share))
    boxes = _cascades.first.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=4, minSize=(least, least))
    faces: list[Face] = []
    for left, top, width, height in sorted(([int(n) for n in box] for box in boxes), key=lambda box: -box[2]):
        face = Face(left, top, width, height, votes=_second_opinion(gray, left, top, width))
        if face.votes >= _BELIEVED and not any(face.overlaps(other) for other in faces):
            faces.append(face)
    return faces


def _second_opinion(gray: Gray, left: int, top: int, size: int) -> int:
    """How often a second cascade, trained otherwise, sees a face there: each alone sees some in leaves and cloth."""
    margin, least = size // 3, int(size * 0.6)
    around = gray[max(0, top - margin) : top + size + margin, max(0, left - margin) : left + size + margin]
    _, votes = _cascades.second.detectMultiScale2(around, scaleFactor=1.05, minNeighbors=1, minSize=(least, least))
    return max((int(vote) for vote in votes), default=0)


def _seen_turned(half: Gray, lean: int) -> list[Face]:
    """Faces found after turning a copy of half the size, with their places in the picture as it is."""
    height, width = half.shape
    matrix, size = _turn(width, height, lean)
    back = cv2.invertAffineTransform(matrix)
    faces = []
    for face in _seen(cv2.warpAffine(half, matrix, size, borderMode=cv2.BORDER_REPLICATE), _LEAST_TURNED):
        x, y = (float(n) for n in back @ (*face.centre, 1.0))
        moved = replace(face, left=x - face.width / 2, top=y - face.height / 2, lean=lean)
        faces.append(_inside(moved, width, height).doubled())
    return faces


def _turn(width: int, height: int, lean: int) -> tuple[MatLike, tuple[int, int]]:
    """The affine matrix that turns a picture by ``lean`` degrees, and the size that holds it whole."""
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), lean, 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    new_width, new_height = round(height * sine + width * cosine), round(height * cosine + width * sine)
    matrix[:, 2] += (new_width - width) / 2, (new_height - height) / 2
    return matrix, (new_width, new_height)


def _inside(face: Face, width: int, height: int) -> Face:
    left, top = min(max(face.left, 0.0), width - 1.0), min(max(face.top, 0.0), height - 1.0)
    right, bottom = min(face.left + face.width, width), min(face.top + face.height, height)
    return replace(face, left=left, top=top, width=max(1.0, right - left), height=max(1.0, bottom - top))


def likely_main(faces: list[Face], width: int, height: int) -> int | None:
    """The index of the face the picture is most likely about: large, and near the middle."""

    def weight(index: int) -> float:
        x, y = faces[index].centre
        away = np.hypot((x - width / 2) / width, (y - height / 2) / height)
        return float(faces[index].width * faces[index].height * (1 - away))

    return max(range(len(faces)), key=weight, default=None)
