"""메모리얼 비디오, second part: the six seconds become 8 to 12 smooth ones that flow forward, back and around.

The frames are enlarged first, while they are few, then frames are put between them. The rate the file plays at is
the rate it was interpolated to: 8 frames a second times 3 is 24, times 4 is 32, which at 30 plays a little calmer.
"""

from collections.abc import Mapping
from typing import Any

from gpujobs.workflows.graphs import Graph
from gpujobs.workflows.model_files import FILM, REALESRGAN, ULTRASHARP
from gpujobs.workflows.parameters import Choice, Whole
from gpujobs.workflows.spec import Input, Output, Workflow
from gpujobs.workflows.upscaling import UPSCALER, choose_upscaler

SOURCE_FRAMES = 49
MULTIPLIERS = {"24": 3, "30": 4}


def forward_frames(params: Mapping[str, Any]) -> int:
    """Frames on the way there. The way back shows all but the two ends again: twice as many, less two, in all."""
    return int(params["fps"]) * int(params["seconds"]) // 2 + 1


def fill(graph: Graph, params: Mapping[str, Any]) -> None:
    choose_upscaler(graph, params)
    graph["between"]["inputs"]["multiplier"] = MULTIPLIERS[params["fps"]]
    graph["there"]["inputs"]["length"] = forward_frames(params)
    graph["save"]["inputs"]["frame_rate"] = int(params["fps"])


VIDEO_EXTEND = Workflow(
    name="video_extend",
    about="A living video made twice as large and lengthened to a smooth loop of 8 to 12 seconds.",
    params=(
        Choice(name="fps", options=tuple(MULTIPLIERS), default="24"),
        Whole(name="seconds", low=8, high=12, default=12),
        UPSCALER,
    ),
    inputs=(Input(slot="video", kind="video"),),
    outputs=(
        Output(
            node="save",
            kind="video",
            frames=lambda params: int(params["fps"]) * int(params["seconds"]),
            seconds=lambda params: int(params["seconds"]),
        ),
    ),
    models=(FILM, ULTRASHARP, REALESRGAN),
    min_vram_mb=10_000,
    weight=100,
    progress_node="enlarged",
    # One tile a frame, as long as a frame is no larger than a tile; a wide one takes two.
    count_steps=lambda params: SOURCE_FRAMES,
    fill=fill,
)
