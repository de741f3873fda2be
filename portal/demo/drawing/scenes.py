"""Plain places behind a person, out of focus as a lens leaves them. Coordinates: 0 to 1 across, 0 to 4/3 down."""

import numpy as np

from portal.demo.drawing.canvas import Canvas, Colour, Frame, Pixels, Point, smooth

_WHOLE: list[Point] = [(-0.1, -0.1), (1.1, -0.1), (1.1, 1.6), (-0.1, 1.6)]


def paint_scene(canvas: Canvas, name: str, rng: np.random.Generator) -> None:
    canvas.frame = Frame(0, 0, canvas.width)
    {"home": _home, "park": _park, "sea": _sea, "porch": _porch}[name](canvas, rng)
    canvas.blur(canvas.width * 0.011)


def _graded(canvas: Canvas, stops: list[tuple[float, Colour]], outline: list[Point] = _WHOLE) -> None:
    """Colours that change from top to bottom, by height."""
    heights = [height for height, _ in stops]

    def colours(u: Pixels, v: Pixels) -> Pixels:
        bands = [np.interp(v, heights, [colour[i] for _, colour in stops]) for i in range(3)]
        return np.stack(bands, axis=-1).astype(np.float32)

    canvas.paint_through(outline, colours)


def _box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _home(canvas: Canvas, rng: np.random.Generator) -> None:
    """A living room in the afternoon: a window's light on the wall, a low chest, a plant."""
    _graded(canvas, [(0.0, (214, 202, 182)), (0.8, (202, 188, 166)), (1.34, (176, 158, 136))])
    canvas.glow((0.12, 0.30), (0.42, 0.50), (250, 238, 212), 0.75)
    for column in range(3):
        for row in range(2):
            left, top = 0.02 + column * 0.115, 0.10 + row * 0.20
            pane = [(left, top + 0.02), (left + 0.10, top), (left + 0.10, top + 0.18), (left, top + 0.20)]
            canvas.shape(pane, (255, 248, 230), soft=0.008, opacity=0.55)
    frame = _box(0.70, 0.16, 0.93, 0.44)
    canvas.shape([(u + 0.012, v + 0.014) for u, v in frame], (90, 76, 60), soft=0.012, opacity=0.35)
    canvas.shape(frame, (122, 92, 64))
    canvas.shape(_box(0.715, 0.175, 0.915, 0.425), (226, 220, 206))
    canvas.shape(
        smooth([(0.73, 0.40), (0.78, 0.31), (0.82, 0.35), (0.86, 0.27), (0.90, 0.40)]), (128, 146, 132), soft=0.004
    )
    chest = _box(-0.05, 0.98, 1.05, 1.6)
    canvas.shape(chest, (116, 80, 54))
    canvas.shape(_box(-0.05, 0.965, 1.05, 0.995), (148, 106, 74))
    for u in (0.18, 0.5, 0.82):
        canvas.glow((u, 1.16), (0.03, 0.012), (206, 176, 120), 0.8)
    pot = [(0.80, 0.84), (0.95, 0.84), (0.93, 0.975), (0.82, 0.975)]
    canvas.shape(pot, (196, 190, 182))
    for _ in range(26):
        lean = float(rng.uniform(-0.13, 0.13))
        leaf = [(0.875, 0.85), (0.875 + lean * 0.5, 0.74), (0.875 + lean, 0.62 + abs(lean) * 1.1)]
        green = 88 + int(rng.integers(0, 50))
        canvas.strokes([leaf], (green - 26, green + 18, green - 34), 0.030, opacity=0.9)


def _park(canvas: Canvas, rng: np.random.Generator) -> None:
    """Trees in early autumn, sun through the leaves."""
    _graded(canvas, [(0.0, (206, 216, 196)), (0.45, (150, 170, 122)), (0.85, (126, 146, 98)), (1.34, (112, 128, 84))])
    for _ in range(170):
        u, v = float(rng.uniform(-0.05, 1.05)), float(rng.uniform(-0.05, 0.80))
        size = float(rng.uniform(0.03, 0.085))
        tone = float(rng.uniform(0.55, 1.15))
        gold = float(rng.random()) ** 3
        colour = (int((96 + 112 * gold) * tone), int((128 + 42 * gold) * tone), int((70 - 6 * gold) * tone))
        canvas.glow((u, v), (size, size * 0.8), colour, float(rng.uniform(0.35, 0.75)))
    for u, wide in ((0.10, 0.045), (0.88, 0.06), (0.70, 0.022)):
        trunk = [(u - wide, -0.1), (u + wide * 0.8, -0.1), (u + wide, 0.98), (u - wide * 1.2, 0.98)]
        canvas.shape(trunk, (86, 72, 58), soft=0.012, opacity=0.80)
    path = [(0.30, 0.86), (0.62, 0.86), (1.1, 1.6), (-0.3, 1.6)]
    canvas.shape(path, (188, 176, 154), soft=0.02, opacity=0.9)
    for _ in range(46):
        spot = (float(rng.uniform(0, 1)), float(rng.uniform(0.0, 0.66)))
        size = float(rng.uniform(0.010, 0.026))
        canvas.glow(spot, (size, size), (250, 246, 216), float(rng.uniform(0.25, 0.65)))


def _sea(canvas: Canvas, rng: np.random.Generator) -> None:
    """The east coast on a clear day: sky, water, a line of surf, sand."""
    _graded(
        canvas,
        [
            (0.0, (150, 186, 214)),
            (0.40, (198, 216, 226)),
            (0.52, (228, 230, 226)),
            (0.53, (86, 132, 152)),
            (0.78, (112, 160, 168)),
            (0.86, (150, 184, 182)),
            (0.90, (222, 210, 184)),
            (1.34, (204, 186, 154)),
        ],
    )
    for _ in range(14):
        u, v = float(rng.uniform(0, 1)), float(rng.uniform(0.05, 0.36))
        canvas.glow((u, v), (float(rng.uniform(0.08, 0.22)), float(rng.uniform(0.012, 0.03))), (248, 248, 246), 0.55)
    for _ in range(60):
        u, v = float(rng.uniform(0, 1)), float(rng.uniform(0.54, 0.84))
        canvas.glow((u, v), (float(rng.uniform(0.03, 0.12)), 0.004), (206, 226, 226), float(rng.uniform(0.2, 0.5)))
    surf = [(-0.1, 0.885), (0.2, 0.872), (0.5, 0.888), (0.8, 0.870), (1.1, 0.882)]
    canvas.strokes([surf], (246, 246, 240), 0.030, soft=0.006, opacity=0.9)
    hill = smooth([(0.58, 0.53), (0.70, 0.49), (0.82, 0.455), (0.94, 0.43), (1.15, 0.42), (1.15, 0.53)])
    canvas.shape(hill, (122, 146, 150), soft=0.006, opacity=0.85)


def _porch(canvas: Canvas, rng: np.random.Generator) -> None:
    """Before the papered doors of an old house."""
    _graded(canvas, [(0.0, (222, 208, 182)), (1.34, (206, 190, 162))])
    wood, light = (112, 78, 52), (150, 112, 80)
    for left in (-0.04, 0.50):
        right = left + 0.54
        canvas.shape(_box(left, 0.06, right, 1.20), wood)
        canvas.shape(_box(left + 0.025, 0.085, right - 0.025, 1.17), (238, 230, 212))
        canvas.glow((left + 0.20, 0.45), (0.26, 0.40), (255, 249, 232), 0.6)
        for u in np.linspace(left + 0.025, right - 0.025, 8)[1:-1]:
            canvas.shape(_box(float(u) - 0.0045, 0.085, float(u) + 0.0045, 1.17), light)
        for group in (0.12, 0.52, 0.92):
            for v in (group, group + 0.055, group + 0.11):
                canvas.shape(_box(left + 0.025, v - 0.0045, right - 0.025, v + 0.0045), light)
    canvas.shape(_box(-0.1, -0.1, 1.1, 0.05), (96, 66, 44))
    _graded(canvas, [(1.18, (150, 110, 76)), (1.34, (120, 86, 58))], _box(-0.1, 1.18, 1.1, 1.6))
    canvas.glow((0.95, 0.7), (0.28, 0.8), (90, 66, 46), 0.35)
