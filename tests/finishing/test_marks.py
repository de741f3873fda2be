"""The mark a person sees: there, legible on anything, and never over a face."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from orders.finishing import marks, pieces
from orders.finishing.marks import contrast, luminance, mark_for
from tests.finishing import people

BUSY = np.random.default_rng(1).integers(0, 255, (750, 600, 3), dtype=np.uint8)
GROUNDS = {
    "white": Image.new("RGB", (600, 750), "white"),
    "black": Image.new("RGB", (600, 750), "black"),
    "grey": Image.new("RGB", (600, 750), (119, 119, 119)),
    "red": Image.new("RGB", (600, 750), (200, 30, 40)),
    "busy": Image.fromarray(BUSY),
    "striped": Image.fromarray(np.tile(np.array([[[255] * 3], [[0] * 3]], np.uint8), (375, 600, 1))),
}


@pytest.mark.parametrize("style", [marks.PORTRAIT, marks.SCENE, marks.SCREEN, marks.VIDEO])
@pytest.mark.parametrize("ground", GROUNDS)
def test_the_letters_stand_out_from_what_is_around_them(ground: str, style: marks.Style):
    picture = GROUNDS[ground].copy()
    mark = mark_for(picture, style)
    mark.put(picture)
    letters = np.asarray(mark.picture)[..., :3] == np.array(mark.colour)
    is_letter = letters.all(axis=-1) & (np.asarray(mark.picture)[..., 3] == 255)
    light = luminance(np.asarray(picture.crop(mark.box)))
    assert is_letter.sum() > 40
    of_letters = float(np.median(light[is_letter]))
    around = light[~is_letter & (np.asarray(mark.picture)[..., 3] < 255)]
    assert contrast(of_letters, float(np.median(around))) >= marks.CONTRAST


def test_it_stands_in_the_bottom_margin():
    mark = mark_for(GROUNDS["white"], marks.PORTRAIT)
    _, top, right, bottom = mark.box
    assert top > 0.9 * 750
    assert bottom < 750
    assert right < 600


@pytest.mark.parametrize("face", [(300, 500, 600, 750), (0, 500, 300, 750), (200, 600, 600, 750), (0, 400, 600, 750)])
def test_it_keeps_clear_of_a_face_wherever_that_is(face: tuple[float, float, float, float]):
    left, top, right, bottom = mark_for(GROUNDS["white"], marks.PORTRAIT, [face]).box
    assert right <= face[0] or left >= face[2] or bottom <= face[1] or top >= face[3]


def test_every_cut_of_a_picture_has_it_away_from_the_face():
    source = people.drawn()
    for frame in [(600, 840), (960, 540), (540, 960)]:
        plain = pieces.backgrounds.cut(source.picture, pieces.print_crop(source, frame), frame)
        cut = pieces.cut_print(source, frame)
        changed = np.argwhere((np.asarray(plain) != np.asarray(cut)).any(axis=-1))
        assert len(changed)
        assert changed[:, 0].min() > 0.85 * frame[1]


@pytest.mark.parametrize("ground", GROUNDS)
def test_it_is_seen_again_where_it_is_and_nowhere_else(ground: str):
    for style in (marks.PORTRAIT, marks.SCREEN, marks.VIDEO):
        picture = GROUNDS[ground].copy()
        assert not marks.is_seen(picture, style)
        mark_for(picture, style).put(picture)
        target = io.BytesIO()
        picture.save(target, "JPEG", quality=80)
        assert marks.is_seen(Image.open(target), style)


def test_no_mark_is_seen_in_pictures_of_people_without_one():
    for person in range(4):
        assert not marks.is_seen(people.sampled(person).picture, marks.PORTRAIT)


def test_a_ribbon_is_there_only_where_it_was_asked_for():
    source = people.drawn()
    asked = replace(source, wish=replace(source.wish, ribbon=True))
    without, with_ribbon = (np.asarray(pieces.cut_print(each, (600, 750))) for each in (source, asked))
    assert without[2, 200].mean() > 100
    assert with_ribbon[2, 200].mean() < 40
    assert (without[300:500] == with_ribbon[300:500]).all(), "and nowhere near the face"
