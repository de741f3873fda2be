"""영정사진: a studio-like portrait, upright and frontal, from one everyday photo.

Two adapters carry the likeness (InstantID and FaceID Plus v2), drawn key points set the pose, and the words set
clothes and background only. Sampler, steps and cfg are those the turbo checkpoint's page asks for: DPM++ SDE
Karras (not 2M), 4 to 8 steps, cfg 2.
"""

from collections.abc import Mapping
from typing import Any

from gpujobs.workflows import face_points, model_files, people
from gpujobs.workflows.graphs import Graph, bypass
from gpujobs.workflows.parameters import Choice, Decimal, Whole
from gpujobs.workflows.spec import Input, Output, Workflow

WIDTH, HEIGHT = 896, 1152

# Eyes at 41 % from the top and a head of about 36 % of the height: room on every side for prints from 4:5 to 5:7.
POSE = face_points.Pose(x=0.5, y=0.41, pupils=0.1)

CLOTHES = {
    "suit": {
        "man": "wearing a dark formal suit, white shirt and plain dark tie",
        "woman": "wearing a dark formal jacket and a plain white blouse",
        "person": "wearing dark formal clothes with a white collar",
    },
    "hanbok": {
        "man": "wearing a traditional Korean hanbok, pale grey durumagi overcoat with a crisp white dongjeong collar",
        "woman": "wearing a traditional Korean hanbok, ivory jeogori with a crisp white dongjeong collar and a ribbon",
        "person": "wearing a traditional Korean hanbok in soft ivory with a crisp white dongjeong collar",
    },
    "own": {
        "man": "wearing neat everyday clothes",
        "woman": "wearing neat everyday clothes",
        "person": "wearing neat everyday clothes",
    },
}
BACKGROUNDS = {
    "grey": "plain soft light grey studio backdrop",
    "blue": "plain soft pale blue studio backdrop",
    "beige": "plain soft warm beige studio backdrop",
    "white": "plain soft off-white studio backdrop",
    "pink": "plain soft pale pink studio backdrop",
    "brown": "plain soft dark brown studio backdrop",
}
EXPRESSIONS = {
    "as_photo": "",
    "gentle_smile": "gentle smile with closed lips, warm eyes",
}
HAIR = {"as_photo": "", "tidy": "neatly combed tidy hair"}

FRAME = "head and shoulders, centred, facing the camera, shoulders square to the camera"
LIGHT = "soft even light, natural skin texture, sharp focus, realistic photograph"
AGAINST = (
    "hands, arms, profile view, tilted head, looking away, patterned background, text, watermark, frame, "
    "oily skin, plastic skin, heavy make-up, painting, cartoon, 3d render, deformed face, crossed eyes, second person"
)


def fill(graph: Graph, params: Mapping[str, Any]) -> None:
    graph["positive"]["inputs"]["text"] = people.joined(
        f"formal studio portrait photograph of {people.described(params)}",
        FRAME,
        CLOTHES[params["clothes"]][params["person"]],
        EXPRESSIONS[params["expression"]],
        HAIR[params["hair"]],
        people.GLASSES_WORDS[params["glasses"]],
        BACKGROUNDS[params["background"]],
        LIGHT,
    )
    graph["negative"]["inputs"]["text"] = people.joined(AGAINST, people.GLASSES_AGAINST[params["glasses"]])
    graph["instantid"]["inputs"]["ip_weight"] = params["likeness"]
    graph["sampler"]["inputs"]["steps"] = params["steps"]
    if params["clothes"] != "own":
        bypass(graph, "own_clothes", through="model")


PORTRAIT = Workflow(
    name="portrait",
    about="A frontal, studio-like portrait from one photo; a second photo may give the pose.",
    params=(
        people.PERSON,
        people.AGE,
        Choice(name="clothes", options=tuple(CLOTHES), default="suit"),
        Choice(name="background", options=tuple(BACKGROUNDS), default="grey"),
        Choice(name="expression", options=tuple(EXPRESSIONS), default="as_photo"),
        Choice(name="hair", options=tuple(HAIR), default="as_photo"),
        people.GLASSES,
        Decimal(name="likeness", low=0.6, high=1.0, step=0.05, default=0.8),
        Whole(name="steps", low=4, high=8, default=8),
    ),
    inputs=(Input(slot="photo"), Input(slot="pose", required=False, drawn=True)),
    outputs=(Output(node="save", kind="image", pixels=lambda params: WIDTH * HEIGHT),),
    models=(
        model_files.DREAMSHAPER,
        model_files.INSTANTID_ADAPTER,
        model_files.INSTANTID_CONTROLNET,
        model_files.ANTELOPE,
        model_files.FACEID_ADAPTER,
        model_files.FACEID_LORA,
        model_files.BUFFALO,
        model_files.CLIP_VISION_H,
        model_files.CLOTHES_ADAPTER,
    ),
    min_vram_mb=14_000,
    weight=20,
    progress_node="sampler",
    count_steps=lambda params: int(params["steps"]),
    fill=fill,
    draw=lambda slot, params: face_points.draw(POSE, WIDTH, HEIGHT),
)
