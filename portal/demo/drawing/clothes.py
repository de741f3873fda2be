"""Neck, shoulders and what is worn, in the coordinates of the face above them."""

from dataclasses import dataclass

import numpy as np

from portal.demo.drawing.canvas import Canvas, Colour, Pixels, Point, mirrored, smooth
from portal.demo.drawing.face import Face, toned


@dataclass(frozen=True, kw_only=True)
class Clothes:
    kind: str  # "hanbok", "cardigan", "jacket", "shirt"
    colour: Colour
    second: Colour
    shoulders: float = 1.0


# How low the neck of each garment opens.
_OPENING = {"hanbok": 2.44, "cardigan": 2.18, "shirt": 2.24, "jacket": 1.62}


def paint_clothes(canvas: Canvas, face: Face, clothes: Clothes, rng: np.random.Generator) -> None:
    _neck(canvas, face)
    body = _body(clothes)
    _cloth(canvas, body, clothes.colour, rng)
    with canvas.only(body, soft=0.01):
        _folds(canvas, clothes)
        if clothes.kind == "cardigan":
            _ribs(canvas, clothes.colour)
    {"hanbok": _hanbok, "cardigan": _cardigan, "jacket": _jacket, "shirt": _shirt}[clothes.kind](canvas, clothes)


def _neck(canvas: Canvas, face: Face) -> None:
    low = 1.30 * face.length
    neck = smooth(
        [
            (-0.56, 0.8),
            (-0.53, low + 0.1),
            (-0.62, low + 0.55),
            (-0.9, low + 0.95),
            (0.0, low + 1.5),
            (0.9, low + 0.95),
            (0.62, low + 0.55),
            (0.53, low + 0.1),
            (0.56, 0.8),
        ]
    )
    canvas.shape(neck, toned(face.skin, 0.84), soft=0.02)
    with canvas.only(neck, soft=0.02):
        canvas.glow((0.06, low - 0.02), (0.60, 0.30), toned(face.skin, 0.40), 0.72)
        canvas.glow((0.46, low + 0.3), (0.22, 0.6), toned(face.skin, 0.45), 0.50)
        for side in (-1, 1):
            cord = [(side * 0.30, low + 0.12), (side * 0.20, low + 0.42), (side * 0.10, low + 0.66)]
            canvas.strokes([cord], toned(face.skin, 0.60), 0.06, soft=0.04, opacity=0.45 * face.age)


def _body(clothes: Clothes) -> list[Point]:
    """Shoulders and arms, with the neck left open."""
    slope = [
        (0.50, 1.50),
        (0.78, 1.80),
        (1.35, 2.05),
        (1.95, 2.34),
        (2.28, 2.80),
        (2.46, 3.6),
        (2.55, 4.6),
        (2.62, 8.0),
    ]
    right = [(u * clothes.shoulders if u > 0.8 else u, v) for u, v in slope]
    low = _OPENING[clothes.kind]
    return [(0.0, low), *smooth(right, closed=False), *smooth(mirrored(right[::-1]), closed=False)]


def _cloth(canvas: Canvas, outline: list[Point], colour: Colour, rng: np.random.Generator) -> None:
    """Cloth lit from the upper left, with a weave too fine to see and broad enough to feel."""
    dark, light = np.array(toned(colour, 0.55), np.float32), np.array(toned(colour, 1.18), np.float32)

    def colours(u: Pixels, v: Pixels) -> Pixels:
        share = np.clip(0.86 - 0.20 * u - 0.055 * (v - 1.8) - 0.045 * u * u, 0, 1)[..., None]
        lit: Pixels = dark + (light - dark) * share
        return lit + rng.normal(0, 2.2, (*u.shape, 1)).astype(np.float32)

    canvas.paint_through(outline, colours, soft=0.015)


def _folds(canvas: Canvas, clothes: Clothes) -> None:
    shade, pale = toned(clothes.colour, 0.50), toned(clothes.colour, 1.35)
    for side in (-1, 1):
        folds = [
            [(side * 1.30, 2.30), (side * 1.52, 2.75), (side * 1.62, 3.4)],
            [(side * 1.05, 3.3), (side * 1.30, 4.0), (side * 1.42, 5.2)],
        ]
        canvas.strokes(folds, shade, 0.16, soft=0.10, opacity=0.22)
        canvas.strokes([[(u - 0.14, v) for u, v in fold] for fold in folds], pale, 0.16, soft=0.10, opacity=0.18)
        # Where the arm lies against the side.
        arm = [(side * 1.62, 3.05), (side * 1.70, 4.0), (side * 1.66, 8.0)]
        canvas.strokes([arm], shade, 0.13, soft=0.05, opacity=0.55)
        canvas.strokes([[(u - 0.10, v) for u, v in arm]], pale, 0.10, soft=0.06, opacity=0.16)
    canvas.glow((0.0, 1.75), (0.75, 0.30), toned(clothes.colour, 0.45), 0.35)


def _hanbok(canvas: Canvas, clothes: Clothes) -> None:
    """A jeogori: the wearer's left side lies over the right, a white dongjeong along the collar, a long ribbon."""
    under = [(-0.66, 1.62), (-0.40, 1.60), (0.02, 2.38), (0.30, 2.86), (0.02, 3.00), (-0.28, 2.50)]
    over = [(0.66, 1.62), (0.40, 1.60), (-0.06, 2.42), (-0.62, 3.10), (-0.38, 3.30), (0.16, 2.66)]
    for band in (under, over):
        canvas.shape([(u + 0.03, v + 0.05) for u, v in band], toned(clothes.colour, 0.4), soft=0.05, opacity=0.40)
        canvas.shape(band, toned(clothes.colour, 0.93), soft=0.006)
    for side, lean in ((-1, 0.02), (1, -0.06)):
        white = [(side * 0.46, 1.56), (side * 0.35, 1.56), (lean, 2.34), (lean + side * 0.02, 2.50)]
        canvas.shape(white, (244, 240, 232) if side < 0 else (228, 222, 214), soft=0.006)
    _ribbon(canvas, clothes.second)


def _ribbon(canvas: Canvas, colour: Colour) -> None:
    tails = [
        [(-0.36, 3.16), (-0.20, 3.12), (-0.02, 4.1), (0.02, 6.2), (-0.20, 6.2), (-0.22, 4.2)],
        [(-0.40, 3.18), (-0.26, 3.20), (-0.34, 4.1), (-0.38, 5.4), (-0.58, 5.4), (-0.54, 4.1)],
    ]
    for tail in tails:
        canvas.shape([(u + 0.04, v + 0.03) for u, v in tail], (30, 20, 20), soft=0.04, opacity=0.30)
        canvas.shape(tail, colour, soft=0.006)
        middle = [
            ((tail[0][0] + tail[1][0]) / 2, 3.2),
            ((tail[2][0] + tail[5][0]) / 2, 4.1),
            ((tail[3][0] + tail[4][0]) / 2, 5.3),
        ]
        canvas.strokes([middle], toned(colour, 1.5), 0.07, soft=0.02, opacity=0.35)
    loop = smooth([(-0.36, 3.10), (-0.10, 2.96), (0.34, 2.98), (0.50, 3.10), (0.30, 3.22), (-0.12, 3.24)])
    canvas.shape([(u + 0.02, v + 0.04) for u, v in loop], (30, 20, 20), soft=0.04, opacity=0.30)
    canvas.shape(loop, toned(colour, 1.06), soft=0.006)
    canvas.strokes([[(-0.2, 3.08), (0.15, 3.04), (0.42, 3.10)]], toned(colour, 1.5), 0.05, soft=0.02, opacity=0.4)
    knot = smooth([(-0.44, 3.02), (-0.22, 2.98), (-0.16, 3.22), (-0.38, 3.28)])
    canvas.shape(knot, toned(colour, 0.88), soft=0.008)


def _shirt(canvas: Canvas, clothes: Clothes) -> None:
    """A plain shirt with its top button open."""
    canvas.strokes([[(0.0, 2.2), (0.01, 3.6), (0.0, 5.5)]], toned(clothes.colour, 0.55), 0.05, soft=0.02, opacity=0.5)
    _collar(canvas, clothes.colour)
    for v in (2.75, 3.45, 4.15):
        _button(canvas, (0.0, v), toned(clothes.colour, 1.4), 0.045)


def _collar(canvas: Canvas, colour: Colour) -> None:
    for side in (-1, 1):
        leaf = [(0.56, 1.40), (0.45, 1.46), (0.03, 2.20), (0.26, 2.50), (0.68, 2.02), (0.70, 1.66)]
        leaf = [(side * u, v) for u, v in leaf]
        canvas.shape([(u + 0.02, v + 0.05) for u, v in leaf], (40, 32, 30), soft=0.05, opacity=0.30)
        canvas.shape(leaf, toned(colour, 1.10 if side < 0 else 0.94), soft=0.006)


def _ribs(canvas: Canvas, colour: Colour) -> None:
    across = [float(u) for u in np.arange(-2.6, 2.6, 0.055)]
    ribs = [[(u * 0.8, 1.5), (u * 0.96, 3.2), (u, 8.0)] for u in across]
    canvas.strokes(ribs, toned(colour, 0.62), 0.014, soft=0.004, opacity=0.28)


def _cardigan(canvas: Canvas, clothes: Clothes) -> None:
    """Knitted, with a deep V over a pale shirt or blouse."""
    blouse = [(-0.66, 1.62), (0.0, 2.18), (0.66, 1.62), (0.42, 2.6), (0.06, 3.62), (-0.06, 3.62), (-0.42, 2.6)]
    canvas.shape(blouse, toned(clothes.second, 0.94), soft=0.008)
    canvas.strokes([[(0.0, 2.2), (0.0, 2.9), (0.0, 3.6)]], toned(clothes.second, 0.7), 0.02, soft=0.01, opacity=0.6)
    for v in (2.62, 3.14):
        _button(canvas, (0.0, v), toned(clothes.second, 0.9), 0.036)
    _collar(canvas, clothes.second)
    for side in (-1, 1):
        band = [
            (side * 0.62, 1.50),
            (side * 0.82, 1.74),
            (side * 0.60, 2.7),
            (side * 0.16, 3.75),
            (side * 0.16, 8.0),
            (0.0, 8.0),
            (0.0, 3.70),
            (side * 0.40, 2.6),
        ]
        canvas.shape([(u - 0.03 * side, v + 0.02) for u, v in band], (40, 32, 30), soft=0.05, opacity=0.30)
        canvas.shape(band, toned(clothes.colour, 0.98 if side < 0 else 0.86), soft=0.008)
    for v in (3.95, 4.6, 5.3):
        _button(canvas, (0.04, v), toned(clothes.colour, 0.55), 0.065)


def _button(canvas: Canvas, at: Point, colour: Colour, size: float) -> None:
    ring = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    disc = [(at[0] + size * float(np.cos(a)), at[1] + size * float(np.sin(a))) for a in ring]
    canvas.shape([(u + 0.015, v + 0.025) for u, v in disc], (30, 24, 22), soft=0.02, opacity=0.45)
    canvas.shape(disc, colour, soft=0.004)
    canvas.glow((at[0] - size * 0.3, at[1] - size * 0.35), (size * 0.4, size * 0.3), toned(colour, 1.8), 0.6)


def _jacket(canvas: Canvas, clothes: Clothes) -> None:
    """A light outdoor jacket with a standing collar, its zip half open over a knitted pullover."""
    pullover = [(-0.60, 1.5), (0.60, 1.5), (0.44, 2.5), (0.05, 3.3), (-0.05, 3.3), (-0.44, 2.5)]
    canvas.shape(pullover, clothes.second, soft=0.008)
    ribs = [
        [(u, 1.56 + 0.06 * abs(u)), (u, 1.74), (u * 0.97, 1.96)]
        for u in (float(n) for n in np.arange(-0.5, 0.51, 0.05))
    ]
    roll = smooth([(-0.56, 1.46), (0.0, 1.62), (0.56, 1.46), (0.54, 1.86), (0.0, 2.06), (-0.54, 1.86)])
    canvas.shape(roll, toned(clothes.second, 1.08), soft=0.01)
    canvas.strokes(ribs, toned(clothes.second, 0.6), 0.018, soft=0.006, opacity=0.4)
    canvas.glow((0.08, 1.52), (0.52, 0.16), toned(clothes.second, 0.4), 0.55)
    for side in (-1, 1):
        collar = [
            (side * 0.60, 1.40),
            (side * 0.86, 1.66),
            (side * 0.74, 2.25),
            (side * 0.20, 3.30),
            (side * 0.04, 3.30),
            (side * 0.46, 2.3),
        ]
        canvas.shape([(u - 0.04 * side, v + 0.03) for u, v in collar], (20, 20, 24), soft=0.05, opacity=0.40)
        canvas.shape(collar, toned(clothes.colour, 1.16 if side < 0 else 0.86), soft=0.008)
        canvas.strokes(
            [[(side * 0.64, 1.48), (side * 0.50, 2.3), (side * 0.06, 3.28)]],
            toned(clothes.colour, 0.45),
            0.03,
            opacity=0.8,
        )
        seam = [(side * 2.1, 2.75), (side * 1.3, 2.86), (side * 0.28, 3.02)]
        canvas.strokes([seam], toned(clothes.colour, 0.5), 0.03, soft=0.01, opacity=0.7)
    canvas.strokes([[(0.0, 3.26), (0.01, 4.4), (0.0, 8.0)]], toned(clothes.colour, 0.35), 0.05, opacity=0.8)
    canvas.shape([(-0.035, 3.28), (0.035, 3.28), (0.03, 3.52), (-0.03, 3.52)], (196, 190, 180), soft=0.006)
