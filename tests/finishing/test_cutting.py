"""Head size and eye line hold in every print, whatever the picture; nothing is cut where there is nothing."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orders.finishing import backgrounds, cutting, pieces
from orders.finishing.cutting import Crop, Head, Wish
from orders.finishing.prints import USUAL
from orders.intake.advice import look_at
from tests.finishing import people

SIZES = [preset.pixels for preset in USUAL]


@pytest.mark.parametrize("frame", SIZES)
@pytest.mark.parametrize("person", [0, 1])
def test_the_drawn_head_is_35_to_45_percent_high_with_its_eyes_at_40(person: int, frame: tuple[int, int]):
    source = people.sampled(person)
    crop, height = pieces.print_crop(source, frame), source.picture.height
    head = (people.CHIN - people.CROWN) * height / crop.height
    eyes = (people.EYES * height - crop.top) / crop.height
    assert 0.35 <= head <= 0.45
    assert 0.37 <= eyes <= 0.43


@pytest.mark.parametrize("frame", SIZES)
@pytest.mark.parametrize("person", range(4))
def test_a_finished_print_of_any_ratio_read_back_has_them_too(person: int, frame: tuple[int, int]):
    small = frame[0] // 3, frame[1] // 3
    made = pieces.still("portrait", pieces.cut_print(people.sampled(person), small), "print", "")
    cut = Image.open(io.BytesIO(made.data))
    look = look_at(cut)
    assert look.main_face is not None
    head = Head.of(look.faces[look.main_face], cut.size)
    assert head is not None
    assert 0.35 <= head.height / cut.height <= 0.45
    assert 0.38 <= head.eyes / cut.height <= 0.42
    assert 0.45 <= head.x / cut.width <= 0.55


def test_a_chosen_head_size_and_place_are_kept_to():
    source = replace(people.drawn(), wish=Wish(head=0.5, eyes=0.35, x=0.4))
    crop, head = pieces.print_crop(source, (2400, 3000)), source.head
    assert head is not None
    assert head.height / crop.height == pytest.approx(0.5)
    assert (head.eyes - crop.top) / crop.height == pytest.approx(0.35)
    assert (head.x - crop.left) / crop.width == pytest.approx(0.4)


fractions = st.floats(0.0, 0.8)


@settings(max_examples=60, deadline=None)
@given(
    left=fractions, top=fractions, width=st.floats(0.02, 0.9), height=st.floats(0.02, 0.9), frame=st.sampled_from(SIZES)
)
def test_any_face_anywhere_gives_a_part_of_the_right_shape_that_meets_the_picture(left, top, width, height, frame):
    size = (900, 1100)
    head = Head.of((left, top, min(width, 1 - left), min(height, 1 - top)), size)
    assert head is not None
    crop = cutting.around_head(head, size, frame[0] / frame[1], Wish())
    assert crop.width / crop.height == pytest.approx(frame[0] / frame[1])
    assert 0.369 <= head.height / crop.height <= 0.421
    x0, y0, x1, y1 = backgrounds.landing(size, crop, frame)
    assert 0 <= x0 < x1 <= frame[0]
    assert 0 <= y0 < y1 <= frame[1]


def test_it_invents_no_background_where_the_picture_has_enough():
    source = replace(people.drawn(), face=(0.32, 0.3, 0.36, 0.28))
    crop = pieces.print_crop(source, (3300, 4200))
    assert crop.left >= 0
    assert crop.top >= 0
    assert crop.left + crop.width <= source.picture.width
    assert crop.top + crop.height <= source.picture.height


class TestOddPictures:
    def test_a_panorama_of_8000_by_600_is_cut_around_its_face(self):
        picture = Image.new("RGB", (8000, 600), (190, 190, 186))
        picture.paste(people.drawn(3, (448, 576)).picture, (5200, 12))
        source = pieces.Source(product_key="portrait", picture=picture, face=(0.667, 0.28, 0.026, 0.35))
        cut = pieces.cut_print(source, (600, 840))
        assert cut.size == (600, 840)
        head = source.head
        crop = pieces.print_crop(source, (600, 840))
        assert head is not None
        assert 0.35 <= head.height / crop.height <= 0.45

    def test_a_face_at_the_edge_gets_ground_beside_it(self):
        source = replace(people.drawn(), face=(0.0, 0.02, 0.3, 0.25))
        cut = pieces.cut_print(source, (600, 750))
        assert cut.size == (600, 750)
        left = np.asarray(cut)[:, :20].astype(float)
        assert left.std() < 40, "what is grown is soft"
        assert left.mean() > 20, "and no black bar"

    def test_without_a_face_the_middle_is_taken_and_that_is_said(self):
        source = replace(people.drawn(), face=None)
        assert source.remarks == ["no_face"]
        assert pieces.cut_print(source, (600, 840)).size == (600, 840)

    def test_a_crop_beside_the_picture_is_refused(self):
        with pytest.raises(ValueError, match="outside"):
            backgrounds.landing((100, 100), Crop(left=200, top=0, width=50, height=50), (50, 50))


class TestScreens:
    def test_a_wide_screen_shows_the_whole_head_on_grown_ground(self):
        cut = pieces.cut_screen(people.sampled(0), (960, 540))
        look = look_at(cut)
        assert look.main_face is not None
        head = Head.of(look.faces[look.main_face], cut.size)
        assert head is not None
        assert 0.34 <= head.height / 540 <= 0.46

    def test_the_seam_to_the_grown_ground_has_no_step(self):
        source = people.drawn()
        crop = pieces.screen_crop(source, (960, 540))
        x0 = backgrounds.landing(source.picture.size, crop, (960, 540))[0]
        rows = np.asarray(pieces.cut_screen(source, (960, 540)))[20:200].astype(float).mean(axis=(0, 2))
        assert abs(np.diff(rows[x0 - 5 : x0 + 6])).max() < 3

    def test_a_scene_on_a_tall_screen_is_shown_nearly_whole_around_its_person(self):
        source = people.drawn(3, (1152, 896), "life_scene")
        crop, head = pieces.screen_crop(replace(source, face=(0.2, 0.3, 0.2, 0.25)), (1080, 1920)), 0.3 * 1152
        assert 0.7 * 1152 < crop.width < 1152
        assert 0 <= crop.left < head < crop.left + crop.width <= 1152
        assert crop.top < 0
        assert crop.top + crop.height > 896

    def test_a_scene_without_a_face_is_shown_whole(self):
        source = replace(people.drawn(3, (1152, 896), "life_scene"), face=None)
        crop = pieces.screen_crop(source, (1080, 1920))
        assert (crop.left, crop.width) == (0, 1152)

    def test_a_large_head_is_not_made_larger(self):
        size = 768, 960
        head = Head(x=384, eyes=380, height=410)
        assert cutting.cover_or_contain(head, size, 16 / 9) == cutting.contain(size, 16 / 9)


def test_clothes_go_on_below_the_edge_as_they_end():
    stripes = Image.new("RGB", (400, 500), (150, 150, 150))
    stripes.paste((30, 30, 60), (100, 300, 300, 500))
    cut = np.asarray(backgrounds.cut(stripes, Crop(left=0, top=0, width=400, height=600), (400, 600)), float)
    assert np.abs(cut[560, 120:280].mean(axis=0) - (30, 30, 60)).max() < 6, "the coat down to the lower edge"
    assert np.abs(cut[560, 10:80].mean(axis=0) - 150).max() < 6, "and the ground beside it"
    assert np.abs(np.diff(cut[440:590, 200].mean(axis=1))).max() < 12, "without a seam"


@pytest.mark.parametrize("kept", [{}, {"head": "0.4"}, {"head": float("nan")}, {"head": 9, "eyes": -1, "x": None}])
def test_a_wish_that_is_nonsense_is_as_usual_or_within_bounds(kept: dict[str, object]):
    wish = Wish.read(kept)
    assert wish.head is None or 0.2 <= wish.head <= 0.7
    assert 0.2 <= wish.eyes <= 0.6
    assert wish.x == 0.5
    assert Wish.read(wish.as_dict()) == wish
