"""What can be told to a stand-in host before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Times are seconds.

    step_seconds: one sampler step. frame_seconds: one frame of an interpolation or an upscale.
    load_seconds: taking a checkpoint into GPU memory when another one was there.
    node_seconds: node class -> time of a node that reports no progress (an interrupt waits for it).
    absent_models: names of model files and folders that this host lacks; a graph that names a file
        of a loader's list is refused.
    broken_models: files that are there but cannot be read; the loader node fails, as after a cut-off download.
    canned_result: a file that every output node gives a copy of. Nothing is drawn then: the nodes take their time, say
    what they always say and cost next to no CPU, so that what is measured is whoever drives the host.
    canned_video: the same for the nodes that write a video; they leave a copy of the picture beside it.
    clock_ahead: how far this host's clock is ahead of everybody else's; negative for one that is behind.
    control: serve /standin/faults, /standin/ledger and /standin/requests. Off unless asked for: a real host has no
    such routes.
    """

    step_seconds: float = 0.02
    frame_seconds: float = 0.0
    load_seconds: float = 0.0
    node_seconds: Mapping[str, float] = field(default_factory=dict)
    absent_models: frozenset[str] = frozenset()
    broken_models: frozenset[str] = frozenset()
    canned_result: Path | None = None
    canned_video: Path | None = None
    gpu_name: str = "NVIDIA L4"
    gpu_memory_mb: int = 23034
    clock_ahead: float = 0.0
    control: bool = False
