"""Our graphs before a real ComfyUI 0.2.4 with the real node packages, where there is one.

    GPU_HOST_URL=http://127.0.0.1:18288 python -m pytest tests/workflows/test_real_comfyui.py

Its models are those of `placeholders.py`: every graph is accepted, and the three that need no trained faces are made.
"""

import copy
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import pytest
import requests
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageChops

from gpujobs import doctor, queueing, workflows
from gpujobs.comfyui import ComfyUI
from gpujobs.models import Attempt, Job
from gpujobs.workflows import names, node_facts, validate
from gpujobs.workflows.graphs import Graph, keep_only_sources_of
from gpujobs.workflows.living_video.spec import SHAPES
from gpujobs.workflows.packages import NODE_CLASSES
from gpujobs.workflows.parameters import Decimal, Whole
from gpujobs.workflows.validation import DISK_LISTS, UPLOADED
from tests.gpujobs.fleet import Fleet, behind_sshd, ended, wait_until
from tests.gpujobs.making import a_job
from tests.recordings.trim import without_prose
from tests.workflows.requests import SEED, every_choice

REAL = os.environ.get("GPU_HOST_URL", "")
FOLDER = "acceptance"


@pytest.fixture(scope="module")
def comfy() -> Iterator[ComfyUI]:
    with requests.Session() as session:
        session.trust_env = False
        yield ComfyUI(REAL, session)


def a_picture(width: int, height: int) -> bytes:
    fading = Image.linear_gradient("L").resize((width, height))
    return png(Image.merge("RGB", (fading, ImageChops.invert(fading), fading.transpose(Image.Transpose.ROTATE_180))))


def png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def a_video(frames: int, width: int, height: int) -> bytes:
    """H.264 at 8 frames a second, as the living video is."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for shade in range(frames):
            picture = Image.new("RGB", (width, height), (shade * 4, 120, 250 - shade * 4))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return out.getvalue()


def seen_in(file: str) -> tuple[int, int, int, int]:
    """Width, height, frames a second and frames of a video in the storage."""
    with default_storage.open(file) as content, av.open(content) as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(stream))
        return stream.width, stream.height, int(stream.average_rate or 0), frames


def uploaded(comfy: ComfyUI, workflow: workflows.Workflow) -> dict[str, str]:
    images = {}
    for slot in workflow.inputs:
        video = slot.kind == "video"
        content = a_video(49, 48, 64) if video else a_picture(64, 80)
        stored = comfy.upload(f"{slot.slot}.{'mp4' if video else 'png'}", content, subfolder=FOLDER, overwrite=True)
        images[slot.slot] = f"{stored.subfolder}/{stored.name}"
    return images


def everything(workflow: workflows.Workflow) -> Iterator[dict[str, Any]]:
    """Every combination of choices, and the ends of every number's range."""
    yield from every_choice(workflow)
    for param in workflow.params:
        if isinstance(param, Whole | Decimal):
            yield {param.name: param.low}
            yield {param.name: param.high}


if REAL:

    def test_it_has_the_very_classes_our_facts_tell_of(comfy: ComfyUI) -> None:
        live, facts = without_prose(comfy.object_info()), node_facts()
        for name in NODE_CLASSES:
            known, seen = copy.deepcopy(facts[name]), copy.deepcopy(live[name])
            for loader, field in DISK_LISTS | UPLOADED:
                if loader == name:
                    known["input"]["required"].pop(field)
                    seen["input"]["required"].pop(field)
            assert seen == known, name

    @pytest.mark.parametrize("name", names())
    def test_it_accepts_every_graph(comfy: ComfyUI, name: str) -> None:
        workflow = workflows.get(name)
        object_info, images = comfy.object_info(), uploaded(comfy, workflow)
        accepted = 0
        for params in everything(workflow):
            graph = workflow.build(params, images=images, seed=SEED, output_prefix=f"{FOLDER}/out")
            assert validate(graph, object_info, model_files=True) == []
            answer = comfy.prompt(graph, client_id=None, extra_data={})
            assert answer.node_errors == {}, params
            comfy.delete_pending([answer.prompt_id])
            accepted += 1
        assert accepted >= 2
        wait_until(lambda: not comfy.queue().running, 120)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.sshd
    def test_the_doctor_finds_nothing_missing_but_a_gpu(tmp_path: Path) -> None:
        with behind_sshd(tmp_path, [urlsplit(REAL).port or 80]) as (_host, (instance,)):
            findings = {str(each) for verdict in doctor.verdicts_of(instance) for each in verdict.findings}
        assert findings <= {
            "ComfyUI: it runs on the CPU, not on a GPU",
            "ComfyUI: version unknown; the workflows were written for 0.2.4",
        }
        assert sorted(instance.workflows) == sorted(names())

    @pytest.mark.timeout(1200)  # twenty steps on 49 frames, on a CPU
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.sshd
    def test_a_print_master_a_living_video_and_a_longer_one_are_made(tmp_path: Path, settings: Any) -> None:
        settings.GPUJOBS_MAY_RUN = "tests.gpujobs.making.everybody_may"
        photo = default_storage.save("test/photo.png", ContentFile(a_picture(64, 80)))
        video = default_storage.save("test/video.mp4", ContentFile(a_video(49, 48, 64)))
        jobs = [
            a_job("print_master", images={"photo": photo}, params={"detail": 1.0}),
            a_job("living_video", images={"photo": photo}, params={"shape": "4x5", "steps": 20}),
            a_job("video_extend", images={"video": video}, params={"fps": "24", "seconds": 8}),
        ]
        with behind_sshd(tmp_path, [urlsplit(REAL).port or 80]) as (host, instances):
            queueing.submit(jobs)
            with Fleet(None, host, instances).driven():
                wait_until(ended(*jobs), 900)
                wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
        assert [(job.state, job.fault_text) for job in Job.objects.all()] == [("succeeded", "")] * 3
        master, living, loop = (job.outputs.get() for job in jobs)
        with default_storage.open(master.file) as content, Image.open(content) as picture:
            assert picture.size == (4 * 64, 4 * 80)
            with Image.open(io.BytesIO(a_picture(64, 80))) as before:
                repeated = before.resize(picture.size, Image.Resampling.NEAREST)
            differences = ImageChops.difference(picture.convert("RGB"), repeated).getextrema()
            assert max(high for _, high in differences) <= 1
        assert seen_in(living.file) == (384, 480, 8, 49)
        assert seen_in(loop.file) == (96, 128, 24, 8 * 24)
        for attempt in Attempt.objects.select_related("instance"):
            for directory in (attempt.instance.input_dir, attempt.instance.output_dir):
                assert not Path(directory, attempt.folder).exists()

    def pictures_of(comfy: ComfyUI, graph: Graph, node: str) -> list[Image.Image]:
        """What this node gives, without what comes after it."""
        seen = copy.deepcopy(graph)
        save = {"images": [node, 0], "filename_prefix": f"{FOLDER}/{node}"}
        seen["save"] = {"class_type": "SaveImage", "inputs": save}
        keep_only_sources_of(seen, "save")
        answer = comfy.prompt(seen, client_id=None, extra_data={})
        assert answer.node_errors == {}
        wait_until(lambda: comfy.history(answer.prompt_id), 120)
        record = comfy.history(answer.prompt_id)
        assert record
        assert record.failure is None
        pictures = []
        for file in record.files("save"):
            with comfy.view(file) as download:
                pictures.append(Image.open(io.BytesIO(b"".join(download))).convert("RGB"))
        return pictures

    @pytest.mark.parametrize(("shape", "width"), SHAPES.items())
    def test_a_picture_fills_the_video_models_frame_and_is_cut_back_to_its_part(
        comfy: ComfyUI, shape: str, width: int
    ) -> None:
        workflow = workflows.get("living_video")
        photo = comfy.upload("portrait.png", a_picture(896, 1152), subfolder=FOLDER, overwrite=True).path
        graph = workflow.build({"shape": shape}, images={"photo": photo}, seed=SEED, output_prefix="out")
        (frame,) = pictures_of(comfy, graph, graph["first_frame"]["inputs"]["image"][0])
        assert frame.size == (720, 480)
        (window,) = pictures_of(comfy, graph, "window")
        # As if the model had answered with its first frame.
        graph["decode"] = copy.deepcopy(graph["photo"])
        graph["decode"]["inputs"]["image"] = comfy.upload("frame.png", png(frame), subfolder=FOLDER).path
        (back,) = pictures_of(comfy, graph, graph["save"]["inputs"]["images"][0])
        assert back.size == window.size == (width, 480)
        assert ImageChops.difference(back, window).getbbox() is None

    def test_three_photos_of_any_shape_come_whole_into_one_batch(comfy: ComfyUI) -> None:
        images = uploaded(comfy, workflows.get("life_scene"))
        for slot, size in {"photo_1": (600, 900), "photo_2": (1200, 500), "photo_3": (77, 77)}.items():
            images[slot] = comfy.upload(f"{slot}.png", a_picture(*size), subfolder=FOLDER).path
        graph = workflows.get("life_scene").build({}, images=images, seed=SEED, output_prefix="out")
        squares = pictures_of(comfy, graph, "photos")
        assert [square.size for square in squares] == [(1024, 1024)] * 3
        boxes = [square.point(lambda value: 255 if value > 2 else 0).getbbox() for square in squares]
        sizes = [(box[2] - box[0], box[3] - box[1]) for box in boxes if box]
        assert [round(width / height, 2) for width, height in sizes] == [0.67, 2.4, 1.0]

    def test_a_second_photo_is_padded_to_the_portraits_frame(comfy: ComfyUI) -> None:
        images = uploaded(comfy, workflows.get("portrait"))
        graph = workflows.get("portrait").build({"clothes": "own"}, images=images, seed=SEED, output_prefix="out")
        assert [each.size for each in pictures_of(comfy, graph, "pose_frame")] == [(896, 1152)]
        assert [each.size for each in pictures_of(comfy, graph, "clothes_view")] == [(224, 224)]
