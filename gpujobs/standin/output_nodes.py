"""Nodes that leave files or text behind."""

import errno
import json
import random
import string
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from . import video
from .mark import marked
from .nodes import behaves
from .run import Inputs, Made, Run
from .values import Pictures

VIDEO_FORMATS = {"video/h264-mp4"}


def _metadata(run: Run) -> dict[str, Any]:
    """What ComfyUI writes into every file: the whole prompt, photos sent inside it included."""
    return {"prompt": run.prompt, **run.extra_data.get("extra_pnginfo", {})}


def _save_png(run: Run, image: Image.Image, label: str, path: Path) -> None:
    disk_must_have_room(run, path)
    info = PngImagePlugin.PngInfo()
    for key, value in _metadata(run).items():
        info.add_text(key, json.dumps(value))
    marked(image, label).save(path, "PNG", pnginfo=info, compress_level=4)
    perhaps_spoil(run, path)


def disk_must_have_room(run: Run, path: Path) -> None:
    if run.faults.take("save_disk_full"):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))


def perhaps_spoil(run: Run, path: Path) -> None:
    if run.faults.take("truncate_outputs"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    if run.faults.take("vanished_outputs"):
        path.unlink()


def _save_all(run: Run, images: Pictures, base: Path, prefix: str, kind: str) -> Made:
    place = run.folders.place_for(base, prefix)
    listed = []
    for index in range(images.count):
        name = f"{place.stem}_{place.counter + index:05}_.png"
        if run.faults.take("missing_outputs"):
            continue
        _save_png(run, images.frame(index), images.label, place.folder / name)
        listed.append({"filename": name, "subfolder": place.subfolder, "type": kind})
    return Made(ui={"images": listed})


@behaves("SaveImage")
def save_image(run: Run, inputs: Inputs) -> Made:
    return _save_all(run, inputs["images"], run.folders.output, inputs["filename_prefix"], "output")


@behaves("PreviewImage", "MaskPreview+")
def preview_image(run: Run, inputs: Inputs) -> Made:
    images: Pictures = next(value for value in inputs.values() if isinstance(value, Pictures))
    if run.node_id not in run.temp_prefixes:
        letters = "".join(random.choices(string.ascii_lowercase, k=5))  # noqa: S311 a file name
        run.temp_prefixes[run.node_id] = f"ComfyUI_temp_{letters}"
    return _save_all(run, images, run.folders.temp, run.temp_prefixes[run.node_id], "temp")


@behaves("VHS_VideoCombine")
def combine_video(run: Run, inputs: Inputs) -> Made:
    if inputs["format"] not in VIDEO_FORMATS:
        # What opening the definition of an unknown format ends in. Formats beside H.264 are not played here.
        raise TypeError("expected str, bytes or os.PathLike object, not NoneType")
    images: Pictures = inputs["images"]
    kind = "output" if inputs.get("save_output", True) else "temp"
    base = run.folders.output if kind == "output" else run.folders.temp
    place = run.folders.place_for(base, inputs["filename_prefix"])
    stem = f"{place.stem}_{place.counter:05}"
    _save_png(run, images.frame(0), images.label, place.folder / f"{stem}.png")
    order = list(range(images.count))
    if inputs.get("pingpong"):
        order += order[-2:0:-1]
    done = 0

    def count() -> None:
        # With pingpong the bar stays at its end while the way back is written, as recorded.
        nonlocal done
        done += 1
        run.progress(min(done, images.count), images.count)

    path = place.folder / f"{stem}.mp4"
    disk_must_have_room(run, path)
    video.encode(
        (marked(images.frame(index), images.label) for index in order),
        images.size,
        path,
        fps=inputs["frame_rate"],
        crf=int(inputs.get("crf", 19)),
        pixel_format=str(inputs.get("pix_fmt", "yuv420p")),
        comment=json.dumps(_metadata(run)) if inputs.get("save_metadata", True) else "",
        on_frame=count,
    )
    perhaps_spoil(run, path)
    if run.faults.take("missing_outputs"):
        return Made(((kind == "output", []),), ui={"gifs": []})
    entry = {
        "filename": path.name,
        "subfolder": place.subfolder,
        "type": kind,
        "format": inputs["format"],
        "frame_rate": inputs["frame_rate"],
    }
    return Made(((kind == "output", [str(path)]),), ui={"gifs": [entry]})


@behaves("Display Any (rgthree)")
def display(run: Run, inputs: Inputs) -> Made:
    return Made(ui={"text": [str(inputs["source"])]})
