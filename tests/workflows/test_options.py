"""What was chosen is in the words, and what was refused is kept out."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from gpujobs.workflows import ParameterError, get
from gpujobs.workflows.life_scene.scenes import FRAMINGS, SCENES
from gpujobs.workflows.living_video.spec import nearest_shape
from gpujobs.workflows.portrait.spec import HEIGHT, WIDTH
from tests.workflows.requests import built, every_scene

PORTRAIT = get("portrait")
LIFE_SCENE = get("life_scene")


def words(params: dict[str, object], workflow: str = "portrait", prompt: str = "positive") -> str:
    text: str = built(get(workflow), params)[prompt]["inputs"]["text"]
    return text


def test_a_portrait_says_who_and_in_which_clothes() -> None:
    text = words({"person": "woman", "age": "elderly", "clothes": "hanbok", "background": "blue"})
    assert "an elderly Korean woman" in text
    assert "hanbok" in text
    assert "pale blue" in text
    assert "a young Korean man" in words({"person": "man", "age": "young"})


def test_own_clothes_are_taken_from_the_photo_below_the_chin() -> None:
    graph = built(PORTRAIT, {"clothes": "own"})
    assert graph["instantid"]["inputs"]["model"] == ["own_clothes", 0]
    assert graph["clothes_view"]["inputs"]["image"] == ["photo", 0]
    mask, below = graph["below_the_chin"]["inputs"], graph["below"]["inputs"]
    assert mask["y"] + below["height"] == HEIGHT
    assert "own_clothes" not in built(PORTRAIT, {"clothes": "suit"})


@pytest.mark.parametrize("workflow", ["portrait", "life_scene"])
def test_glasses_are_kept_or_left_off_as_asked(workflow: str) -> None:
    assert "eyeglasses" in words({"glasses": "keep"}, workflow)
    assert "eyeglasses" in words({"glasses": "off"}, workflow, "negative")
    assert "eyeglasses" not in words({"glasses": "off"}, workflow)
    assert "glasses" not in words({}, workflow) + words({}, workflow, "negative")


def test_a_closer_likeness_is_asked_of_the_adapter() -> None:
    assert built(PORTRAIT, {"likeness": 0.95})["instantid"]["inputs"]["ip_weight"] == 0.95


@pytest.mark.parametrize("scene", SCENES)
def test_a_vetoed_thing_leaves_the_scene_and_is_kept_away(scene: str) -> None:
    for key, veto in SCENES[scene].vetoes.items():
        assert veto.words in words({"scene": scene}, "life_scene")
        assert veto.words not in words({"scene": scene, "without": [key]}, "life_scene")
        assert veto.against in words({"scene": scene, "without": [key]}, "life_scene", "negative")


def said_of(term: str, text: str) -> bool:
    """Whether a prompt names a thing, as one or as several."""
    return re.search(rf"\b{re.escape(term)}(s|es)?\b", text) is not None


@pytest.mark.parametrize("params", every_scene(), ids=str)
def test_nothing_is_asked_for_and_refused_in_one_breath(params: dict[str, object]) -> None:
    asked, refused = words(params, "life_scene"), words(params, "life_scene", "negative")
    assert [term for term in refused.split(", ") if said_of(term, asked)] == []


def test_of_a_vetoed_thing_no_word_is_left_in_any_scene() -> None:
    """Not only the words that bring it: nothing else in the scene names it either."""
    for name, scene in SCENES.items():
        for key, veto in scene.vetoes.items():
            asked = words({"scene": name, "without": [key]}, "life_scene")
            assert not [term for term in {*veto.against.split(", "), key} if said_of(term, asked)], (name, key)


def test_an_expression_as_in_the_photo_is_left_to_the_photo() -> None:
    text = words({"expression": "as_photo"})
    assert not [word for word in ("calm", "smile", "expression") if word in text]
    assert "smile" in words({"expression": "gentle_smile"})


def test_a_veto_of_another_scene_is_refused() -> None:
    with pytest.raises(ParameterError) as refused:
        LIFE_SCENE.clean({"scene": "baduk", "without": ["microphone"]})
    assert refused.value.field == "without"


def test_there_are_the_scenes_families_name() -> None:
    assert len(SCENES) >= 9
    assert {"singing", "fishing", "hiking", "gardening", "dancing", "painting", "baduk", "seaside"} <= SCENES.keys()
    assert all(scene.framing in FRAMINGS for scene in SCENES.values())


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_draws_its_own_framing_in_its_own_size(scene: str) -> None:
    (data,) = LIFE_SCENE.drawn({"scene": scene}, brought=set()).values()
    picture = Image.open(io.BytesIO(data))
    latent = built(LIFE_SCENE, {"scene": scene})["latent"]["inputs"]
    assert picture.size == (latent["width"], latent["height"])


def test_the_drawn_pose_looks_straight_ahead_from_the_middle_of_the_upper_half() -> None:
    picture = np.asarray(Image.open(io.BytesIO(PORTRAIT.drawn({}, brought=set())["pose"])))
    assert picture.shape == (HEIGHT, WIDTH, 3)
    discs = {"left": (255, 0, 0), "right": (0, 255, 0), "nose": (0, 0, 255)}
    found = {name: np.argwhere((picture == colour).all(axis=2)).mean(axis=0)[::-1] for name, colour in discs.items()}
    assert found["nose"][0] == pytest.approx(WIDTH / 2, abs=1)
    assert found["left"][1] == pytest.approx(found["right"][1], abs=1)
    assert found["left"][0] + found["right"][0] == pytest.approx(WIDTH, abs=2)
    assert 0.38 * HEIGHT < found["left"][1] < 0.44 * HEIGHT


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((896, 1152), "4x5"),
        ((3300, 4200), "4x5"),
        ((3000, 4000), "3x4"),
        ((1500, 2100), "5x7"),
        ((1080, 1920), "5x7"),
        ((1000, 1000), "square"),
        ((4000, 3000), "wide"),
        ((8000, 600), "wide"),
    ],
)
def test_a_video_gets_the_shape_nearest_to_its_picture(size: tuple[int, int], shape: str) -> None:
    assert nearest_shape(*size) == shape
