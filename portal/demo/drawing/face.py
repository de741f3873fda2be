"""A drawn face of an older person, lit from the upper left.

Coordinates: (0, 0) between the eyes and the tip of the nose, u to the right and v down; 1 is half the face's width.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from portal.demo.drawing.canvas import Canvas, Colour, Pixels, Point, mirrored, smooth

LINE: Colour = (92, 58, 44)


@dataclass(frozen=True, kw_only=True)
class Face:
    """What makes one face unlike another; numbers are shares of the usual measure."""

    skin: Colour
    hair: Colour
    hair_style: str  # "permed", "parted", "receding", "bun"
    jaw: float = 1.0
    length: float = 1.0
    eye: float = 1.0
    nose: float = 1.0
    mouth: float = 1.0
    brow: Colour = (120, 112, 106)
    brow_weight: float = 1.0
    lips: Colour = (176, 96, 86)
    age: float = 1.0  # how deep the lines are
    glasses: Colour | None = None


def toned(colour: Colour, factor: float) -> Colour:
    """Darker below 1, lighter above; shade is redder and light is paler, as on skin."""
    red, green, blue = colour
    if factor < 1:
        return int(red * factor), int(green * factor**1.18), int(blue * factor**1.3)
    return int(255 - (255 - red) / factor), int(255 - (255 - green) / factor), int(255 - (255 - blue) / factor)


class Painter:
    """Paints one face; ``turn`` moves the features sideways as a slight turn of the head does, ``smile`` is 0 to 1."""

    def __init__(self, canvas: Canvas, face: Face, rng: np.random.Generator, *, turn: float = 0.0, smile: float = 0.5):
        self.canvas, self.face, self.rng, self.turn, self.smile = canvas, face, rng, turn, smile

    def at(self, u: float, v: float) -> Point:
        """A feature's place: those in the middle move most when the head turns."""
        return u + self.turn * (1 - 0.55 * u * u), v * self.face.length

    def line(self, points: list[Point]) -> list[Point]:
        return [self.at(u, v) for u, v in points]

    def outline(self) -> list[Point]:
        """Forehead, temples, cheeks, jaw and chin; a bare head goes up to its crown."""
        jaw, bare = self.face.jaw, self.face.hair_style == "receding"
        forehead = (
            [(0.0, -1.52), (0.46, -1.44), (0.82, -1.12)] if bare else [(0.0, -1.32), (0.48, -1.25), (0.82, -0.95)]
        )
        cheek = [(0.965, -0.5), (0.98, -0.05), (0.945, 0.30), (0.86 * (0.5 + jaw / 2), 0.66)]
        chin = [(0.66 * jaw, 1.02), (0.40 * jaw, 1.27), (0.16, 1.37), (0.0, 1.385)]
        right = forehead + cheek + chin
        return smooth([(u, v * self.face.length) for u, v in right + mirrored(right[-2:0:-1])])

    def paint(self) -> None:
        self._ears()
        outline = self.outline()
        self._skin(outline)
        with self.canvas.only(outline, soft=0.012):
            self._sockets()
            self._lines()
            self._nose()
            self._mouth()
            for side in (-1, 1):
                self._eye(side)
                self._brow(side)

    def _ears(self) -> None:
        skin = self.face.skin
        for side in (-1, 1):
            lobe = smooth(
                [
                    (side * u, v)
                    for u, v in [
                        (0.92, -0.28),
                        (1.06, -0.34),
                        (1.13, -0.18),
                        (1.10, 0.12),
                        (1.02, 0.36),
                        (0.93, 0.34),
                        (0.9, 0.0),
                    ]
                ]
            )
            self.canvas.shape(lobe, toned(skin, 0.86 if side < 0 else 0.74), soft=0.012)
            inner = [(side * u, v) for u, v in [(1.05, -0.22), (1.075, -0.02), (1.0, 0.14), (0.99, 0.22)]]
            self.canvas.strokes([inner], toned(skin, 0.58), 0.05, soft=0.015, opacity=0.7)

    def _skin(self, outline: list[Point]) -> None:
        """An egg lit from the upper left and a little from everywhere, of a skin that is nowhere of one tone."""
        dark, plain, bright = (np.array(toned(self.face.skin, f), np.float32) for f in (0.60, 0.98, 1.22))
        blotches = Image.fromarray(self.rng.normal(0, 1, (24, 18)).astype(np.float32))

        def colours(u: Pixels, v: Pixels) -> Pixels:
            x, y = (u - 0.5 * self.turn) / 1.12, (v / self.face.length - 0.05) / 1.62
            z = np.sqrt(np.clip(1 - x**2 * 0.92 - y**2 * 0.72, 0.02, 1))
            light = np.clip((-0.36 * x - 0.40 * y + 0.86 * z - 0.18) / 0.78, 0, 1)[..., None]
            colour: Pixels = dark + (plain - dark) * np.clip(light * 1.45, 0, 1)
            colour += (bright - plain) * np.clip(light * 2.6 - 1.6, 0, 1)
            uneven = np.asarray(blotches.resize((u.shape[1], u.shape[0]), Image.Resampling.BICUBIC))
            colour += uneven[..., None] * np.array([1.6, 2.2, 2.0], np.float32)
            return colour

        self.canvas.paint_through(outline, colours, soft=0.012)

    def _sockets(self) -> None:
        """The broad shapes: eye sockets, cheeks, temples, chin. They decide whether it is a face at all."""
        glow, skin, at = self.canvas.glow, self.face.skin, self.at
        for side in (-1, 1):
            glow(at(side * 0.43, -0.20), (0.30, 0.17), toned(skin, 0.62), 0.52, lean=side * 6)
            glow(at(side * 0.24, -0.24), (0.11, 0.17), toned(skin, 0.55), 0.42)
            glow(at(side * 0.46, 0.04), (0.25, 0.07), toned(skin, 0.70), 0.26, lean=side * 10)
            glow(at(side * 0.50, 0.30), (0.27, 0.20), (214, 128, 104), 0.24)
            glow(at(side * 0.50, 0.22), (0.20, 0.12), toned(skin, 1.5), 0.30 if side < 0 else 0.16)
            glow(at(side * 0.78, 0.62), (0.18, 0.36), toned(skin, 0.66), 0.22 if side < 0 else 0.36, lean=side * 16)
            glow(at(side * 0.80, -0.62), (0.14, 0.30), toned(skin, 0.70), 0.20 if side < 0 else 0.32)
        glow(at(-0.14, -0.86), (0.44, 0.22), toned(skin, 1.5), 0.30)
        glow(at(-0.03, 1.17), (0.20, 0.12), toned(skin, 1.35), 0.30)
        glow(at(0.0, 0.985), (0.26, 0.055), toned(skin, 0.60), 0.42)

    def _lines(self) -> None:
        """What a life writes: laugh lines, crow's feet, the forehead. Faint, and never drawn as cracks."""
        skin, age = self.face.skin, self.face.age
        draw = self.canvas.strokes
        shade, pale = toned(skin, 0.58), toned(skin, 1.5)
        for side in (-1, 1):
            fold = [(0.23, 0.40), (0.34, 0.52), (0.43, 0.70), (0.44, 0.86)]
            laugh = self.line([(side * (u + 0.03 * self.smile), v) for u, v in fold])
            draw([laugh], shade, 0.06, soft=0.022, opacity=0.40 * age)
            draw([[(u + 0.045 * side, v) for u, v in laugh]], pale, 0.07, soft=0.03, opacity=0.16 * age)
            corner = self.line([(side * 0.37, 0.80), (side * 0.42, 0.92), (side * 0.40, 1.04)])
            draw([corner], shade, 0.04, soft=0.022, opacity=0.30 * age)
            bag = self.line([(side * 0.24, 0.02), (side * 0.36, 0.085), (side * 0.52, 0.085), (side * 0.64, 0.02)])
            draw([bag], shade, 0.035, soft=0.016, opacity=0.34 * age)
            feet = [
                self.line([(side * 0.71, -0.16), (side * 0.79, -0.21), (side * 0.87, -0.27)]),
                self.line([(side * 0.72, -0.11), (side * 0.81, -0.11), (side * 0.90, -0.13)]),
                self.line([(side * 0.70, -0.06), (side * 0.79, -0.01), (side * 0.87, 0.03)]),
            ]
            draw(feet, shade, 0.022, soft=0.010, opacity=0.32 * age)
        brow = [
            self.line([(-0.50, v + 0.02), (-0.25, v - 0.02), (0.0, v), (0.25, v - 0.02), (0.50, v + 0.03)])
            for v in (-0.98, -0.86, -0.75)
        ]
        draw(brow, shade, 0.028, soft=0.016, opacity=0.24 * age)
        draw([[(u, v + 0.03) for u, v in line] for line in brow], pale, 0.03, soft=0.018, opacity=0.16 * age)
        frown = [self.line([(side * 0.075, -0.50), (side * 0.065, -0.40)]) for side in (-1, 1)]
        draw(
            [[a, ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2), b] for a, b in frown],
            shade,
            0.022,
            soft=0.012,
            opacity=0.30 * age,
        )

    def _nose(self) -> None:
        canvas, skin, at, wide = self.canvas, self.face.skin, self.at, self.face.nose
        glow = canvas.glow
        glow(at(0.0, -0.20), (0.085, 0.22), toned(skin, 1.35), 0.40)
        glow(at(-0.02, 0.10), (0.065, 0.28), toned(skin, 1.5), 0.42)
        glow(at(0.15 * wide, 0.14), (0.07, 0.26), toned(skin, 0.66), 0.36, lean=-8)
        glow(at(-0.17 * wide, 0.16), (0.06, 0.22), toned(skin, 0.74), 0.20, lean=8)
        glow(at(0.0, 0.36), (0.17 * wide, 0.11), (222, 142, 116), 0.28)
        glow(at(-0.035, 0.31), (0.06, 0.05), toned(skin, 2.4), 0.55)
        glow(at(0.03, 0.475), (0.24 * wide, 0.055), toned(skin, 0.52), 0.55)
        for side in (-1, 1):
            wing = [(0.165, 0.27), (0.235, 0.34), (0.225, 0.43), (0.15, 0.455)]
            canvas.strokes(
                [self.line([(side * u * wide, v) for u, v in wing])], toned(skin, 0.5), 0.035, soft=0.014, opacity=0.62
            )
            hole = [(0.05, 0.445), (0.10, 0.42), (0.155, 0.44), (0.12, 0.468), (0.07, 0.47)]
            canvas.shape(
                smooth(self.line([(side * u * wide, v) for u, v in hole])), (74, 40, 32), soft=0.010, opacity=0.80
            )
        groove = [self.line([(side * 0.045, 0.53), (side * 0.04, 0.58), (side * 0.05, 0.635)]) for side in (-1, 1)]
        canvas.strokes(groove, toned(skin, 0.66), 0.03, soft=0.014, opacity=0.35)

    def _mouth(self) -> None:
        canvas, lips, wide, smile = self.canvas, self.face.lips, 0.36 * self.face.mouth, self.smile
        up = -0.055 * smile
        middle = [
            (-wide, 0.755 + up),
            (-0.55 * wide, 0.772 + up * 0.1),
            (-0.16, 0.768),
            (0.0, 0.782),
            (0.16, 0.768),
            (0.55 * wide, 0.772 + up * 0.1),
            (wide, 0.755 + up),
        ]
        upper = [(0.62 * wide, 0.730), (0.22 * wide, 0.697), (0.0, 0.714), (-0.22 * wide, 0.697), (-0.62 * wide, 0.730)]
        lower = [(0.66 * wide, 0.828), (0.30 * wide, 0.870), (0.0, 0.880), (-0.30 * wide, 0.870), (-0.66 * wide, 0.828)]
        canvas.shape(smooth(self.line(middle + upper)), toned(lips, 0.86), soft=0.016, opacity=0.72)
        canvas.shape(smooth(self.line(middle + lower)), toned(lips, 1.14), soft=0.018, opacity=0.66)
        canvas.glow(self.at(-0.05, 0.835), (0.15, 0.028), toned(lips, 1.9), 0.42)
        canvas.strokes([self.line(middle)], (96, 44, 38), 0.030, soft=0.008, opacity=0.82)
        for side in (-1, 1):
            canvas.glow(self.at(side * (wide + 0.025), 0.765 + up), (0.05, 0.045), toned(self.face.skin, 0.5), 0.5)
            canvas.glow(self.at(side * (wide + 0.13), 0.72), (0.09, 0.12), toned(self.face.skin, 1.4), 0.20)

    def _eye(self, side: int) -> None:
        canvas, size = self.canvas, self.face.eye
        squint = 1 - 0.16 * self.smile

        def place(points: list[Point]) -> list[Point]:
            return self.line([(side * (0.43 + u * size), -0.155 + v * size * squint) for u, v in points])

        top = [(-0.205, 0.034), (-0.13, -0.030), (-0.02, -0.060), (0.10, -0.050), (0.205, 0.010)]
        low = [(0.13, 0.040), (0.0, 0.054), (-0.12, 0.050)]
        opening = smooth(place(top + low))
        canvas.shape(opening, (216, 202, 190), soft=0.006)
        self._iris(opening, side)
        canvas.strokes([place([(u, v + 0.012) for u, v in top])], (84, 58, 48), 0.07, soft=0.02, opacity=0.55)
        canvas.strokes([place([(u, v - 0.004) for u, v in top])], (50, 32, 26), 0.046, soft=0.006, opacity=0.92)
        rim = [(0.205, 0.010), *low, (-0.205, 0.034)]
        canvas.strokes([place(rim)], (128, 80, 66), 0.020, soft=0.008, opacity=0.6)
        # The lid hangs a little over the outer corner, as it does with the years.
        crease = [(-0.19, -0.005), (-0.09, -0.082), (0.05, -0.104), (0.18, -0.052), (0.285, 0.030)]
        canvas.strokes([place(crease)], toned(self.face.skin, 0.44), 0.032, soft=0.012, opacity=0.60)
        canvas.glow(self.at(side * 0.46, -0.325), (0.20, 0.05), toned(self.face.skin, 1.35), 0.34, lean=side * 5)
        tear = place([(-0.200, 0.036), (-0.17, 0.024), (-0.165, 0.046)])
        canvas.shape(tear, (206, 142, 126), soft=0.006, opacity=0.7)

    def _iris(self, opening: list[Point], side: int) -> None:
        """Dark brown, cut off by the lids, with the window's light in it."""
        canvas = self.canvas
        u, v = self.at(side * 0.43, -0.165)
        u += self.turn * 0.15
        ring = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        rings = ((0.100, (42, 27, 22), 0.010), (0.080, (70, 44, 32), 0.012), (0.044, (16, 10, 9), 0.006))
        for radius, colour, soft in rings:
            circle = [(u + radius * float(np.cos(a)), v + radius * float(np.sin(a))) for a in ring]
            canvas.shape(_within(circle, opening), colour, soft=soft)
        canvas.glow((u - 0.030, v - 0.018), (0.017, 0.017), (255, 252, 246), 0.92)
        canvas.glow((u + 0.034, v + 0.030), (0.026, 0.016), (150, 116, 92), 0.4)

    def _brow(self, side: int) -> None:
        canvas, rng = self.canvas, self.rng
        hairs = []
        for _ in range(int(170 * self.face.brow_weight)):
            along = float(rng.uniform(0, 1))
            u = 0.20 + 0.52 * along
            v = -0.425 - 0.075 * float(np.sin(np.pi * min(1.0, along * 1.15) * 0.75)) + float(rng.normal(0, 0.016))
            length, lift = float(rng.uniform(0.06, 0.11)), float(rng.uniform(-0.022, 0.008)) + 0.05 * along
            hairs.append(
                self.line([(side * u, v), (side * (u + length / 2), v + lift / 3), (side * (u + length), v + lift)])
            )
        canvas.glow(self.at(side * 0.46, -0.475), (0.24, 0.040), toned(self.face.brow, 0.8), 0.30, lean=-side * 1)
        canvas.strokes(hairs[::2], toned(self.face.brow, 0.76), 0.012, soft=0.004, opacity=0.50)
        canvas.strokes(hairs[1::2], self.face.brow, 0.011, soft=0.003, opacity=0.60)


def _within(points: list[Point], outline: list[Point]) -> list[Point]:
    """The part of a small convex shape that an opening lets through, by moving points to the lids above and below."""
    edge = np.array(outline)
    middle = float(edge[:, 1].mean())
    upper, lower = edge[edge[:, 1] <= middle], edge[edge[:, 1] > middle]
    upper, lower = upper[upper[:, 0].argsort()], lower[lower[:, 0].argsort()]
    return [
        (u, float(np.clip(v, np.interp(u, upper[:, 0], upper[:, 1]), np.interp(u, lower[:, 0], lower[:, 1]))))
        for u, v in points
    ]


def paint_glasses(canvas: Canvas, painter: Painter, colour: Colour) -> None:
    """Thin frames with a faint reflection, resting on the nose."""
    lenses = []
    for side in (-1, 1):
        rim = [
            (0.14, -0.26),
            (0.30, -0.335),
            (0.58, -0.335),
            (0.74, -0.25),
            (0.74, -0.03),
            (0.62, 0.11),
            (0.36, 0.125),
            (0.18, 0.04),
        ]
        lenses.append(smooth(painter.line([(side * u, v) for u, v in rim])))
    for lens, side in zip(lenses, (-1, 1), strict=True):
        canvas.wire([(u + 0.015, v + 0.04) for u, v in lens], toned(painter.face.skin, 0.55), 0.05, opacity=0.16)
        canvas.shape(lens, (236, 240, 244), soft=0.01, opacity=0.06)
        shine = painter.line([(side * 0.44 - 0.20, -0.20), (side * 0.44 - 0.10, -0.27), (side * 0.44 + 0.02, -0.30)])
        canvas.strokes([shine], (255, 255, 255), 0.035, soft=0.012, opacity=0.28)
        canvas.wire(lens, toned(colour, 0.7), 0.034)
        canvas.wire(lens, toned(colour, 1.9), 0.010, opacity=0.6)
    bridge = painter.line([(-0.15, -0.20), (-0.06, -0.245), (0.06, -0.245), (0.15, -0.20)])
    canvas.strokes([bridge], toned(colour, 0.6), 0.05)
    for side in (-1, 1):
        arm = [(side * u, v) for u, v in [(0.735, -0.22), (0.88, -0.225), (1.0, -0.20)]]
        canvas.strokes([[painter.at(*arm[0]), painter.at(*arm[1]), arm[2]]], toned(colour, 0.55), 0.05)
