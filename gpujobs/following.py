"""Hearing from one ComfyUI what becomes of the prompts in its hands.

The socket is only ever a hint: what has happened to a prompt is read from /queue and /history.
"""

import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.utils import timezone

from gpujobs import faults, progress, runner
from gpujobs.comfyui import (
    Event,
    Executing,
    ExecutionStart,
    Follower,
    Progress,
    SocketClosed,
    SocketSilent,
)
from gpujobs.models import Attempt
from gpujobs.runner import Reach
from gpujobs.turns import Turn, Turns

State = Attempt.State
# After so long without a word from the socket it is asked where each prompt is.
SILENCE_SECONDS = 10.0
PROGRESS_EVERY = 0.5


class Following:
    """One instance's websocket, opened again whenever it closes. ``ended`` is called with the prompt that has ended,
    ``poke`` when one is gone without an end."""

    def __init__(self, reach: Reach, turns: Turns, *, ended: Callable[[str], None], poke: Callable[[], None]) -> None:
        self._reach = reach
        self._turns = turns
        self._ended = ended
        self._poke = poke
        self._follower: Follower | None = None
        # Monotonic seconds.
        self._opened_at = 0.0
        # Whether something happened that the socket should have told and did not.
        self._is_deaf = False
        # Whether a prompt was given up as stuck. The lane ends once it holds nothing more.
        self._is_stuck = False
        self._listening = threading.Event()
        self._stopping = threading.Event()

    def await_listening(self) -> None:
        """Return once somebody listens, or after a while: what a prompt says before that is lost."""
        self._listening.wait(SILENCE_SECONDS)

    def let_go(self) -> None:
        """Have nobody wait for the socket any more."""
        self._stopping.set()
        self._listening.set()

    def stop(self) -> None:
        self.let_go()
        if self._follower is not None:
            self._follower.close()

    def run(self) -> None:
        while not self._stopping.is_set():
            with self._reach.comfy.follow(self._reach.instance.client_id) as follower:
                self._follower, self._opened_at = follower, time.monotonic()
                self._listening.set()
                self._look_around()
                self._is_deaf = False
                self._listen(follower)

    def hear(self, event: Event) -> None:
        turn = self._turns.of(event)
        if turn is None:
            return
        match event:
            case ExecutionStart():
                self._begun(turn)
            case Progress():
                self._stepped(turn, event)
            case Executing(node=None):
                # Said last, however it ended: what says that it failed comes before its record is written.
                self._ended(turn.prompt_id)

    def _listen(self, follower: Follower) -> None:
        while not self._stopping.is_set():
            try:
                for event in follower.events(timeout=SILENCE_SECONDS):
                    self.hear(event)
            except SocketSilent:
                self._look_around()
                if self._is_deaf or self._is_doubtful():
                    self._pause()
                    return
            except SocketClosed:
                self._pause(1.0)
                return

    def _pause(self, seconds: float = 0.0) -> None:
        """Nobody listens until the socket is opened again, and nobody waits for it once we are asked to stop."""
        self._listening.clear()
        if self._stopping.wait(seconds):
            self._listening.set()

    def _is_doubtful(self) -> bool:
        """Whether something runs that was heard of before this socket was opened: another may hear it better."""
        return any(not turn.is_pending and turn.alive_at > self._opened_at for turn in self._turns.all())

    def _begun(self, turn: Turn) -> None:
        now = timezone.now()
        if turn.attempt.note(State.SENT, state=State.RUNNING, started_at=now):
            progress.tell(turn.attempt.job_id, step=0, steps=turn.steps, started_at=now)

    def _stepped(self, turn: Turn, event: Progress) -> None:
        if event.node != turn.progress_node:
            return
        if time.monotonic() - turn.told_at < PROGRESS_EVERY:
            return
        turn.told_at = time.monotonic()
        progress.tell(
            turn.attempt.job_id,
            step=event.value,
            steps=event.max,
            started_at=turn.attempt.started_at or timezone.now(),
        )

    def _look_around(self) -> None:
        """The socket says nothing: ask where each prompt is."""
        turns = self._turns.all()
        if not turns:
            return
        queue = self._reach.comfy.queue()
        running = {queued.prompt_id for queued in queue.running}
        pending = {queued.prompt_id for queued in queue.pending}
        for turn in turns:
            if turn.prompt_id in running:
                self._is_deaf |= turn.is_pending
                self._begun(turn)
                self._check_moves(turn)
            elif turn.prompt_id not in pending:
                self._settle(turn)
        if self._is_stuck:
            self._free_waiting()

    def _check_moves(self, turn: Turn) -> None:
        """A prompt that runs for long without any sign of life: the process is stuck, whatever it answers."""
        now = time.monotonic()
        silent, listened = now - turn.alive_at, now - max(self._opened_at, turn.alive_at)
        if silent < settings.GPUJOBS_WEDGED_SECONDS or listened < SILENCE_SECONDS or self._is_doubtful():
            # Perhaps it is the socket that died: it is judged by what a fresh one hears of it.
            return
        self._turns.take(turn.prompt_id)
        # Not cleaned now: it may still write when it moves again.
        text = f"no sign of life for {silent:.0f} s"
        runner.abandon(self._reach, turn.attempt, faults.WEDGED, text, clean_up=False)
        self._is_stuck = True

    def _free_waiting(self) -> None:
        """What waits behind a stuck prompt would wait for ever."""
        for turn in self._turns.all():
            if turn.is_pending and runner.take_back(self._reach, turn.prompt_id):
                self._turns.take(turn.prompt_id)
                runner.abandon(self._reach, turn.attempt, faults.TAKEN_BACK, "what ran before it is stuck")

    def _settle(self, turn: Turn) -> None:
        if self._reach.comfy.history(turn.prompt_id) is not None:
            self._is_deaf = True
            self._ended(turn.prompt_id)
            return
        turn.missed += 1
        # Once may be the moment between the queue and history; twice it is gone.
        if turn.missed >= 2:
            self._turns.take(turn.prompt_id)
            runner.abandon(self._reach, turn.attempt, faults.LOST, "neither queued nor in history")
            self._poke()
