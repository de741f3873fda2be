"""The prompts in one ComfyUI's hands, shared by the threads that drive it."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from gpujobs import workflows
from gpujobs.comfyui import Event, Status
from gpujobs.models import Attempt


@dataclass
class Turn:
    """A prompt that was sent and whose end is awaited."""

    attempt: Attempt
    prompt_id: str
    steps: int
    # The one node whose steps are shown: loading and writing frames send progress as well.
    progress_node: str
    # Monotonic seconds: when its progress was last written down, and when it last gave a sign of life.
    told_at: float = 0.0
    alive_at: float = field(default_factory=time.monotonic)
    missed: int = 0

    @property
    def is_pending(self) -> bool:
        return self.attempt.state == Attempt.State.SENT


class Turns:
    """Those turns by prompt id, with what was heard of a prompt before it was known to be ours.

    The socket can be quicker than the answer to /prompt. What it says of unknown prompts is kept a while.
    """

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}
        self._early: deque[tuple[str, Event]] = deque(maxlen=200)
        self._lock = threading.Lock()

    def add(self, attempt: Attempt, prompt_id: str) -> list[Event]:
        """Take a prompt in hand; returns what was already heard of it, for the caller to hear again."""
        workflow = workflows.get(attempt.job.workflow)
        turn = Turn(attempt, prompt_id, workflow.steps(attempt.job.params), workflow.progress_node)
        with self._lock:
            self._turns[prompt_id] = turn
            return [event for of, event in self._early if of == prompt_id]

    def put_back(self, turn: Turn) -> None:
        with self._lock:
            self._turns[turn.prompt_id] = turn

    def take(self, prompt_id: str) -> Turn | None:
        """Let go of a prompt; None if another thread was quicker."""
        with self._lock:
            return self._turns.pop(prompt_id, None)

    def of(self, event: Event) -> Turn | None:
        """Whose event it is. None for one that speaks of no prompt, or of one not known (yet)."""
        prompt_id = None if isinstance(event, Status) else event.prompt_id
        if prompt_id is None:
            return None
        with self._lock:
            turn = self._turns.get(prompt_id)
            if turn is None:
                self._early.append((prompt_id, event))
            else:
                turn.missed, turn.alive_at = 0, time.monotonic()
            return turn

    def all(self) -> list[Turn]:
        with self._lock:
            return list(self._turns.values())

    def __len__(self) -> int:
        with self._lock:
            return len(self._turns)
