"""인생 더하기: the person doing what they loved, from three photos.

Each photo is padded to the same square before the three become one batch, so that none is cropped to another's
shape; both adapters then work with the average of the three faces. One job makes one picture: three jobs with
three seeds make the three that were ordered.
"""

from collections.abc import Mapping
from typing import Any

from gpujobs.workflows import face_points, model_files, people
from gpujobs.workflows.graphs import Graph
from gpujobs.workflows.life_scene.scenes import FRAMINGS, SCENES, VETOES
from gpujobs.workflows.parameters import Choice, Decimal, ParameterError, Several, Whole
from gpujobs.workflows.spec import Input, Output, Workflow

WIDTH, HEIGHT = 1152, 896

EXPRESSIONS = {"calm": "calm content expression", "gentle_smile": "gentle warm smile"}
LIGHT = "waist-up photograph, natural light, natural skin texture, sharp focus on the face, realistic photograph"
AGAINST = (
    *("text", "watermark", "logo", "blurry face", "oily skin", "plastic skin", "exaggerated expression"),
    *("deformed hands", "extra fingers", "deformed face", "crossed eyes", "second face", "duplicate person"),
    *("painting", "cartoon", "3d render"),
)


def check(params: Mapping[str, Any]) -> None:
    vetoes = SCENES[params["scene"]].vetoes
    for veto in params["without"]:
        if veto not in vetoes:
            raise ParameterError("without", f"{veto} is not in the scene {params['scene']}")


def fill(graph: Graph, params: Mapping[str, Any]) -> None:
    scene = SCENES[params["scene"]]
    graph["positive"]["inputs"]["text"] = people.joined(
        f"{people.described(params)} {scene.doing}",
        scene.place,
        *(veto.words for key, veto in scene.vetoes.items() if key not in params["without"]),
        EXPRESSIONS[params["expression"]],
        people.GLASSES_WORDS[params["glasses"]],
        LIGHT,
    )
    graph["negative"]["inputs"]["text"] = people.joined(
        *(words for words in AGAINST if words != scene.never_against),
        *(scene.vetoes[key].against for key in params["without"]),
        people.GLASSES_AGAINST[params["glasses"]],
    )
    graph["instantid"]["inputs"]["ip_weight"] = params["likeness"]
    graph["sampler"]["inputs"]["steps"] = params["steps"]


LIFE_SCENE = Workflow(
    name="life_scene",
    about="The person in a scene from a catalogue, from three photos used together.",
    params=(
        Choice(name="scene", options=tuple(SCENES), default="singing"),
        Several(name="without", options=VETOES),
        people.PERSON,
        people.AGE,
        Choice(name="expression", options=tuple(EXPRESSIONS), default="gentle_smile"),
        people.GLASSES,
        Decimal(name="likeness", low=0.5, high=0.9, step=0.05, default=0.7),
        Whole(name="steps", low=4, high=8, default=8),
    ),
    inputs=(
        Input(slot="photo_1"),
        Input(slot="photo_2"),
        Input(slot="photo_3"),
        Input(slot="pose", required=False, drawn=True),
    ),
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
    ),
    min_vram_mb=14_000,
    weight=22,
    progress_node="sampler",
    count_steps=lambda params: int(params["steps"]),
    fill=fill,
    check=check,
    draw=lambda slot, params: face_points.draw(FRAMINGS[SCENES[params["scene"]].framing], WIDTH, HEIGHT),
)
