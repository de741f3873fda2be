"""What can be made to go wrong on an instance, for the tests of everything that must survive it."""

import threading
from dataclasses import dataclass, field, fields
from typing import Any


class UnknownFaultError(ValueError):
    pass


@dataclass
class Faults:
    """Numbers count down: that many times, then no more. Times are seconds. Set over POST /standin/faults or directly.

    A restart heals wedged, frozen, poisoned and mute, as it does on a real host.
    """

    # The process
    oom: int = 0  # executions that run out of GPU memory at their first sampler step
    oom_wedges: bool = False  # ... and leave the process wedged
    cuda_error: int = 0  # executions that hit a CUDA fault, which poisons every later one
    poisoned: bool = False
    wedged: bool = False  # the running job stops moving and hears no interrupt; HTTP still answers
    slowness: float = 1.0  # factor on every step
    boot_seconds: float = 0.0  # the next restart takes at least this long
    clock_ahead: float = 0.0  # the host's clock from now on, beside Settings.clock_ahead
    # HTTP and websocket
    frozen: bool = False  # connections are taken and never answered
    answer_delay: float = 0.0
    lose_prompt_answers: int = 0  # the prompt is queued, the connection dies before the answer
    mute: bool = False  # open sockets stay open and say nothing
    # Refusals of graphs that name a model file, which leaves a probe's graph alone
    missing_nodes: int = 0  # prompts refused because a class is not installed
    missing_models: int = 0  # prompts refused because a loader does not list their file
    half_accepted: int = 0  # prompts answered 200 with node errors, of which nothing will be executed
    refused_seed: int | None = None  # whatever has this seed fails validation
    # History
    record_delay: float = 0.0  # between the last word of a job's nodes and its record; `executing: null` comes after it
    history_lag: float = 0.0  # a finished job's record appears this much later, after all has been said
    history_limit: int | None = None  # only the newest records are kept
    # Disk
    upload_disk_full: int = 0  # the file is left cut to half its bytes
    save_disk_full: int = 0
    truncate_outputs: int = 0  # saved files that are cut to half their bytes
    missing_outputs: int = 0  # pictures that an output node leaves out
    vanished_outputs: int = 0  # saved files that are listed and gone, as after an answer from the cache
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def take(self, name: str) -> bool:
        """True if this fault is due now; counts it down."""
        with self._lock:
            left: int = getattr(self, name)
            if left > 0:
                setattr(self, name, left - 1)
            return left > 0

    def set(self, wanted: dict[str, Any]) -> None:
        """Raises UnknownFaultError for a name or a type that is none of the above."""
        known = {each.name for each in fields(self) if not each.name.startswith("_")}
        for name, value in wanted.items():
            if name not in known or not isinstance(value, int | float | bool | None):
                raise UnknownFaultError(name)
        for name, value in wanted.items():
            setattr(self, name, value)

    def heal(self) -> None:
        """What a restart mends."""
        self.poisoned = self.wedged = self.frozen = self.mute = False

    def as_dict(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self) if not each.name.startswith("_")}
