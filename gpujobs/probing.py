"""Proving that an instance works before it is given people's pictures again.

A probe is a small prompt of core nodes: a plain picture, blurred on the GPU, saved. A process that answers HTTP but
has lost its CUDA context fails it, as it would have failed the next job.
"""

import posixpath
import time
from uuid import uuid4

from gpujobs.comfyui import ComfyUI, Record
from gpujobs.faults import ProbeFailed
from gpujobs.runner import Reach, remove_folder

PROBE_SECONDS = 60.0
LOOK_SECONDS = 1.0


def probe(reach: Reach) -> None:
    """Run the probe to its end. Raises ProbeFailed, ComfyError or SshError; leaves nothing on the host."""
    folder = f"portal/{uuid4().hex}"
    reach.comfy.free()
    accepted = reach.comfy.prompt(
        _graph(folder), client_id=reach.instance.client_id, extra_data={"portal_probe": folder}
    )
    try:
        record = _wait(reach.comfy, accepted.prompt_id)
        if record.failure is not None:
            raise ProbeFailed(f"{record.failure.node_type}: {record.failure.message}")
        if not record.files("save"):
            raise ProbeFailed("it made no picture")
    finally:
        reach.comfy.delete_pending([accepted.prompt_id])
        reach.comfy.delete_history([accepted.prompt_id])
        remove_folder(reach.connection, posixpath.join(reach.instance.output_dir, folder))


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
