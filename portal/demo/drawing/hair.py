"""Grey and white hair: the curls of a permanent wave, combed strands, a bun, and what is left of it at eighty."""

import numpy as np

from portal.demo.drawing.canvas import Canvas, Point, smooth
from portal.demo.drawing.face import Face, toned

Curve = list[Point]

# From the ear over the crown to the middle, right half: the outline of the head of hair.
_OUTLINES: dict[str, Curve] = {
    "permed": [
        (0.0, -1.74),
        (0.46, -1.68),
        (0.86, -1.42),
        (1.10, -1.02),
        (1.20, -0.55),
        (1.18, -0.12),
        (1.05, 0.12),
        (0.93, 0.0),
    ],
    "bun": [(0.0, -1.60), (0.46, -1.53), (0.82, -1.26), (1.02, -0.84), (1.07, -0.42), (1.02, -0.05), (0.92, 0.0)],
    "parted": [(0.0, -1.64), (0.48, -1.58), (0.86, -1.30), (1.05, -0.88), (1.09, -0.48), (1.05, -0.12), (0.94, 0.0)],
    "receding": [(0.0, -1.30), (0.70, -1.18), (0.98, -0.90), (1.10, -0.52), (1.07, -0.12), (0.98, 0.06), (0.92, 0.0)],
}


def paint_back(canvas: Canvas, face: Face) -> None:
    """What shows behind the ears; the face covers the rest."""
    right = _OUTLINES[face.hair_style]
    outline = smooth(right + [(-u, v) for u, v in right[:0:-1]])
    canvas.shape(_longer(outline, face), toned(face.hair, 0.62), soft=0.03)


def paint_front(canvas: Canvas, face: Face, rng: np.random.Generator, turn: float) -> None:
    paint = {"permed": _permed, "bun": _bun, "parted": _parted, "receding": _receding}[face.hair_style]
    paint(canvas, face, rng, turn)


def _longer(points: Curve, face: Face) -> Curve:
    return [(u, v * face.length if v < 0 else v) for u, v in points]


def _lit(u: float, v: float) -> float:
    """How bright hair is there: the light comes from the upper left."""
    return float(np.clip(0.66 - 0.26 * u - 0.20 * (v + 0.9), 0.25, 1.15))


def _strands(
    canvas: Canvas,
    face: Face,
    strands: list[tuple[Curve, float]],
    width: float,
    opacity: float = 0.7,
    soft: float = 0.004,
) -> None:
    """Strands by how bright they are, the dark ones first; each tone is one pass of the brush."""
    tones: dict[int, list[Curve]] = {}
    for line, light in strands:
        tones.setdefault(int(np.clip(light, 0.15, 1.5) * 7), []).append(_longer(line, face))
    for tone in sorted(tones):
        canvas.strokes(tones[tone], toned(face.hair, 0.42 + tone / 9), width, opacity=opacity, soft=soft)


def _resampled(points: Curve, count: int = 60) -> np.ndarray:
    line = np.array(smooth(points, closed=False, steps=12))
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    places = np.linspace(0, along[-1], count)
    return np.stack([np.interp(places, along, line[:, axis]) for axis in (0, 1)], axis=1)


def _combed(
    inner: Curve, outer: Curve, rng: np.random.Generator, count: int, *, sheen: float = 0.3, stray: float = 0.015
) -> list[tuple[Curve, float]]:
    """Strands that run side by side between two curves, brighter where the crown catches the light."""
    first, last = _resampled(inner), _resampled(outer)
    strands: list[tuple[Curve, float]] = []
    for _ in range(count):
        share, begin, span = float(rng.random()), int(rng.integers(0, 42)), int(rng.integers(12, 24))
        path = (first + (last - first) * share)[begin : begin + span]
        drift = rng.normal(0, stray, 2) * np.linspace(-1, 1, len(path))[:, None]
        points = (path + drift)[:: max(1, len(path) // 4)]
        u, v = path[len(path) // 2]
        band = float(np.exp(-(((begin + span / 2) / 60 - sheen) ** 2) / 0.02))
        light = _lit(u, v) + 0.30 * band + float(rng.normal(0, 0.12))
        strands.append(([(float(a), float(b)) for a, b in points], light))
    return strands


def _mass(canvas: Canvas, face: Face, inner: Curve, outer: Curve, tone: float = 0.78) -> None:
    edge = [(float(a), float(b)) for a, b in np.vstack([_resampled(inner), _resampled(outer)[::-1]])]
    canvas.shape(_longer(edge, face), toned(face.hair, tone), soft=0.022)


def _shade_below(canvas: Canvas, face: Face, hairline: Curve) -> None:
    canvas.strokes([_longer(hairline, face)], toned(face.skin, 0.55), 0.15, soft=0.05, opacity=0.42)


def _permed(canvas: Canvas, face: Face, rng: np.random.Generator, turn: float) -> None:
    """The short soft wave that so many grandmothers wear."""
    right_in = [(0.0, -1.02), (0.36, -1.00), (0.66, -0.84), (0.84, -0.52), (0.90, -0.20), (0.94, 0.0)]
    right_out = [(0.0, -1.74), (0.46, -1.68), (0.86, -1.42), (1.10, -1.02), (1.20, -0.55), (1.18, -0.12), (1.02, 0.10)]
    inner = [(-u + turn * 0.4, v) for u, v in right_in[:0:-1]] + [(u + turn * 0.4, v) for u, v in right_in]
    outer = [(-u, v) for u, v in right_out[:0:-1]] + right_out
    _shade_below(canvas, face, inner)
    _mass(canvas, face, inner, outer, tone=0.80)
    first, last = _resampled(inner, 120), _resampled(outer, 120)
    waves: list[tuple[Curve, float]] = []
    hollows: list[Curve] = []
    for _ in range(360):
        along, share = int(rng.integers(0, 120)), float(rng.random()) ** 0.85
        u, v = (float(n) for n in first[along] + (last[along] - first[along]) * share)
        size, base = float(rng.uniform(0.08, 0.14)), _lit(u, v) + float(rng.normal(0, 0.05))
        # Each tuft bends around its own middle; its lower right lies in its own shade.
        start, way = float(rng.normal(3.4, 0.7)), float(rng.choice([-1, 1]))
        hollows.append(_longer(_bent(u + 0.01, v + 0.015, size, 0.2, 1.0), face))
        for _ in range(11):
            inside = float(rng.uniform(0.35, 1.12))
            bright = base + 0.20 - 0.55 * abs(inside - 0.85) + float(rng.normal(0, 0.08))
            waves.append((_bent(u, v, size * inside, start + float(rng.normal(0, 0.25)), way), bright))
    canvas.strokes(hollows, toned(face.hair, 0.50), 0.05, soft=0.02, opacity=0.30)
    rng.shuffle(waves)
    _strands(canvas, face, waves, 0.013, opacity=0.5)


def _bent(u: float, v: float, size: float, start: float, way: float) -> Curve:
    angles = np.linspace(0, 2.3, 5)
    return [(u + size * float(np.cos(start + way * a)), v + size * float(np.sin(start + way * a))) for a in angles]


def _parted(canvas: Canvas, face: Face, rng: np.random.Generator, turn: float) -> None:
    """A gentleman's side parting, combed over to the right, short over the ears."""
    part = -0.46 + turn * 0.4
    over_in = [
        (part, -1.16),
        (part + 0.25, -1.07),
        (0.20, -1.07),
        (0.58, -1.02),
        (0.82, -0.78),
        (0.90, -0.46),
        (0.95, -0.10),
    ]
    over_out = [
        (part, -1.50),
        (-0.20, -1.62),
        (0.20, -1.66),
        (0.60, -1.54),
        (0.94, -1.20),
        (1.09, -0.66),
        (1.07, -0.12),
    ]
    side_in = [(part - 0.02, -1.16), (-0.68, -1.02), (-0.82, -0.80), (-0.90, -0.46), (-0.95, -0.10)]
    side_out = [(part - 0.02, -1.50), (-0.72, -1.40), (-0.96, -1.08), (-1.09, -0.62), (-1.07, -0.12)]
    _shade_below(canvas, face, [*side_in[:0:-1], *over_in])
    for inner, outer, count in ((side_in, side_out, 420), (over_in, over_out, 900)):
        _mass(canvas, face, inner, outer)
        _strands(canvas, face, _combed(inner, outer, rng, count), 0.016, 0.5)
    line = [(part, -1.16), (part + 0.01, -1.32), (part + 0.05, -1.48)]
    canvas.strokes([_longer(line, face)], toned(face.hair, 0.5), 0.03, soft=0.012, opacity=0.7)


def _bun(canvas: Canvas, face: Face, rng: np.random.Generator, turn: float) -> None:
    """Parted in the middle and drawn back smoothly, as for a bun (쪽머리)."""
    middle = turn * 0.8
    halves = []
    for side in (-1, 1):
        inner = [
            (middle, -1.20),
            *[(side * u, v) for u, v in [(0.34, -1.10), (0.66, -0.90), (0.84, -0.58), (0.92, -0.26), (0.97, -0.02)]],
        ]
        outer = [
            (middle, -1.60),
            *[(side * u, v) for u, v in [(0.46, -1.54), (0.82, -1.27), (1.02, -0.85), (1.07, -0.42), (1.03, -0.04)]],
        ]
        halves.append((inner, outer))
    _shade_below(canvas, face, [*halves[0][0][:0:-1], *halves[1][0]])
    for inner, outer in halves:
        _mass(canvas, face, inner, outer)
        _strands(canvas, face, _combed(inner, outer, rng, 650, sheen=0.42), 0.015, 0.5)
    line = [(middle, -1.20), (middle * 0.9, -1.40), (middle * 0.8, -1.57)]
    canvas.strokes([_longer(line, face)], toned(face.skin, 0.90), 0.026, soft=0.010, opacity=0.75)


def _receding(canvas: Canvas, face: Face, rng: np.random.Generator, turn: float) -> None:
    """A high bare forehead, white hair over the ears and a few strands across the crown."""
    canvas.glow((-0.20 + turn, -1.18 * face.length), (0.34, 0.13), toned(face.skin, 1.9), 0.42)
    for side in (-1, 1):
        inner = [(side * u, v) for u, v in [(0.66, -1.16), (0.80, -0.96), (0.87, -0.66), (0.92, -0.34), (0.96, -0.06)]]
        outer = [(side * u, v) for u, v in [(0.78, -1.26), (0.97, -1.02), (1.08, -0.66), (1.09, -0.30), (1.04, 0.02)]]
        _mass(canvas, face, inner, outer, tone=0.82)
        soft = [
            [(u + float(rng.normal(0, 0.02)), v), (u + side * 0.05, v + 0.05), (u + side * 0.09, v + 0.13)]
            for u, v in inner
        ]
        canvas.strokes([_longer(line, face) for line in soft], toned(face.hair, 0.9), 0.05, soft=0.02, opacity=0.5)
        _strands(canvas, face, _combed(inner, outer, rng, 420, stray=0.03), 0.014, 0.5)
    wisps: list[tuple[Curve, float]] = []
    for _ in range(70):
        u, rise = float(rng.uniform(-0.62, 0.10)), float(rng.uniform(-0.05, 0.05))
        path = [
            (u, -1.40 + 0.16 * u * u + rise),
            (u + 0.25, -1.47 + rise),
            (u + 0.52, -1.40 + 0.3 * max(0.0, u + 0.4) ** 2 + rise),
        ]
        wisps.append((path, 0.9 + float(rng.normal(0, 0.1))))
    _strands(canvas, face, wisps, 0.010, 0.35)
