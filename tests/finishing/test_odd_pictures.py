"""Pictures as no workflow of ours makes them: each becomes every file, in the right size and colours, or is refused."""

import io
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from orders import files
from orders.finishing import marks, pieces
from orders.finishing.course import picture_of
from orders.finishing.pieces import Source
from orders.finishing.prints import USUAL
from orders.intake.refusing import PhotoRefused
from tests.finishing import people

SMALLEST = [USUAL[5]]
NAME = "orders/odd/made"


def saved(picture: Image.Image, kind: str, **how: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **how)
    return target.getvalue()


def person() -> Image.Image:
    return people.drawn(3, (448, 576)).picture


def cmyk() -> bytes:
    return saved(person().convert("CMYK"), "JPEG", quality=95)


def sixteen_bits() -> bytes:
    deep = np.asarray(person(), np.uint16)[..., ::-1] * 257
    return cv2.imencode(".png", deep)[1].tobytes()


def moving() -> bytes:
    return saved(person(), "WEBP", save_all=True, append_images=[person().rotate(180)] * 2, duration=200, lossless=True)


def see_through() -> bytes:
    return saved(person().convert("RGBA"), "PNG")


def with_palette() -> bytes:
    return saved(person().quantize(200), "PNG")


def grey() -> bytes:
    return saved(person().convert("L"), "PNG")


@pytest.mark.parametrize(
    "made", [cmyk, sixteen_bits, moving, see_through, with_palette, grey], ids=lambda f: f.__name__
)
def test_it_becomes_every_file_in_its_own_colours(made: Callable[[], bytes]):
    files.write(NAME, made())
    source = Source(product_key="portrait", picture=picture_of(NAME), face=people.PLAIN_FACE)
    assert (source.picture.mode, source.picture.size) == ("RGB", (448, 576))
    found = {piece.variant: piece for piece in pieces.of_picture(source, SMALLEST)}
    assert list(found) == ["print-3.5x5", "screen-wide", "screen-tall", "sheet"]
    usual = np.asarray(pieces.cut_print(replace(source, picture=person()), (105, 150)), float)
    with Image.open(io.BytesIO(found["print-3.5x5"].data)) as shown:
        assert (shown.mode, shown.size, shown.info["dpi"]) == ("RGB", (1050, 1500), (300, 300))
        assert marks.is_seen(shown, marks.PORTRAIT)
        difference = np.asarray(shown.resize((105, 150)), float) - usual
    kept = difference.mean(axis=2) if made is grey else difference
    assert np.abs(kept).mean() < (25 if made is cmyk else 12)


@pytest.mark.parametrize("size", [(8000, 600), (600, 8000), (40, 40)], ids=str)
@pytest.mark.parametrize("face", [None, (0.0, 0.0, 0.1, 0.1), (0.95, 0.9, 0.05, 0.1), (0.0, 0.0, 1.0, 1.0)], ids=str)
def test_any_shape_with_a_face_anywhere_or_none(size: tuple[int, int], face: tuple[float, ...] | None):
    picture = person().resize(size)
    for product in ("portrait", "life_scene"):
        source = Source(product_key=product, picture=picture, face=face)
        for frame in ((330, 420), (192, 108), (108, 192)):
            for cut in (pieces.cut_print(source, frame), pieces.cut_screen(source, frame)):
                assert cut.size == frame
                assert np.asarray(cut).mean() > 40, "no black ground"


def test_what_is_no_picture_is_refused_in_words():
    whole = saved(person(), "PNG")
    files.write(NAME, whole[: len(whole) // 2])
    with pytest.raises(PhotoRefused):
        picture_of(NAME)
    files.write(NAME, b"hello")
    with pytest.raises(PhotoRefused):
        picture_of(NAME)
