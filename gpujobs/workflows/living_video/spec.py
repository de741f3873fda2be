"""메모리얼 비디오, first part: six seconds of quiet life from one picture, 49 frames at the model's own 8 a second.

CogVideoX-5b-I2V knows one frame, 720x480. An upright picture is fitted into its height and the ground beside it is
grown from a mirrored, blurred strip of its own edge; the video is cut back to the picture's part afterwards.
"""

from collections.abc import Mapping
from typing import Any

from gpujobs.workflows import model_files, people
from gpujobs.workflows.graphs import Graph, bypass
from gpujobs.workflows.parameters import Choice, Whole
from gpujobs.workflows.spec import Input, Output, Workflow

FRAME_WIDTH, FRAME_HEIGHT = 720, 480
# As the graph asks for them.
FRAMES, RATE = 49, 8
EDGE = 48
# Widths of the picture's part of the frame, divisible by 8 as H.264 wants. `nearest_shape` finds the one to ask for.
SHAPES = {"5x7": 344, "3x4": 360, "4x5": 384, "square": 480, "wide": 720}

MOTIONS = {
    "breath": "breathing softly and blinking now and then, otherwise still",
    "breeze": "blinking slowly while a light breeze moves the hair a little",
    "smile": "slowly growing a slight warm smile with closed lips, blinking now and then",
}
STILLNESS = (
    "The camera does not move. The face keeps its features, the mouth stays closed, the background stays as it is. "
    "Soft natural light, lifelike skin, high detail, realistic film."
)
AGAINST = (
    "talking, open mouth, changing face, sudden movement, camera movement, zoom, flicker, blur, grain, "
    "distorted face, extra hands, text, watermark, cartoon"
)


def nearest_shape(width: int, height: int) -> str:
    """The shape that cuts least off a picture of that size."""
    fitted = FRAME_HEIGHT * width / height
    return min(SHAPES, key=lambda shape: max(fitted / SHAPES[shape], SHAPES[shape] / fitted))


def fill(graph: Graph, params: Mapping[str, Any]) -> None:
    graph["positive"]["inputs"]["prompt"] = (
        f"A portrait of {people.described(params)}, looking at the camera, {MOTIONS[params['motion']]}. {STILLNESS}"
    )
    graph["negative"]["inputs"]["prompt"] = AGAINST
    graph["sampler"]["inputs"]["steps"] = params["steps"]
    width = SHAPES[params["shape"]]
    ground = (FRAME_WIDTH - width) // 2
    graph["window"]["inputs"]["width"] = width
    if not ground:
        bypass(graph, "frame", through="image1")
        bypass(graph, "with_left", through="image2")
        bypass(graph, "cut_back", through="image")
        return
    graph["right_edge"]["inputs"]["x"] = width - EDGE
    graph["left_stretched"]["inputs"]["width"] = graph["right_stretched"]["inputs"]["width"] = ground
    graph["cut_back"]["inputs"] |= {"width": width, "x": ground}


LIVING_VIDEO = Workflow(
    name="living_video",
    about="A picture that breathes and blinks: 49 frames at 8 a second.",
    params=(
        Choice(name="motion", options=tuple(MOTIONS), default="breath"),
        Choice(name="shape", options=tuple(SHAPES), default="4x5"),
        people.PERSON,
        people.AGE,
        Whole(name="steps", low=20, high=50, default=30),
    ),
    inputs=(Input(slot="photo"),),
    outputs=(
        Output(
            node="save",
            kind="video",
            pixels=lambda params: SHAPES[params["shape"]] * FRAME_HEIGHT,
            frames=lambda params: FRAMES,
            seconds=lambda params: FRAMES / RATE,
        ),
    ),
    models=(model_files.COGVIDEOX_I2V, model_files.T5),
    min_vram_mb=22_000,
    weight=420,
    progress_node="sampler",
    count_steps=lambda params: int(params["steps"]),
    fill=fill,
)
