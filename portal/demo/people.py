"""A person who never lived, drawn by code: the sample order's family photos."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
Place = Callable[[float, float], tuple[float, float]]
SIZE = (1500, 1875)
# Everything is drawn in hundredths of the width.
UNIT = SIZE[0] / 100
SKIN, SHADE, BLUSH = (232, 196, 170), (178, 128, 102), (214, 140, 122)
HAIR, HAIR_LIGHT = (128, 126, 126), (176, 174, 172)
DARK = (62, 46, 40)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where one of the photos was taken and what was worn."""

    wall: Colour
    floor: Colour
    light: Colour
    coat: Colour
    collar: Colour
    smile: float


SCENES = (
    Scene(
        wall=(196, 208, 196), floor=(150, 166, 146), light=(240, 240, 214),
        coat=(74, 96, 92), collar=(226, 222, 210), smile=1.6,
    ),
    Scene(
        wall=(222, 210, 192), floor=(184, 160, 130), light=(252, 240, 216),
        coat=(134, 88, 84), collar=(238, 230, 218), smile=2.4,
    ),
    Scene(
        wall=(170, 196, 214), floor=(196, 190, 160), light=(236, 246, 250),
        coat=(86, 92, 120), collar=(214, 218, 222), smile=2.0,
    ),
)  # fmt: skip


def photo(number: int) -> bytes:
    """One of three JPEG photos, 1500×1875, of the same smiling person at different places."""
    scene = SCENES[number % len(SCENES)]
    image = _place(scene)
    _body(image, scene)
    _head(image, scene)
    grain = Image.effect_noise(SIZE, 9).convert("RGB")
    image = Image.blend(image, ImageChops.overlay(image, grain), 0.5)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def _place(scene: Scene) -> Image.Image:
    image = Image.new("RGB", (round(100 * UNIT), round(125 * UNIT)), scene.wall)
    _ellipse(image, (-20, -30, 70, 70), scene.light, blur=16, strength=0.8)
    _ellipse(image, (-10, 92, 110, 150), scene.floor, blur=5)
    for left, top, size in ((4, 66, 22), (78, 58, 30), (88, 78, 26), (-8, 80, 24)):
        _ellipse(image, (left, top, left + size, top + size), scene.floor, blur=4, strength=0.7)
    return image


def _body(image: Image.Image, scene: Scene) -> None:
    _ellipse(image, (12, 96, 88, 190), scene.coat, blur=0.3)
    _ellipse(image, (20, 104, 44, 190), _mixed(scene.coat, (0, 0, 0), 0.25), blur=5, strength=0.6)
    _ellipse(image, (41, 78, 59, 106), _mixed(SKIN, SHADE, 0.45), blur=0.4)
    _polygon(image, [(38, 97), (50, 112), (62, 97), (66, 102), (51, 125), (49, 125), (34, 102)], scene.collar)
    _polygon(image, [(34, 99), (49.6, 122), (47, 125), (28, 125)], _mixed(scene.coat, (255, 255, 255), 0.12))
    _polygon(image, [(66, 99), (50.4, 122), (53, 125), (72, 125)], _mixed(scene.coat, (0, 0, 0), 0.12))


def _head(image: Image.Image, scene: Scene) -> None:
    _ellipse(image, (27, 22, 73, 74), HAIR, blur=0.5)
    for side in (-1, 1):
        _ellipse(image, _around(50 + side * 22, 60, 3.4, 6), _mixed(SKIN, SHADE, 0.3), blur=0.3)
    _ellipse(image, (29, 32, 71, 93), SKIN, blur=0.4)
    _ellipse(image, (31, 78, 69, 96), SHADE, blur=3.5, strength=0.25)
    _ellipse(image, (33, 34, 60, 62), (255, 232, 210), blur=6, strength=0.5)
    for side in (-1, 1):
        _cheek_and_eye(image, 50 + side * 10, side)
    _nose_and_mouth(image, scene.smile)
    fringe = [
        (28, 52),
        (30, 36),
        (42, 29),
        (58, 28),
        (70, 36),
        (72, 52),
        (68, 43),
        (60, 37),
        (46, 38),
        (36, 40),
        (32, 44),
    ]
    _polygon(image, fringe, HAIR)
    for left in (40, 47, 54):
        _arc(image, (left - 4, 25, left + 12, 60), 200, 262, HAIR_LIGHT, 0.5)


def _cheek_and_eye(image: Image.Image, x: float, side: int) -> None:
    _ellipse(image, _around(x, 57, 6.6, 4.4), SHADE, blur=1.6, strength=0.55)
    _ellipse(image, _around(x + side * 2, 71, 6, 4.5), BLUSH, blur=2.5, strength=0.45)
    _ellipse(image, _around(x, 58.2, 4.2, 1.6), (244, 238, 230), blur=0.3)
    _ellipse(image, _around(x, 58, 1.9, 1.8), DARK, blur=0.2)
    _ellipse(image, _around(x + 0.6, 57.4, 0.4, 0.4), (255, 255, 255))
    # The lid covers the upper part: wide open eyes stare.
    _ellipse(image, _around(x, 54.9, 5.4, 2.1), _mixed(SKIN, SHADE, 0.35), blur=0.4)
    _arc(image, _around(x, 59.6, 5, 3.2), 202, 338, DARK, 0.6)
    _arc(image, _around(x, 55.5, 6.4, 4.4), 205, 335, (110, 104, 100), 1.3)
    _arc(image, _around(x, 58, 5.4, 4.4), 40, 140, SHADE, 0.35)
    for fold in (0, 1.6):
        _arc(image, _around(x + side * 6.6, 58 + fold, 2.2, 1.6), 120 - 60 * side, 200 - 60 * side, SHADE, 0.3)


def _nose_and_mouth(image: Image.Image, smile: float) -> None:
    _ellipse(image, (46.6, 56, 48.8, 70), SHADE, blur=1.4, strength=0.4)
    _ellipse(image, (49, 58, 52, 71), (255, 232, 212), blur=1.2, strength=0.6)
    _ellipse(image, (45, 68.4, 55, 73), SHADE, blur=1.0, strength=0.5)
    for side in (-1, 1):
        _ellipse(image, _around(50 + side * 2.4, 71.6, 1.1, 0.6), DARK, blur=0.35, strength=0.8)
        _arc(image, _around(50 + side * 3, 76, 8, 7), 90 - side * 90 - 38, 90 - side * 90 + 38, SHADE, 0.4)
    _arc(image, (41, 79 - smile * 3, 59, 79 + smile * 2.2), 22, 158, (150, 82, 76), 1.1)
    _ellipse(image, (44.5, 80.4 + smile, 55.5, 83 + smile), (206, 128, 116), blur=0.8, strength=0.7)
    _ellipse(image, (45, 86, 55, 89), SHADE, blur=1.5, strength=0.35)


def _around(x: float, y: float, width: float, height: float) -> Box:
    return x - width, y - height, x + width, y + height


def _ellipse(image: Image.Image, box: Box, colour: Colour, *, blur: float = 0.1, strength: float = 1) -> None:
    def draw(canvas: ImageDraw.ImageDraw, place: Place) -> None:
        canvas.ellipse([place(*box[:2]), place(*box[2:])], fill=round(255 * strength))

    _lay(image, box, colour, blur, draw)


def _polygon(image: Image.Image, points: Sequence[tuple[float, float]], colour: Colour) -> None:
    across, down = zip(*points, strict=True)

    def draw(canvas: ImageDraw.ImageDraw, place: Place) -> None:
        canvas.polygon([place(*point) for point in points], fill=255)

    _lay(image, (min(across), min(down), max(across), max(down)), colour, 0.5, draw)


def _arc(image: Image.Image, box: Box, start: float, end: float, colour: Colour, width: float) -> None:
    def draw(canvas: ImageDraw.ImageDraw, place: Place) -> None:
        canvas.arc([place(*box[:2]), place(*box[2:])], start, end, fill=255, width=round(width * UNIT))

    _lay(image, box, colour, 0.15, draw)


def _lay(image: Image.Image, box: Box, colour: Colour, blur: float, draw: Callable[..., None]) -> None:
    """Lay a colour on the image through a soft-edged mask that is no larger than the shape needs."""
    margin = 3 * blur
    left, top = (box[0] - margin) * UNIT, (box[1] - margin) * UNIT
    size = round((box[2] + margin) * UNIT - left), round((box[3] + margin) * UNIT - top)
    mask = Image.new("L", size)
    draw(ImageDraw.Draw(mask), lambda x, y: (x * UNIT - left, y * UNIT - top))
    # Blurred small where it is wide: a soft edge needs no sharp pixels.
    shrink = max(1, round(blur * UNIT / 8))
    small = mask.reduce(shrink).filter(ImageFilter.GaussianBlur(blur * UNIT / shrink))
    image.paste(colour, (round(left), round(top)), small.resize(size))


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue
