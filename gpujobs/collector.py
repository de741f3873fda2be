"""Bringing an instance's results home while its next prompt runs: results first, cleaning when none waits."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from django.db import close_old_connections
from django.utils import timezone

from gpujobs import runner
from gpujobs.models import Attempt
from gpujobs.runner import Reach, Superseded
from gpujobs.turns import Turn, Turns

log = logging.getLogger(__name__)

State = Attempt.State
# So many ended attempts may wait to be cleaned for the sake of results; then they come first.
UNCLEANED = 2


class Collector:
    """Takes the turns that have ended, in order. ``poke`` is called whenever one is in hand or done with."""

    def __init__(self, reach: Reach, turns: Turns, poke: Callable[[], None]) -> None:
        self._reach = reach
        self._turns = turns
        self._poke = poke
        self._lock = threading.Lock()
        self._in_hand = 0
        # Prompts that have ended; None ends the loop.
        self._ended: SimpleQueue[Turn | None] = SimpleQueue()
        self._uncleaned: deque[Attempt] = deque()
        self._stopping = False

    @property
    def in_hand(self) -> int:
        """How many results are not home yet."""
        with self._lock:
            return self._in_hand

    @property
    def is_idle(self) -> bool:
        with self._lock:
            return not self._in_hand and not self._uncleaned

    def end(self, prompt_id: str) -> None:
        """A prompt has ended, whoever noticed; of several that do, one takes it."""
        turn = self._turns.take(prompt_id)
        if turn is None:
            return
        with self._lock:
            self._in_hand += 1
        self._poke()
        self._ended.put(turn)

    def stop(self) -> None:
        """What is half home already is brought home; the rest stays on record, for the next driver to find."""
        self._stopping = True
        self._ended.put(None)

    def run(self) -> None:
        while (turn := self._next()) is not None and not self._stopping:
            # One that the database has closed meanwhile is opened anew.
            close_old_connections()
            try:
                self._bring_to_end(turn)
            except Superseded:
                log.info("attempt %s is no longer ours", turn.attempt.pk, extra=turn.attempt.marks)
            finally:
                with self._lock:
                    self._in_hand -= 1
                self._poke()
        while self._uncleaned:
            self._clean_one()

    def _next(self) -> Turn | None:
        while self._uncleaned and (self._ended.empty() or len(self._uncleaned) > UNCLEANED):
            self._clean_one()
        return self._ended.get()

    def _clean_one(self) -> None:
        # It counts as not cleaned until it is.
        runner.clean(self._reach, self._uncleaned[0])
        self._uncleaned.popleft()

    def _bring_to_end(self, turn: Turn) -> None:
        attempt = turn.attempt
        record = self._reach.comfy.history(turn.prompt_id)
        if record is None:
            # The message was earlier than the record; the next look around settles it.
            self._turns.put_back(turn)
            return
        if not attempt.note(
            *Attempt.LIVE,
            state=State.EXECUTED,
            # A driver before us may have seen it end already.
            executed_at=attempt.executed_at or timezone.now(),
            execution_ms=runner.span_of(record),
        ):
            raise Superseded
        runner.conclude(self._reach, attempt, record)
        self._uncleaned.append(attempt)
