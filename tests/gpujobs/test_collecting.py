"""What a workflow promises, and files that are smaller or shorter than that."""

import pytest

from gpujobs import workflows
from gpujobs.collecting import BadResult, Verified, hold_against

PORTRAIT = ("portrait", {}, Verified(media_type="image/png", width=896, height=1152))
VIDEO = (
    "living_video",
    {"shape": "4x5"},
    Verified(media_type="video/mp4", width=384, height=480, frames=49, duration_ms=6125),
)
LOOP = (
    "video_extend",
    {"fps": "30", "seconds": 8},
    Verified(media_type="video/mp4", width=768, height=960, frames=240, duration_ms=8000),
)


def held(name, params, **facts):
    workflow = workflows.get(name)
    (promised,) = workflow.outputs
    hold_against(promised, workflow.clean(params), Verified(**facts))


@pytest.mark.parametrize(("name", "params", "facts"), [PORTRAIT, VIDEO, LOOP])
def test_what_is_as_large_and_as_long_as_promised_is_taken(name, params, facts):
    held(name, params, **vars(facts))
    held(name, params, **vars(facts) | {"width": facts.width * 2, "frames": facts.frames + 1})


@pytest.mark.parametrize(
    ("one", "less", "said"),
    [
        (PORTRAIT, {"width": 448, "height": 576}, "448x576 pixels"),
        (VIDEO, {"height": 240}, "384x240 pixels"),
        (VIDEO, {"frames": 48}, "48 frames instead of 49"),
        (LOOP, {"frames": 121}, "121 frames instead of 240"),
        (LOOP, {"duration_ms": 4000}, "4000 ms instead of 8 s"),
    ],
)
def test_what_is_smaller_or_shorter_is_not(one, less, said):
    name, params, facts = one
    with pytest.raises(BadResult, match=said):
        held(name, params, **vars(facts) | less)
