"""Advice says in a sentence what would help, about the right face, and never keeps a photo out."""

from functools import cache
from io import BytesIO

import pytest
from django.utils import translation
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from orders.intake import Advice, sentences
from orders.intake.advice import SENTENCES, Look, look_at
from portal.demo.sample_people import PEOPLE, POSES, sample_photo


@cache
def sample(person: int = 0, pose: int = 0) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(BytesIO(sample_photo(person, pose))))


def on_one_page(*images: Image.Image) -> Image.Image:
    page = Image.new("RGB", (sum(image.width for image in images), images[0].height))
    at = 0
    for image in images:
        page.paste(image, (at, 0))
        at += image.width
    return page


def main_box(look: Look) -> tuple[float, ...]:
    assert look.main_face is not None
    return look.faces[look.main_face]


@pytest.mark.parametrize(("person", "pose"), [*((person, 0) for person in range(len(PEOPLE))), (0, 1), (0, 2)])
def test_every_sample_person_has_one_face_where_it_was_drawn_and_needs_no_advice(person: int, pose: int) -> None:
    look = look_at(sample(person, pose))

    assert look.advice == ()
    assert look.main_face == 0
    left, top, width, height = main_box(look)
    assert left < POSES[pose].x < left + width
    assert top < POSES[pose].y < top + height


def test_a_picture_without_anybody_asks_for_a_face() -> None:
    look = look_at(Image.effect_mandelbrot((1600, 1200), (-2, -1.5, 1, 1.5), 60).convert("RGB"))

    assert (look.faces, look.main_face) == ((), None)
    assert Advice.NO_FACE in look.advice


def test_an_empty_wall_has_no_face_either() -> None:
    assert look_at(Image.new("RGB", (1500, 1500), (180, 170, 160))).faces == ()


def test_several_faces_are_all_named_and_the_nearest_to_the_middle_is_meant() -> None:
    small, large = sample(1, 2), sample(0, 0)

    look = look_at(on_one_page(small, large, small))

    assert len(look.faces) == 3
    assert Advice.SEVERAL_FACES in look.advice
    assert main_box(look)[0] == pytest.approx(0.42, abs=0.05)


def test_a_blurred_photo_is_called_blurred() -> None:
    assert look_at(sample().filter(ImageFilter.GaussianBlur(9))).advice == (Advice.BLURRED,)


def test_blur_is_judged_by_the_face_and_not_by_the_pixels() -> None:
    half = (756, 1008)

    assert Advice.BLURRED not in look_at(sample().resize(half)).advice
    assert Advice.BLURRED in look_at(sample().resize(half).filter(ImageFilter.GaussianBlur(4.5))).advice
    assert Advice.BLURRED not in look_at(sample().resize((3024, 4032))).advice


def test_a_sharp_background_does_not_excuse_a_blurred_face() -> None:
    soft = sample().filter(ImageFilter.GaussianBlur(12))
    face = Image.new("L", soft.size)
    ImageDraw.Draw(face).ellipse((350, 350, 1150, 1350), fill=255)

    assert Advice.BLURRED in look_at(Image.composite(soft, sample(), face)).advice


def test_a_dark_photo_is_called_dark() -> None:
    assert look_at(ImageEnhance.Brightness(sample()).enhance(0.3)).advice == (Advice.TOO_DARK,)


def test_a_glaring_photo_is_called_too_bright() -> None:
    assert Advice.TOO_BRIGHT in look_at(ImageEnhance.Brightness(sample()).enhance(1.9)).advice


def test_a_dim_face_before_a_bright_window_is_called_backlit_and_not_dark() -> None:
    dim = ImageEnhance.Brightness(sample(1, 2)).enhance(0.35)
    bright = Image.new("RGB", dim.size, (248, 248, 244))
    person = Image.new("L", dim.size)
    ImageDraw.Draw(person).ellipse((380, 420, 1010, 1150), fill=255)

    advice = look_at(Image.composite(dim, bright, person.filter(ImageFilter.GaussianBlur(12)))).advice

    assert Advice.BACKLIT in advice
    assert Advice.TOO_DARK not in advice


def test_a_small_face_in_a_large_photo_is_called_small() -> None:
    wide = Image.new("RGB", (3000, 2000), (170, 180, 170))
    wide.paste(sample(0, 2).resize((360, 480)), (1300, 1200))

    look = look_at(wide)

    assert len(look.faces) == 1
    assert Advice.SMALL_FACE in look.advice
    assert Advice.LOW_RESOLUTION not in look.advice


def test_what_a_chat_leaves_of_a_photo_is_called_small() -> None:
    assert Advice.LOW_RESOLUTION in look_at(sample().resize((600, 800))).advice


def test_a_panorama_keeps_its_faces_and_is_called_too_low() -> None:
    panorama = Image.new("RGB", (8000, 600), (190, 200, 205))
    panorama.paste(sample(0, 0).resize((450, 600)), (5000, 0))

    look = look_at(panorama)

    assert len(look.faces) == 1
    assert main_box(look)[0] == pytest.approx(5130 / 8000, abs=0.01)
    assert Advice.LOW_RESOLUTION in look.advice


@pytest.mark.parametrize("degrees", [35, -35, 90, -90, 180])
def test_a_leaning_face_is_found_where_it_is_and_called_tilted(degrees: int) -> None:
    turned = sample(0, 1).rotate(degrees, expand=True, fillcolor=(120, 120, 110))

    look = look_at(turned)

    assert Advice.TILTED in look.advice
    left, top, width, height = main_box(look)
    across, down = (left + width / 2) * turned.width, (top + height / 2) * turned.height
    red, green, blue = turned.getpixel((int(across), int(down)))
    assert red > green > blue > 50, "the middle of a face has the colour of skin"


@pytest.mark.parametrize("size", [(1, 1), (9000, 1), (1, 9000), (30, 4000), (47, 47)])
def test_pictures_of_hardly_any_width_get_advice_too(size: tuple[int, int]) -> None:
    look = look_at(Image.new("RGB", size, "grey"))

    assert {Advice.NO_FACE, Advice.LOW_RESOLUTION} <= set(look.advice)


def test_every_advice_is_one_polite_korean_sentence_pair() -> None:
    assert set(SENTENCES) == set(Advice)
    with translation.override("ko"):
        said = sentences([str(code) for code in Advice])
    assert all(sentence.endswith(("좋습니다.", "주세요.")) for sentence in said)
    assert "더 가까이 찍은 사진이 있으면 좋습니다." in said[list(Advice).index(Advice.SMALL_FACE)]
