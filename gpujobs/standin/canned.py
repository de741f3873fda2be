"""Nodes that draw nothing: they take as long as they would, and every output is a copy of one file.

The nodes that need a face still look for one, once in each photo, and the disk's faults strike what is copied.
"""

import io
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import Image

from . import faces
from .folders import OutputPlace
from .output_nodes import disk_must_have_room, perhaps_spoil
from .planning import is_link
from .run import Inputs, Made, Run

NEED_A_FACE = ("ApplyInstantID", "IPAdapterFaceID")


def perform_canned(run: Run, inputs: Inputs) -> Made:
    """Stands for `nodes.perform` where Settings.canned_result names a file."""
    run.wait(run.settings.node_seconds.get(run.class_type, 0))
    if run.facts.is_output(run.class_type):
        return _copy_out(run, inputs)
    if run.class_type.startswith(NEED_A_FACE):
        _look_for_faces(run)
    if "steps" in inputs:
        for step in range(1, inputs["steps"] + 1):
            run.sampler_step()
            run.progress(step, inputs["steps"])
    return Made(tuple(None for _ in run.facts.returns(run.class_type)))


def _copy_out(run: Run, inputs: Inputs) -> Made:
    place = run.folders.place_for(run.folders.output, inputs["filename_prefix"])
    picture = Path(str(run.settings.canned_result))
    if run.class_type == "VHS_VideoCombine" and run.settings.canned_video is not None:
        shutil.copyfile(picture, place.folder / f"{place.stem}_{place.counter:05}{picture.suffix}")
        name = f"{place.stem}_{place.counter:05}{run.settings.canned_video.suffix}"
        return Made(ui={"gifs": _listed(run, run.settings.canned_video, place, name)})
    name = f"{place.stem}_{place.counter:05}_{picture.suffix}"
    return Made(ui={"gifs" if picture.suffix == ".mp4" else "images": _listed(run, picture, place, name)})


def _listed(run: Run, result: Path, place: OutputPlace, name: str) -> list[dict[str, str]]:
    if run.faults.take("missing_outputs"):
        return []
    path = place.folder / name
    disk_must_have_room(run, path)
    shutil.copyfile(result, path)
    perhaps_spoil(run, path)
    return [{"filename": name, "subfolder": place.subfolder, "type": "output"}]


def _look_for_faces(run: Run) -> None:
    for photo in _photos_behind(run, run.prompt[run.node_id]["inputs"]["image"][0]):
        if not _has_face(photo.read_bytes()):
            raise Exception("InsightFace: No face detected.")


def _photos_behind(run: Run, node_id: str) -> Iterator[Path]:
    node = run.prompt[node_id]
    if node["class_type"] == "LoadImage":
        yield run.folders.input_file(node["inputs"]["image"])
        return
    for value in node["inputs"].values():
        if is_link(value):
            yield from _photos_behind(run, value[0])


@lru_cache(maxsize=32)
def _has_face(photo: bytes) -> bool:
    with Image.open(io.BytesIO(photo)) as image:
        return faces.find(image) is not None
