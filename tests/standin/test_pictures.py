"""What the stand-in makes: real files of the right size and length, plainly marked, out of the photo it was given."""

import io
import json
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops

from gpujobs import workflows
from gpujobs.standin import faces, mark
from gpujobs.standin.instance import Instance
from gpujobs.workflows.spec import FILE_INPUTS

from .conftest import Start
from .making import face_png, mp4, png, scaled
from .talking import Comfy


@pytest.fixture
def instance(start: Start) -> Instance:
    return start().instances[0]


@pytest.fixture
def comfy(instance: Instance) -> Comfy:
    return Comfy(instance.port)


def made(comfy: Comfy, record: dict[str, Any], node: str, key: str = "images") -> bytes:
    assert record["status"]["completed"], record["status"]["messages"][-1]
    (file,) = record["outputs"][node][key]
    return comfy.ask("GET", "/view", params=file).content


def picture(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def built(comfy: Comfy, name: str, seed: int = 1, files: dict[str, bytes] | None = None) -> dict[str, Any]:
    """A workflow of the product, its inputs uploaded."""
    workflow = workflows.get(name)
    data = {slot.slot: face_png() for slot in workflow.inputs if not slot.drawn and slot.kind == "image"}
    data |= files or {}
    data |= workflow.drawn({}, data.keys())
    images = {
        slot: comfy.upload(f"{slot}.{'mp4' if slot == 'video' else 'png'}", each)["name"] for slot, each in data.items()
    }
    return workflow.build({}, images=images, seed=seed, output_prefix=f"portal/{name}{seed}")


def test_every_workflow_of_the_product_is_accepted_whole(comfy: Comfy, tmp_path: Path) -> None:
    for name in workflows.names():
        graph = built(comfy, name, files={"video": mp4(tmp_path / "in.mp4", 4)} if name == "video_extend" else None)
        assert {node["class_type"] for node in graph.values()} & FILE_INPUTS.keys()
        answer = comfy.post("/prompt", {"prompt": graph})
        assert (answer.status_code, answer.json().get("node_errors")) == (200, {}), name
        comfy.post("/queue", {"clear": True})
        comfy.post("/interrupt")


def test_a_portrait_has_the_size_of_its_latent_and_differs_by_seed(comfy: Comfy) -> None:
    one, two = (picture(made(comfy, comfy.run(built(comfy, "portrait", seed)), "save")) for seed in (1, 2))
    assert one.size == two.size == (896, 1152)
    assert ImageChops.difference(one, two).getbbox() is not None
    assert faces.find(one) is not None


def test_a_life_scene_has_the_size_of_its_latent(comfy: Comfy) -> None:
    assert picture(made(comfy, comfy.run(built(comfy, "life_scene")), "save")).size == (1152, 896)


def test_a_video_has_its_frames_its_rate_and_moves(comfy: Comfy, instance: Instance) -> None:
    record = comfy.run(built(comfy, "living_video"))
    data = made(comfy, record, "save", "gifs")
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_image() for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 8)
    assert len(frames) == 49
    assert frames[0].size == (384, 480)
    assert ImageChops.difference(frames[0], frames[-1]).getbbox() is not None
    (file,) = record["outputs"]["save"]["gifs"]
    assert (instance.folders.output / file["subfolder"] / file["filename"].replace(".mp4", ".png")).exists()


def test_a_video_is_lengthened_by_its_interpolation_and_its_way_back(comfy: Comfy, tmp_path: Path) -> None:
    graph = built(comfy, "video_extend", files={"video": mp4(tmp_path / "in.mp4", 4)})
    with av.open(io.BytesIO(made(comfy, comfy.run(graph), "save", "gifs"))) as container:
        stream = container.streams.video[0]
        count = sum(1 for _ in container.decode(stream))
        assert stream.average_rate == 24
    there = (4 - 1) * 3 + 1
    assert count == 2 * there - 2


def test_the_prompt_is_in_the_picture_as_comfyui_leaves_it_there(comfy: Comfy) -> None:
    comfy.upload("photo.png", png())
    data = made(comfy, comfy.run(scaled()), "3")
    with Image.open(io.BytesIO(data)) as image:
        assert json.loads(image.info["prompt"])["1"]["inputs"]["image"] == "photo.png"


def test_every_result_bears_the_mark(comfy: Comfy) -> None:
    comfy.upload("photo.png", png((255, 255, 255)))
    image = picture(made(comfy, comfy.run(scaled(width=600)), "3"))
    assert min(image.convert("L").get_flattened_data()) < 120


def test_the_two_syllables_are_drawn_without_a_font() -> None:
    drawings = [mark.draw_syllable(strokes, 60) for strokes in (mark.GYEON, mark.BON)]
    for drawing in drawings:
        inked = sum(1 for value in drawing.get_flattened_data() if value > 128) / 3600
        assert 0.15 < inked < 0.5
    assert ImageChops.difference(*drawings).getbbox() is not None


@pytest.mark.parametrize("name", ["portrait", "life_scene"])
def test_a_photo_without_a_face_fails_as_on_the_real_nodes(name: str, comfy: Comfy) -> None:
    graph = built(comfy, name, files={"photo" if name == "portrait" else "photo_2": png()})
    record = comfy.run(graph)
    kind, data = record["status"]["messages"][-1]
    assert kind == "execution_error"
    assert data["exception_type"] == "Exception"
    assert "No face detected." in data["exception_message"]


@pytest.mark.parametrize("colour", [(224, 182, 152), (120, 84, 60), (255, 255, 255), (0, 0, 0), (30, 90, 200)])
def test_a_plain_colour_has_no_face(colour: tuple[int, int, int]) -> None:
    assert faces.find(Image.new("RGB", (600, 800), colour)) is None


def test_a_flat_drawn_face_is_found_where_it_is() -> None:
    found = faces.find(picture(face_png()))
    assert found is not None
    left, top, width, height = found
    assert left < 120 < left + width
    assert top < 130 < top + height


def test_an_absent_model_is_refused_and_not_listed(start: Start) -> None:
    absent = "DreamShaperXL-v2_1-turboDPMSDE.safetensors"
    comfy = Comfy(start(absent_models=frozenset({absent})).instances[0].port)
    assert absent not in comfy.get("/models/checkpoints")
    graph = built(comfy, "portrait")
    answer = comfy.post("/prompt", {"prompt": graph})
    assert answer.status_code == 400
    assert answer.json()["node_errors"]["checkpoint"]["errors"][0]["type"] == "value_not_in_list"


def test_loading_another_checkpoint_takes_its_time_once(start: Start) -> None:
    comfy = Comfy(start(load_seconds=0.5).instances[0].port)
    graph = built(comfy, "portrait")
    times = []
    for seed in (1, 2):
        graph["sampler"]["inputs"]["seed"] = seed
        messages = comfy.run(graph)["status"]["messages"]
        times.append(messages[-1][1]["timestamp"] - messages[0][1]["timestamp"])
    assert times[0] >= 500
    assert times[1] < times[0]
