"""What an instance's GPU was really used for: the proof that a job ran once."""

import threading
import time
from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Execution:
    """One prompt taken off the queue. started, ended: epoch seconds. outcome: running, success, error, interrupted,
    killed. nodes_run and sampler_steps are 0 for an answer from the cache."""

    prompt_id: str
    extra_data: dict[str, Any]
    started: float
    ended: float | None = None
    outcome: str = "running"
    nodes_run: int = 0
    sampler_steps: int = 0


class Ledger:
    """Outlives restarts of the instance's process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._executions: list[Execution] = []

    def open(self, prompt_id: str, extra_data: dict[str, Any]) -> Execution:
        execution = Execution(prompt_id, extra_data, started=time.time())
        with self._lock:
            self._executions.append(execution)
        return execution

    def close(self, execution: Execution, outcome: str, *, nodes_run: int, sampler_steps: int) -> None:
        with self._lock:
            execution.ended, execution.outcome = time.time(), outcome
            execution.nodes_run, execution.sampler_steps = nodes_run, sampler_steps

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(each) for each in self._executions]
