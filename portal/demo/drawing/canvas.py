"""A canvas with a few brushes: soft shapes, tapered strokes and light, in the coordinates of what is being painted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float]
Colour = tuple[int, int, int]
Pixels = npt.NDArray[np.floating[Any]]

# Shapes are drawn this many times larger and reduced, which makes their edges smooth.
_FINER = 3


@dataclass(frozen=True)
class Frame:
    """Where (0, 0) of the painted thing lies on the canvas, how many pixels its unit has, and how far it leans."""

    x: float
    y: float
    unit: float
    lean: float = 0.0  # degrees, clockwise

    def place(self, points: Iterable[Point]) -> list[Point]:
        right, down = self.unit * cos(radians(self.lean)), self.unit * sin(radians(self.lean))
        return [(self.x + u * right - v * down, self.y + u * down + v * right) for u, v in points]


def smooth(points: Sequence[Point], *, closed: bool = True, steps: int = 10) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    p = np.array(points, np.float64)
    p = np.vstack([p[-1:], p, p[:2]]) if closed else np.vstack([p[:1], p, p[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    curve: list[Point] = np.vstack(pieces).tolist()
    return curve if closed else [*curve, (float(p[-1][0]), float(p[-1][1]))]


def mirrored(points: Iterable[Point]) -> list[Point]:
    return [(-u, v) for u, v in points]


def tapered(points: Sequence[Point], width: float) -> list[Point]:
    """The outline of a brush stroke along the points, thin at both ends."""
    line = np.array(smooth(points, closed=False, steps=5))
    ahead = np.gradient(line, axis=0)
    across = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    across /= np.maximum(np.hypot(across[:, 0], across[:, 1])[:, None], 1e-9)
    swell = np.sin(np.linspace(0.08, np.pi - 0.08, len(line)))[:, None] * width / 2
    both = np.vstack([line + across * swell, (line - across * swell)[::-1]])
    outline: list[Point] = both.tolist()
    return outline


class Canvas:
    """Colours are floats of 0 to 255; every brush mixes over what is there."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rgb: Pixels = np.zeros((height, width, 3), np.float32)
        self.frame = Frame(0, 0, 1)
        self._stencil: Pixels | None = None

    @contextmanager
    def only(self, outline: Sequence[Point], soft: float = 0.0) -> Iterator[None]:
        """Inside the block the brushes reach no further than the outline."""
        self._stencil = np.zeros((self.height, self.width), np.float32)
        masked = self.mask([outline], soft)
        if masked is not None:
            (left, top, right, bottom), cover = masked
            self._stencil[top:bottom, left:right] = cover
        yield
        self._stencil = None

    def shape(self, points: Sequence[Point], colour: Colour, *, soft: float = 0.0, opacity: float = 1.0) -> None:
        """A filled outline; ``soft`` is the blur of its edge in units of the frame."""
        self._mix([points], colour, soft, opacity)

    def strokes(
        self, lines: Sequence[Sequence[Point]], colour: Colour, width: float, *, soft: float = 0.0, opacity: float = 1.0
    ) -> None:
        """Tapered brush strokes of one colour."""
        self._mix([tapered(line, width) for line in lines], colour, soft, opacity)

    def wire(self, points: Sequence[Point], colour: Colour, width: float, *, opacity: float = 1.0) -> None:
        """A closed line of even width."""
        line = np.array([*points, *points[:2]])
        ahead = np.gradient(line, axis=0)
        across = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
        across *= width / 2 / np.maximum(np.hypot(ahead[:, 0], ahead[:, 1])[:, None], 1e-9)
        pieces = zip(line + across, line - across, strict=True)
        edges = [((float(a[0]), float(a[1])), (float(b[0]), float(b[1]))) for a, b in pieces][1:]
        quads = [[a, c, d, b] for (a, b), (c, d) in pairwise(edges)]
        self._mix([*quads, [edges[-1][0], edges[0][0], edges[0][1], edges[-1][1]]], colour, 0.0, opacity)

    def glow(self, centre: Point, size: Point, colour: Colour, opacity: float, *, lean: float = 0.0) -> None:
        """A soft spot that fades to nothing: shade or light, by its colour."""
        ((x, y),) = self.frame.place([centre])
        reach = 2.6 * max(size) * self.frame.unit
        box = self._box([(x - reach, y - reach), (x + reach, y + reach)])
        if box is None:
            return
        left, top, right, bottom = box
        down, across = np.mgrid[top:bottom, left:right].astype(np.float32)
        cosine, sine = cos(radians(self.frame.lean + lean)), sin(radians(self.frame.lean + lean))
        u = ((across - x) * cosine + (down - y) * sine) / (size[0] * self.frame.unit)
        v = ((down - y) * cosine - (across - x) * sine) / (size[1] * self.frame.unit)
        self._lay(box, np.exp(-(u**2 + v**2)) * opacity, np.array(colour, np.float32))

    def paint_through(
        self, outline: Sequence[Point], colours: Callable[[Pixels, Pixels], Pixels], *, soft: float = 0.0
    ) -> None:
        """Fill an outline with colours that depend on the place: ``colours(u, v)`` in the frame's coordinates."""
        masked = self.mask([outline], soft)
        if masked is None:
            return
        (left, top, right, bottom), cover = masked
        down, across = np.mgrid[top:bottom, left:right].astype(np.float32)
        cosine, sine = cos(radians(self.frame.lean)), sin(radians(self.frame.lean))
        x, y = (across - self.frame.x) / self.frame.unit, (down - self.frame.y) / self.frame.unit
        self._lay((left, top, right, bottom), cover, colours(x * cosine + y * sine, y * cosine - x * sine))

    def blur(self, radius: float) -> None:
        image = Image.fromarray(self.rgb.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
        self.rgb = np.asarray(image, np.float32).copy()

    def mask(self, outlines: Sequence[Sequence[Point]], soft: float = 0.0) -> tuple[tuple[int, ...], Pixels] | None:
        """How much of each pixel the outlines cover (0 to 1), and the box of pixels that this is about."""
        placed = [self.frame.place(points) for points in outlines]
        blur = soft * self.frame.unit
        edge = 2 + 3 * blur
        xs, ys = [x for points in placed for x, _ in points], [y for points in placed for _, y in points]
        box = self._box([(min(xs) - edge, min(ys) - edge), (max(xs) + edge, max(ys) + edge)])
        if box is None:
            return None
        left, top, right, bottom = box
        # A soft edge needs no fine grid.
        finer = 1 if blur > 2 else _FINER
        image = Image.new("L", ((right - left) * finer, (bottom - top) * finer))
        draw = ImageDraw.Draw(image)
        for points in placed:
            draw.polygon([((x - left) * finer, (y - top) * finer) for x, y in points], fill=255)
        if finer > 1:
            image = image.reduce(finer)
        if blur:
            image = image.filter(ImageFilter.GaussianBlur(blur))
        return box, np.asarray(image, np.float32) / 255

    def _mix(self, outlines: Sequence[Sequence[Point]], colour: Colour, soft: float, opacity: float) -> None:
        masked = self.mask(outlines, soft)
        if masked is not None:
            box, cover = masked
            self._lay(box, cover * opacity, np.array(colour, np.float32))

    def _lay(self, box: tuple[int, ...], cover: Pixels, colour: Pixels) -> None:
        left, top, right, bottom = box
        if self._stencil is not None:
            cover = cover * self._stencil[top:bottom, left:right]
        part = self.rgb[top:bottom, left:right]
        part += (colour - part) * cover[..., None]

    def _box(self, corners: Sequence[Point]) -> tuple[int, int, int, int] | None:
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        left, top = max(0, int(min(xs))), max(0, int(min(ys)))
        right, bottom = min(self.width, int(max(xs)) + 1), min(self.height, int(max(ys)) + 1)
        return (left, top, right, bottom) if left < right and top < bottom else None
