"""A longer video plays as fast and as long as it says; a print master has the pixels a print needs."""

import pytest

from gpujobs.workflows import get
from gpujobs.workflows.life_scene import spec as life_scene
from gpujobs.workflows.portrait import spec as portrait
from gpujobs.workflows.print_master.spec import SCALE, tiles
from tests.workflows.requests import built


@pytest.mark.parametrize("fps", ["24", "30"])
@pytest.mark.parametrize("seconds", [8, 9, 10, 11, 12])
def test_a_longer_video_lasts_exactly_as_long_as_asked_at_the_rate_it_says(fps: str, seconds: int) -> None:
    graph = built(get("video_extend"), {"fps": fps, "seconds": seconds})
    source = graph["video"]["inputs"]["frame_load_cap"]
    interpolated = (source - 1) * graph["between"]["inputs"]["multiplier"] + 1
    there = graph["there"]["inputs"]["length"]
    assert there <= interpolated
    save = graph["save"]["inputs"]
    assert save["pingpong"] is True
    assert save["frame_rate"] == int(fps)
    assert (2 * there - 2) / save["frame_rate"] == seconds


def test_time_runs_at_the_living_videos_own_pace_or_a_little_calmer() -> None:
    native = built(get("living_video"))["save"]["inputs"]["frame_rate"]
    for fps in ("24", "30"):
        graph = built(get("video_extend"), {"fps": fps})
        pace = graph["save"]["inputs"]["frame_rate"] / (native * graph["between"]["inputs"]["multiplier"])
        assert 0.9 <= pace <= 1


def test_frames_are_enlarged_while_they_are_few() -> None:
    graph = built(get("video_extend"))
    assert graph["enlarged"]["inputs"]["image"] == ["video", 0]
    assert graph["between"]["inputs"]["frames"] == ["doubled", 0]


def test_a_portrait_becomes_large_enough_for_eleven_by_fourteen_inches() -> None:
    assert (portrait.WIDTH * SCALE, portrait.HEIGHT * SCALE) >= (3300, 4200)
    assert portrait.HEIGHT * SCALE >= 4200
    assert (life_scene.WIDTH * SCALE, life_scene.HEIGHT * SCALE) >= (3000, 2400)


def test_a_print_master_changes_no_face() -> None:
    graph = built(get("print_master"))
    assert not [node for node in graph.values() if "Sampler" in node["class_type"]]
    assert graph["smooth"]["inputs"]["scale_by"] == SCALE


@pytest.mark.parametrize(("size", "count"), [((512, 512), 1), ((896, 1152), 6), ((1152, 896), 6), ((513, 300), 2)])
def test_the_bar_of_a_print_master_counts_tiles(size: tuple[int, int], count: int) -> None:
    assert tiles(*size) == count


@pytest.mark.parametrize("workflow", ["video_extend", "print_master"])
def test_a_home_that_may_not_use_ultrasharp_has_another(workflow: str) -> None:
    used = built(get(workflow), {"upscaler": "realesrgan"})["upscaler"]["inputs"]["model_name"]
    assert used == "RealESRGAN_x4plus.pth"
    (model,) = [each for each in get(workflow).models_for({"upscaler": "realesrgan"}) if each.file == used]
    assert model.commercial_use


@pytest.mark.parametrize("workflow", ["video_extend", "print_master"])
def test_it_is_used_wherever_ultrasharp_is_not(workflow: str) -> None:
    def used(*lacking: str) -> str:
        return str(built(get(workflow), {}, lacking=lacking)["upscaler"]["inputs"]["model_name"])

    assert used() == "4x-Ultrasharp.pt"
    assert used("models/upscale_models/4x-Ultrasharp.pt") == "RealESRGAN_x4plus.pth"
    assert used("models/upscale_models/RealESRGAN_x4plus.pth") == "4x-Ultrasharp.pt"
