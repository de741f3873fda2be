"""Proving that an instance works before it is given people's pictures again.

A probe is a small prompt of core nodes: a plain picture, blurred on the GPU, saved. A process that answers HTTP but
has lost its CUDA context fails it, as it would have failed the next job.
"""

import posixpath
import time
from uuid import uuid4

from gpujobs.comfyui import ComfyUI, Queued, Record, Unreachable
from gpujobs.faults import ProbeFailed
from gpujobs.looking import read_stats
from gpujobs.models import Instance
from gpujobs.runner import Reach, remove_folder

PROBE_SECONDS = 60.0
LOOK_SECONDS = 1.0


def probe(reach: Reach) -> None:
    """Run the probe to its end. Raises ProbeFailed, ComfyError or SshError; leaves nothing on the host."""
    # One folder for all of an instance's probes: what one that was cut off still wrote goes with the next.
    folder, mark = f"portal/{reach.instance.code.hex}", uuid4().hex
    _remove(reach, folder)
    reach.comfy.free()
    try:
        prompt_id = _post(reach, folder, mark)
        try:
            record = _wait(reach.comfy, prompt_id)
        finally:
            reach.comfy.delete_pending([prompt_id])
            reach.comfy.delete_history([prompt_id])
        if record.failure is not None:
            raise ProbeFailed(f"{record.failure.node_type}: {record.failure.message}")
        if not record.files("save"):
            raise ProbeFailed("it made no picture")
        free_mb = read_stats(reach.comfy).memory_free_mb
        Instance.objects.filter(pk=reach.instance.pk).update(memory_free_mb=free_mb)
    finally:
        _remove(reach, folder)


def _remove(reach: Reach, folder: str) -> None:
    remove_folder(reach.connection, posixpath.join(reach.instance.output_dir, folder))


def _post(reach: Reach, folder: str, mark: str) -> str:
    """The prompt's id, looked up where the answer to it was lost."""
    try:
        return reach.comfy.prompt(
            _graph(folder), client_id=reach.instance.client_id, extra_data={"portal_probe": mark}
        ).prompt_id
    except Unreachable as error:
        found = _find(reach.comfy, mark) if error.maybe_received else None
        if found is None:
            raise
        return found


def _find(comfy: ComfyUI, mark: str) -> str | None:
    queue = comfy.queue()
    # History after the queue: one that ends in between is then found there.
    every: list[Queued | Record] = [*queue.running, *queue.pending, *comfy.histories().values()]
    return next((each.prompt_id for each in every if each.extra_data.get("portal_probe") == mark), None)


def _wait(comfy: ComfyUI, prompt_id: str) -> Record:
    deadline = time.monotonic() + PROBE_SECONDS
    while time.monotonic() < deadline:
        if (record := comfy.history(prompt_id)) is not None:
            return record
        time.sleep(LOOK_SECONDS)
    raise ProbeFailed(f"it did not finish within {PROBE_SECONDS:g} seconds")


def _graph(folder: str) -> dict[str, object]:
    # The colour differs each time, or ComfyUI would answer from its cache without touching the GPU.
    colour = uuid4().int % 0xFFFFFF
    return {
        "plain": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": colour},
        },
        "blur": {"class_type": "ImageBlur", "inputs": {"image": ["plain", 0], "blur_radius": 2, "sigma": 1.0}},
        "save": {"class_type": "SaveImage", "inputs": {"images": ["blur", 0], "filename_prefix": f"{folder}/out"}},
    }
