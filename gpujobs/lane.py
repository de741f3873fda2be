"""Driving one instance: one prompt runs, one waits behind it, never more.

Three threads share an instance. The feeder claims, stages and sends; the follower listens to the websocket for
progress and for the end of a prompt; the collector brings results home while the next prompt runs. The socket is
only ever a hint: what has happened to a prompt is read from /queue and /history.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from queue import SimpleQueue
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone
from redis import RedisError

from gpujobs import doctor, faults, progress, runner, workflows
from gpujobs.claiming import claim, is_outdone
from gpujobs.comfyui import (
    ComfyError,
    Event,
    Executing,
    ExecutionError,
    ExecutionInterrupted,
    ExecutionStart,
    Follower,
    Progress,
    PromptRefused,
    SocketClosed,
    SocketSilent,
)
from gpujobs.faults import HostProblem, ProbeFailed
from gpujobs.models import Attempt, Instance, Job
from gpujobs.probing import probe
from gpujobs.runner import Reach, Superseded, Withdrawn
from gpujobs.ssh import SshError
from gpujobs.turns import Turn, Turns

log = logging.getLogger(__name__)

State = Attempt.State
# Prompts in ComfyUI's hands at a time: one runs, one waits.
AHEAD = 2
# Without a wake-up the feeder looks anyway after so many seconds; so does the follower when the socket is silent.
FEED_SECONDS = 15.0
SILENCE_SECONDS = 10.0
# How long the next job's pictures wait for a result that is on its way home over the same connection.
RESULT_FIRST_SECONDS = 0.25
INTERRUPT_AGAIN = timedelta(seconds=5)
PROGRESS_EVERY = 0.5
LEFTOVER_AFTER = timedelta(seconds=30)
# What a lane can meet on its way; anything else is a mistake of ours and must be seen as one.
TROUBLES = (ComfyError, SshError, HostProblem, ProbeFailed, OSError, EOFError, DatabaseError, RedisError)


class Lane:
    """One instance's threads. `trouble` says why they ended, when they ended by themselves."""

    def __init__(self, reach: Reach, driver: UUID, on_trouble: Callable[[], None]) -> None:
        self.reach = reach
        self.driver = driver
        self.trouble: BaseException | None = None
        self._on_trouble = on_trouble
        self._turns = Turns()
        self._lock = threading.Lock()
        self._follower: Follower | None = None
        self._poke = threading.Event()
        self._stopping = threading.Event()
        self._collecting = 0
        # Prompts that have ended; None ends the collector.
        self._ended: SimpleQueue[Turn | None] = SimpleQueue()
        self._listening = threading.Event()
        # Whether the queue may hold something more urgent than what waits on the host.
        self._news = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(loop,), name=f"{name}-{reach.instance.pk}", daemon=True)
            for name, loop in (("follow", self._follow), ("feed", self._feed), ("collect", self._collect))
        ]

    def start(self) -> None:
        self._news.set()
        for thread in self._threads:
            thread.start()

    def poke(self) -> None:
        """Something may have changed outside: jobs asked for, cancelled or put back."""
        self._news.set()
        self._poke.set()

    def stop(self) -> None:
        """Let go of everything; attempts stay as they are on record, for the next driver to find."""
        self._let_go()
        if self._follower is not None:
            self._follower.close()
        *others, collector = self._threads
        for thread in others:
            thread.join(timeout=SILENCE_SECONDS + 5)
        # What is half home already is brought home.
        collector.join()

    def _let_go(self) -> None:
        self._stopping.set()
        self._poke.set()
        self._listening.set()
        self._ended.put(None)

    @property
    def is_idle(self) -> bool:
        with self._lock:
            return not len(self._turns) and not self._collecting

    @property
    def is_proving(self) -> bool:
        """Whether it was opened for an instance that is out and has not found it working yet."""
        return self.trouble is None and self.reach.instance.state == Instance.State.OUT

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except TROUBLES as error:
            self._give_in(error)
        except BaseException as error:
            # A mistake of ours. The driver ends with it rather than going on without this lane.
            self._give_in(error)
            raise
        finally:
            connections.close_all()

    def _give_in(self, error: BaseException) -> None:
        if not self._stopping.is_set():
            log.warning(
                "lane %s: %s: %s",
                *(self.reach.instance.pk, type(error).__name__, error),
                extra={"instance": self.reach.instance.pk},
            )
            self.trouble = self.trouble or error
            self._let_go()
            self._on_trouble()

    # The feeder

    def _feed(self) -> None:
        self._take_over()
        self._come_back()
        while not self._stopping.is_set():
            self._poke.clear()
            self._stop_cancelled()
            if self._news.is_set():
                self._news.clear()
                self._make_way()
            if doctor.is_stale(self.reach.instance):
                doctor.examine(self.reach)
            self._let_result_pass()
            if self._has_room() and (attempt := claim(self.reach.instance, driver=self.driver)):
                self._begin(attempt)
                continue
            self._tidy_leftovers()
            if not self._poke.wait(FEED_SECONDS):
                self._news.set()

    def _has_room(self) -> bool:
        with self._lock:
            # Results that pile up uncollected hold new work back as well.
            return len(self._turns) < AHEAD and self._collecting <= AHEAD

    def _let_result_pass(self) -> None:
        """While the instance works on what waited for it, the result is more urgent than what comes next."""
        with self._lock:
            may_wait = self._collecting and len(self._turns)
        if may_wait:
            self._poke.wait(RESULT_FIRST_SECONDS)

    def _come_back(self) -> None:
        """An instance that is out proves itself before it is given anything."""
        if self.reach.instance.state != Instance.State.OUT:
            return
        probe(self.reach)
        Instance.objects.filter(pk=self.reach.instance.pk, state=Instance.State.OUT).update(
            state=Instance.State.ACTIVE, probe_at=None, probes_failed=0, faults_in_row=0
        )
        self.reach.instance.state = Instance.State.ACTIVE
        log.info("instance %s is back", self.reach.instance.pk, extra={"instance": self.reach.instance.pk})

    def _make_way(self) -> None:
        """Take the waiting prompt back where a much more urgent job could have its place."""
        for turn in self._turns.all():
            if not turn.is_pending or not is_outdone(self.reach.instance, turn.attempt.job):
                continue
            if not runner.take_back(self.reach, turn.prompt_id):
                continue
            self._turns.take(turn.prompt_id)
            self._give_up(turn.attempt, faults.TAKEN_BACK, "a more urgent job came")

    def _begin(self, attempt: Attempt) -> None:
        try:
            if attempt.state == State.CLAIMED:
                runner.stage(self.reach, attempt)
            # What a prompt says before anybody listens is lost.
            self._listening.wait(SILENCE_SECONDS)
            prompt_id = runner.send(self.reach, attempt)
        except PromptRefused as refusal:
            # Accepted in part, it may run already: what it writes is tidied once it is over.
            self._give_up(attempt, faults.of_refusal(refusal), str(refusal), clean=refusal.status != 200)
        except workflows.ParameterError as error:
            self._give_up(attempt, faults.INVALID_GRAPH, str(error))
        except FileNotFoundError as error:
            self._give_up(attempt, faults.INPUT_MISSING, str(error.filename))
        except Withdrawn:
            runner.end_cancelled(attempt)
            runner.clean(self.reach, attempt)
        except Superseded:
            log.info("attempt %s is no longer ours", attempt.pk, extra=attempt.marks)
        else:
            self._expect(attempt, prompt_id)

    def _expect(self, attempt: Attempt, prompt_id: str) -> None:
        for event in self._turns.add(attempt, prompt_id):
            self._hear(event)

    def _give_up(self, attempt: Attempt, fault: faults.Fault, text: str, *, clean: bool = True) -> None:
        try:
            runner.give_up(attempt, fault, text)
        except Superseded:
            log.info("attempt %s is no longer ours", attempt.pk, extra=attempt.marks)
        else:
            if clean:
                runner.clean(self.reach, attempt)

    def _take_over(self) -> None:
        """Find again what the driver before left behind, each by its attempt's UUID."""
        left = Attempt.objects.filter(instance=self.reach.instance, state__in=Attempt.LIVE).select_related("job")
        for attempt in left.order_by("claimed_at"):
            adopted = Attempt.objects.filter(pk=attempt.pk, state__in=Attempt.LIVE).update(driver=self.driver)
            if adopted:
                attempt.driver = self.driver
                self._resume(attempt)

    def _resume(self, attempt: Attempt) -> None:
        found = runner.find(self.reach, attempt)
        if found.where == "nowhere" and attempt.sending_at:
            arrival = attempt.sending_at + runner.ARRIVAL_GRACE - timezone.now()
            if arrival > timedelta(0):
                time.sleep(arrival.total_seconds())
                found = runner.find(self.reach, attempt)
        if found.where == "nowhere":
            if attempt.sending_at is None:
                self._begin(attempt)
            else:
                self._give_up(attempt, faults.LOST, "neither queued nor in history")
            return
        if not attempt.prompt_id:
            attempt.move(*Attempt.LIVE, prompt_id=found.prompt_id, state=State.SENT, sent_at=timezone.now())
        self._expect(attempt, found.prompt_id)
        if found.where == "ended":
            self._end(found.prompt_id)

    def _tidy_leftovers(self) -> None:
        """Clean what an earlier driver had no time for; the collector cleans what it ends itself."""
        ended = Attempt.objects.filter(
            instance=self.reach.instance, cleaned_at=None, finished_at__lt=timezone.now() - LEFTOVER_AFTER
        )
        for attempt in ended.exclude(state__in=Attempt.LIVE)[:20]:
            runner.tidy(self.reach, attempt)

    def _stop_cancelled(self) -> None:
        turns = self._turns.all()
        asked = (
            set(
                Job.objects.filter(
                    pk__in=[turn.attempt.job_id for turn in turns], cancel_asked_at__isnull=False
                ).values_list("pk", flat=True)
            )
            if turns
            else set()
        )
        for turn in turns:
            if turn.attempt.job_id in asked:
                self._stop_turn(turn)

    def _stop_turn(self, turn: Turn) -> None:
        if runner.take_back(self.reach, turn.prompt_id):
            self._turns.take(turn.prompt_id)
            runner.end_cancelled(turn.attempt)
            runner.clean(self.reach, turn.attempt)
            return
        again = timezone.now() - INTERRUPT_AGAIN
        if turn.attempt.interrupt_asked_at and turn.attempt.interrupt_asked_at > again:
            return
        # An interrupt hits whatever runs, so it is sent only right after having seen our own prompt running.
        running = self.reach.comfy.queue().running
        if running and running[0].prompt_id == turn.prompt_id:
            turn.attempt.move(*Attempt.LIVE, interrupt_asked_at=timezone.now())
            self.reach.comfy.interrupt()

    # The follower

    def _follow(self) -> None:
        while not self._stopping.is_set():
            with self.reach.comfy.follow(self.reach.instance.client_id) as follower:
                self._follower = follower
                self._listening.set()
                self._look_around()
                self._listen(follower)

    def _listen(self, follower: Follower) -> None:
        while not self._stopping.is_set():
            try:
                for event in follower.events(timeout=SILENCE_SECONDS):
                    self._hear(event)
            except SocketSilent:
                self._look_around()
            except SocketClosed:
                self._listening.clear()
                if self._stopping.wait(1.0):
                    self._listening.set()
                return

    def _hear(self, event: Event) -> None:
        turn = self._turns.of(event)
        if turn is None:
            return
        match event:
            case ExecutionStart():
                self._begun(turn)
            case Progress():
                self._stepped(turn, event)
            case Executing(node=None) | ExecutionError() | ExecutionInterrupted():
                self._end(turn.prompt_id)

    def _begun(self, turn: Turn) -> None:
        now = timezone.now()
        if turn.attempt.move(State.SENT, state=State.RUNNING, started_at=now):
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
        queue = self.reach.comfy.queue()
        running = {queued.prompt_id for queued in queue.running}
        pending = {queued.prompt_id for queued in queue.pending}
        for turn in turns:
            if turn.prompt_id in running:
                self._begun(turn)
                self._check_moves(turn)
            elif turn.prompt_id not in pending:
                self._settle(turn)

    def _check_moves(self, turn: Turn) -> None:
        """A prompt that runs for long without any sign of life: the process is stuck, whatever it answers."""
        silent = time.monotonic() - turn.alive_at
        if silent < settings.GPUJOBS_WEDGED_SECONDS:
            return
        self._turns.take(turn.prompt_id)
        # Not cleaned now: it may still write when it moves again.
        self._give_up(turn.attempt, faults.WEDGED, f"no sign of life for {silent:.0f} s", clean=False)

    def _settle(self, turn: Turn) -> None:
        if self.reach.comfy.history(turn.prompt_id) is not None:
            self._end(turn.prompt_id)
            return
        turn.missed += 1
        # Once may be the moment between the queue and history; twice it is gone.
        if turn.missed >= 2:
            self._turns.take(turn.prompt_id)
            self._give_up(turn.attempt, faults.LOST, "neither queued nor in history")
            self._poke.set()

    # The collector

    def _end(self, prompt_id: str) -> None:
        turn = self._turns.take(prompt_id)
        if turn is None:
            return
        with self._lock:
            self._collecting += 1
        self._poke.set()
        self._ended.put(turn)

    def _collect(self) -> None:
        while (turn := self._ended.get()) is not None and not self._stopping.is_set():
            # One that the database has closed meanwhile is opened anew.
            close_old_connections()
            try:
                self._bring_to_end(turn)
            except Superseded:
                log.info("attempt %s is no longer ours", turn.attempt.pk, extra=turn.attempt.marks)
            finally:
                with self._lock:
                    self._collecting -= 1
                self._poke.set()

    def _bring_to_end(self, turn: Turn) -> None:
        attempt = turn.attempt
        record = self.reach.comfy.history(turn.prompt_id)
        if record is None:
            # The message was earlier than the record; the next look around settles it.
            self._turns.put_back(turn)
            return
        attempt.move(
            State.SENT,
            State.RUNNING,
            state=State.EXECUTED,
            executed_at=timezone.now(),
            execution_ms=runner.span_of(record),
        )
        runner.conclude(self.reach, attempt, record)
        runner.clean(self.reach, attempt)
