"""What would make the portrait better, said in a sentence. It advises and never keeps a photo out.

The limits were set by looking at pictures with known faults, not learned; each says what it is a share of.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image

from orders.intake.faces import Face, Gray, find_faces, likely_main

# Faces are looked for in a copy of this many pixels. An area, not a side, so that a panorama keeps its faces.
WORKING_PIXELS = 1280 * 960
# In what we make, a smaller face than this share of the short side is nobody's portrait.
LEAST_MADE = 0.08
# In pixels of the photo; below it a portrait has to invent what the photo does not show.
FACE_HEIGHT_NEEDED = 200
SHORT_SIDE_NEEDED = 720
# What a chat leaves of a photo is mostly below this.
LONG_SIDE_NEEDED = 1000


class Advice(StrEnum):
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    SMALL_FACE = "small_face"
    TILTED = "tilted"
    BLURRED = "blurred"
    BACKLIT = "backlit"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    LOW_RESOLUTION = "low_resolution"


SENTENCES: dict[Advice, Promise] = {
    Advice.NO_FACE: _("얼굴을 찾지 못했습니다. 얼굴이 정면으로 보이는 사진이 있으면 좋습니다."),
    Advice.SEVERAL_FACES: _("여러 분이 함께 있는 사진입니다. 주인공의 얼굴을 눌러 골라 주세요."),
    Advice.SMALL_FACE: _("얼굴이 작습니다. 더 가까이 찍은 사진이 있으면 좋습니다."),
    Advice.TILTED: _("얼굴이 기울어 있습니다. 똑바로 찍은 사진이 있으면 좋습니다."),
    Advice.BLURRED: _("사진이 흐릿합니다. 초점이 맞고 흔들리지 않은 사진이 있으면 좋습니다."),
    Advice.BACKLIT: _("뒤쪽이 밝아 얼굴이 어둡습니다. 얼굴에 빛이 드는 사진이 있으면 좋습니다."),
    Advice.TOO_DARK: _("사진이 어둡습니다. 더 밝은 곳에서 찍은 사진이 있으면 좋습니다."),
    Advice.TOO_BRIGHT: _("사진이 너무 밝아 얼굴이 하얗게 보입니다. 빛이 덜 강한 사진이 있으면 좋습니다."),
    Advice.LOW_RESOLUTION: _("사진이 작습니다. 카카오톡으로 받으셨다면 원본 화질로 다시 받은 사진이 있으면 좋습니다."),
}


@dataclass(frozen=True)
class Look:
    """``faces`` are (left, top, width, height) as fractions of the picture, largest first."""

    faces: tuple[tuple[float, float, float, float], ...]
    main_face: int | None
    advice: tuple[Advice, ...]


def sentences(codes: list[str] | tuple[str, ...]) -> list[str]:
    """The kept codes as sentences in the reader's language."""
    return [str(SENTENCES[Advice(code)]) for code in codes]


def main_face_of(picture: Image.Image) -> tuple[float, float, float, float] | None:
    """Where the face is that an upright RGB picture of our own making is about, as `Look.faces` says it.

    Looked for in a quarter of the pixels: half the time or less, the same box to a hundredth of the picture's sides.
    """
    small = _gray(picture, WORKING_PIXELS // 4)
    height, width = small.shape
    faces = find_faces(small, least=LEAST_MADE)
    main = likely_main(faces, width, height)
    return None if main is None else _fractions(faces[main], width, height)


def look_at(picture: Image.Image) -> Look:
    """Faces and advice for an upright RGB picture; takes a second or less whatever its size."""
    small = _gray(picture, WORKING_PIXELS)
    height, width = small.shape
    faces = find_faces(small)
    main = likely_main(faces, width, height)
    # Fractions serve the master and every preview alike.
    boxes = tuple(_fractions(face, width, height) for face in faces)
    advice = _about_faces(faces, main, boxes, picture)
    advice += _about_sharpness(picture, None if main is None else boxes[main])
    advice += _about_light(small, None if main is None else faces[main])
    if max(picture.size) < LONG_SIDE_NEEDED or min(picture.size) < SHORT_SIDE_NEEDED:
        # 8000 × 600 pixels are many, and still too few across.
        advice.append(Advice.LOW_RESOLUTION)
    return Look(boxes, main, tuple(advice))


def _gray(picture: Image.Image, pixels: int) -> Gray:
    """The picture's brightness in about so many pixels at most."""
    scale = min(1.0, (pixels / (picture.width * picture.height)) ** 0.5)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return np.asarray(picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0).convert("L"))


def _fractions(face: Face, width: int, height: int) -> tuple[float, float, float, float]:
    left, top = round(face.left / width, 4), round(face.top / height, 4)
    return left, top, round(face.width / width, 4), round(face.height / height, 4)


def _about_faces(
    faces: list[Face], main: int | None, boxes: tuple[tuple[float, ...], ...], picture: Image.Image
) -> list[Advice]:
    if main is None:
        return [Advice.NO_FACE]
    advice = []
    if len(faces) > 1:
        advice.append(Advice.SEVERAL_FACES)
    if boxes[main][3] * picture.height < FACE_HEIGHT_NEEDED:
        advice.append(Advice.SMALL_FACE)
    if faces[main].lean:
        advice.append(Advice.TILTED)
    return advice


# The face is judged at this width, so that the same softness gives the same figure whatever the camera.
_JUDGED_WIDTH = 240
# Variance of the Laplacian as a share of the variance of the brightness itself, so that contrast does not count.
# A sharp face has 0.004 to 0.03; a blur (Gaussian sigma) of one hundredth of its width takes it below 0.001.
_SHARP_ENOUGH = 0.0018


def _about_sharpness(picture: Image.Image, box: tuple[float, float, float, float] | None) -> list[Advice]:
    return [Advice.BLURRED] if sharpness(picture, box) < _SHARP_ENOUGH else []


def sharpness(picture: Image.Image, box: tuple[float, float, float, float] | None) -> float:
    """How much fine detail the face has (0: none); without a box, the middle of the picture."""
    left, top, width, height = box or (0.25, 0.25, 0.5, 0.5)
    across, down = picture.size
    part = (left * across, top * down, (left + width) * across, (top + height) * down)
    shape = height * down / (width * across)
    judged = _JUDGED_WIDTH, max(1, min(8 * _JUDGED_WIDTH, round(_JUDGED_WIDTH * shape)))
    gray = picture.resize(judged, Image.Resampling.BICUBIC, box=part, reducing_gap=3.0).convert("L")
    # Film grain and sensor noise are finer than this blur, the edges of a sharp face are not.
    calm = cv2.GaussianBlur(np.asarray(gray, np.float32), (0, 0), 1.0)
    spread = float(calm.var())
    return float(cv2.Laplacian(calm, cv2.CV_32F).var()) / spread if spread > 1 else 0.0


# Mean brightness of 255, of the face or, without one, of the whole picture.
_DARK, _BRIGHT = 65, 215
# Backlight: the face is dim and its surroundings are brighter by this much.
_DIM, _BRIGHTER_BY = 95, 75


def _about_light(gray: Gray, face: Face | None) -> list[Advice]:
    around = float(gray.mean())
    light = around if face is None else float(_middle(gray, face).mean())
    if face is not None and light < _DIM and around - light > _BRIGHTER_BY:
        return [Advice.BACKLIT]
    if light < _DARK:
        return [Advice.TOO_DARK]
    if light > _BRIGHT:
        return [Advice.TOO_BRIGHT]
    return []


def _middle(gray: Gray, face: Face) -> Gray:
    """The face without hair and background: the middle of its box."""
    left, top = int(face.left + face.width * 0.2), int(face.top + face.height * 0.25)
    return gray[top : top + max(1, int(face.height * 0.6)), left : left + max(1, int(face.width * 0.6))]
