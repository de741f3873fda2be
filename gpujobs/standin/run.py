"""What a node behaviour may ask of the execution that it is part of."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from .facts import NodeFacts
from .faults import Faults
from .folders import Folders
from .settings import Settings

Inputs = dict[str, Any]


class InterruptedRunError(Exception):
    """POST /interrupt, noticed."""


class KilledError(BaseException):
    """The process died under the job: nothing more is said or written."""


class NodeFailureError(Exception):
    """A failure whose real exception type is not installed here, such as torch's."""

    def __init__(self, exception_type: str, message: str) -> None:
        super().__init__(message)
        self.exception_type = exception_type


@dataclass(frozen=True)
class Made:
    """outputs: one value per output slot. ui: what /history lists for this node, if it lists anything."""

    outputs: tuple[Any, ...] = ()
    ui: dict[str, list[Any]] | None = None


@dataclass
class Run:
    """One prompt's execution, as seen from a node. node_id and class_type are those of the node that runs now."""

    settings: Settings
    facts: NodeFacts
    folders: Folders
    faults: Faults
    killed: threading.Event
    interrupted: threading.Event
    report: Callable[[int, int, Image.Image | None], None]
    prompt: dict[str, Any]
    extra_data: dict[str, Any]
    loaded: list[str]
    temp_prefixes: dict[str, str]
    node_id: str = ""
    class_type: str = ""
    sampler_steps: int = field(default=0)

    def check(self) -> None:
        """Where an interrupt is noticed: between nodes and at progress steps only."""
        while self.faults.wedged and not self.killed.wait(0.02):
            pass
        if self.killed.is_set():
            raise KilledError
        if self.interrupted.is_set():
            raise InterruptedRunError

    def progress(self, value: int, total: int, preview: Image.Image | None = None) -> None:
        self.check()
        self.report(value, total, preview)

    def wait(self, seconds: float) -> None:
        if self.killed.wait(seconds * self.faults.slowness):
            raise KilledError

    def hold(self, model: str) -> None:
        """Takes a model into GPU memory if another one is there."""
        if self.loaded != [model]:
            self.wait(self.settings.load_seconds)
            self.loaded[:] = [model]

    def sampler_step(self) -> None:
        """One step's time; this is where the GPU's own faults strike."""
        self.wait(self.settings.step_seconds)
        self.sampler_steps += 1
        if self.faults.take("oom"):
            self.faults.wedged |= self.faults.oom_wedges
            raise NodeFailureError("torch.OutOfMemoryError", OUT_OF_MEMORY)
        if self.faults.take("cuda_error"):
            self.faults.poisoned = True
        self.touch_gpu()

    def touch_gpu(self) -> None:
        """Every node that computes on the GPU fails in a process whose CUDA context is lost."""
        if self.faults.poisoned:
            raise RuntimeError(CUDA_FAULT)


OUT_OF_MEMORY = (
    "Allocation on device 0 would exceed allowed memory. (out of memory)\n"
    "Currently allocated     : 20.31 GiB\nRequested               : 2.25 GiB\nDevice limit            : 22.03 GiB\n"
    "Free (according to CUDA): 18.12 MiB"
)
CUDA_FAULT = (
    "CUDA error: an illegal memory access was encountered\n"
    "CUDA kernel errors might be asynchronously reported at some other API call, "
    "so the stacktrace below might be incorrect."
)
