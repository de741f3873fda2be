"""Everyday photos of people who never lived, drawn by code: what the demo's families bring, and what tests take in."""

from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image

from portal.demo.drawing.canvas import Canvas, Frame
from portal.demo.drawing.clothes import Clothes, paint_clothes
from portal.demo.drawing.face import Face, Painter, paint_glasses
from portal.demo.drawing.hair import paint_back, paint_front
from portal.demo.drawing.scenes import paint_scene

SIZE = (1512, 2016)
# Drawn at this share of the size and enlarged: a photo is never sharp to the last pixel, and it takes half the time.
_DRAWN = 0.7


@dataclass(frozen=True, kw_only=True)
class Person:
    face: Face
    clothes: tuple[Clothes, ...]  # one for each pose
    scenes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Where the face is (shares of width and of height), its half width as a share of the width, and how it is held."""

    x: float
    y: float
    size: float
    lean: float
    turn: float
    smile: float
    taken: str
    sideways: bool = False  # stored as the sensor saw it, with an orientation that says so


POSES = (
    Pose(x=0.50, y=0.41, size=0.200, lean=-1.5, turn=0.02, smile=0.60, taken="2021:05:08 15:12:40"),
    Pose(x=0.53, y=0.40, size=0.160, lean=3.5, turn=0.09, smile=1.00, taken="2019:10:03 11:40:05", sideways=True),
    Pose(x=0.46, y=0.38, size=0.130, lean=-2.5, turn=-0.08, smile=0.80, taken="2016:08:14 16:58:21"),
)

PEOPLE = (
    Person(
        face=Face(
            skin=(226, 182, 150), hair=(150, 148, 150), hair_style="permed", jaw=0.95, mouth=0.98, lips=(184, 96, 90)
        ),
        clothes=(
            Clothes(kind="cardigan", colour=(150, 106, 112), second=(236, 226, 212), shoulders=0.92),
            Clothes(kind="jacket", colour=(118, 84, 116), second=(226, 216, 204), shoulders=0.92),
            Clothes(kind="shirt", colour=(196, 208, 214), second=(236, 226, 212), shoulders=0.92),
        ),
        scenes=("home", "park", "sea"),
    ),
    Person(
        face=Face(
            skin=(216, 168, 134),
            hair=(140, 138, 138),
            hair_style="parted",
            jaw=1.07,
            brow=(90, 84, 80),
            brow_weight=1.5,
            glasses=(64, 58, 56),
            lips=(166, 102, 90),
            nose=1.08,
        ),
        clothes=(
            Clothes(kind="cardigan", colour=(92, 104, 112), second=(228, 230, 232)),
            Clothes(kind="shirt", colour=(150, 172, 196), second=(228, 230, 232)),
            Clothes(kind="jacket", colour=(60, 84, 92), second=(206, 194, 172)),
        ),
        scenes=("home", "sea", "park"),
    ),
    Person(
        face=Face(
            skin=(224, 178, 146),
            hair=(200, 198, 196),
            hair_style="bun",
            jaw=0.93,
            lips=(178, 100, 92),
            age=1.2,
            eye=0.96,
            brow=(136, 128, 122),
            brow_weight=0.8,
        ),
        clothes=(
            Clothes(kind="hanbok", colour=(206, 218, 204), second=(132, 52, 66), shoulders=0.88),
            Clothes(kind="cardigan", colour=(196, 178, 150), second=(240, 234, 224), shoulders=0.88),
            Clothes(kind="hanbok", colour=(226, 204, 200), second=(72, 92, 130), shoulders=0.88),
        ),
        scenes=("porch", "home", "park"),
    ),
    Person(
        face=Face(
            skin=(210, 160, 126),
            hair=(208, 206, 202),
            hair_style="receding",
            jaw=1.04,
            length=1.03,
            lips=(160, 98, 86),
            age=1.25,
            brow=(168, 162, 156),
            brow_weight=1.4,
            nose=1.1,
        ),
        clothes=(
            Clothes(kind="jacket", colour=(74, 92, 74), second=(184, 170, 150)),
            Clothes(kind="cardigan", colour=(124, 110, 92), second=(226, 222, 214)),
            Clothes(kind="shirt", colour=(222, 220, 212), second=(222, 220, 212)),
        ),
        scenes=("park", "porch", "sea"),
    ),
)


def sample_photo(person: int, pose: int) -> bytes:
    """A JPEG of 1512 × 2016 pixels, always the same for the same numbers; any number is somebody.

    Like a telephone's it carries a date, a place (Gyeongbokgung) and, for some, an orientation: none outlives intake.
    """
    return _sample(person % len(PEOPLE), pose % len(POSES))


@cache
def _sample(person: int, pose: int) -> bytes:
    rng = np.random.default_rng((20261122, person, pose))
    image = _photographed(_drawn(PEOPLE[person], pose, rng), rng)
    if POSES[pose].sideways:
        image = image.transpose(Image.Transpose.ROTATE_90)
    file = BytesIO()
    image.save(file, "JPEG", quality=90, exif=_exif(POSES[pose]))
    return file.getvalue()


def _drawn(person: Person, number: int, rng: np.random.Generator) -> Canvas:
    pose, face = POSES[number], person.face
    width, height = (round(side * _DRAWN) for side in SIZE)
    canvas = Canvas(width, height)
    paint_scene(canvas, person.scenes[number], rng)
    head = Frame(pose.x * width, pose.y * height, pose.size * width, pose.lean)
    canvas.frame = head
    paint_back(canvas, face)
    # The shoulders stay level while the head leans.
    canvas.frame = replace(head, y=head.y - 0.2 * head.unit, lean=pose.lean * 0.2)
    paint_clothes(canvas, face, person.clothes[number], rng)
    canvas.frame = head
    painter = Painter(canvas, face, rng, turn=pose.turn, smile=pose.smile)
    painter.paint()
    paint_front(canvas, face, rng, pose.turn)
    if face.glasses:
        paint_glasses(canvas, painter, face.glasses)
    return canvas


def _photographed(canvas: Canvas, rng: np.random.Generator) -> Image.Image:
    """What the camera adds: warmth, a darker edge, and grain."""
    down, across = np.mgrid[-1 : 1 : canvas.height * 1j, -1 : 1 : canvas.width * 1j].astype(np.float32)
    edge = 1 - 0.13 * np.clip(across**2 * 0.7 + down**2 * 0.8, 0, 1.5)[..., None]
    graded = (canvas.rgb * edge * np.array([1.02, 1.0, 0.965], np.float32)).clip(0, 255).astype(np.uint8)
    pixels = np.asarray(Image.fromarray(graded).resize(SIZE, Image.Resampling.LANCZOS), np.float32)
    grain = rng.normal(0, 3.2, (SIZE[1], SIZE[0], 1)).astype(np.float32)
    return Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))


def _exif(pose: Pose) -> Image.Exif:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = 6 if pose.sideways else 1
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = pose.taken
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (37.0, 34.0, 46.0),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (126.0, 58.0, 37.0),
        }
    )
    return tags
