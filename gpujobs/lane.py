"""Driving one instance: one prompt runs, one waits behind it, never more.

Three threads share an instance. The feeder, here, claims, stages and sends; `gpujobs.following` hears of progress and
of the end of a prompt; `gpujobs.collector` brings results home while the next prompt runs.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, connections
from django.db.models import QuerySet
from django.utils import timezone
from redis import RedisError

from gpujobs import doctor, faults, runner, workflows
from gpujobs.claiming import claim, is_outdone
from gpujobs.collector import Collector
from gpujobs.comfyui import ComfyError, PromptRefused
from gpujobs.faults import HostProblem, ProbeFailed
from gpujobs.following import SILENCE_SECONDS, Following
from gpujobs.models import Attempt, Instance, Job
from gpujobs.probing import probe
from gpujobs.runner import Reach, Superseded, Withdrawn
from gpujobs.ssh import SshError
from gpujobs.turns import Turn, Turns

log = logging.getLogger(__name__)

State = Attempt.State
# Prompts in ComfyUI's hands at a time: one runs, one waits.
AHEAD = 2
# Without a wake-up the feeder looks anyway after so many seconds.
FEED_SECONDS = 15.0
# How long the next job's pictures wait for a result that is on its way home over the same connection.
RESULT_FIRST_SECONDS = 0.25
# Longer than reading a result's file may take; whoever takes over finds one that is still not home.
COLLECT_SECONDS = 60.0
INTERRUPT_AGAIN = timedelta(seconds=5)
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
        self._poke = threading.Event()
        self._stopping = threading.Event()
        # Whether the queue may hold something more urgent than what waits on the host, or somebody wants a job stopped.
        self._news = threading.Event()
        # Whether an earlier driver, late, left an attempt here.
        self._left_behind = threading.Event()
        # Monotonic seconds: when that was last looked for, and when leftovers were.
        self._looked_at = self._tidied_at = -FEED_SECONDS
        self._collector = Collector(reach, self._turns, self._poke.set)
        self._following = Following(reach, self._turns, ended=self._collector.end, poke=self._poke.set)
        loops = {"follow": self._following.run, "feed": self._feed, "collect": self._collector.run}
        self._threads = [
            threading.Thread(target=self._guarded, args=(loop,), name=f"{name}-{reach.instance.pk}", daemon=True)
            for name, loop in loops.items()
        ]

    def start(self) -> None:
        self._news.set()
        for thread in self._threads:
            thread.start()

    def adopt(self) -> None:
        """An attempt of this instance is held by a driver that no longer drives: take it over."""
        self._left_behind.set()
        self._poke.set()

    def poke(self) -> None:
        """Something may have changed outside: jobs asked for, cancelled or put back."""
        self._news.set()
        self._poke.set()

    def stop(self) -> None:
        """Let go of everything; attempts stay as they are on record, for the next driver to find."""
        self.let_go()
        self._following.stop()
        *others, collector = self._threads
        for thread in others:
            thread.join(timeout=SILENCE_SECONDS + 5)
        # What is half home already is brought home.
        collector.join(timeout=COLLECT_SECONDS)

    def let_go(self) -> None:
        """Have the threads end soon, without waiting for them."""
        self._stopping.set()
        self._poke.set()
        self._following.let_go()
        self._collector.stop()

    @property
    def is_idle(self) -> bool:
        return not len(self._turns) and self._collector.is_idle

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
            self.let_go()
            self._on_trouble()

    def _feed(self) -> None:
        self._take_over(self._live())
        self._come_back()
        while not self._stopping.is_set():
            self._poke.clear()
            if self._left_behind.is_set() and self._has_room():
                self._left_behind.clear()
                self._take_over(self._live().exclude(driver=self.driver))
            self._look_for_news()
            if doctor.is_stale(self.reach.instance):
                doctor.examine(self.reach)
            self._let_result_pass()
            if self._has_room() and (attempt := claim(self.reach.instance, driver=self.driver)):
                self._begin(attempt)
                continue
            self._tidy_leftovers()
            self._poke.wait(FEED_SECONDS)

    def _look_for_news(self) -> None:
        """After a wake-up, and now and then without one: it may have been lost."""
        if self._news.is_set() or time.monotonic() - self._looked_at >= FEED_SECONDS:
            self._news.clear()
            self._looked_at = time.monotonic()
            self._stop_cancelled()
            self._make_way()

    def _has_room(self) -> bool:
        # Results that pile up uncollected hold new work back as well.
        return len(self._turns) < AHEAD and self._collector.in_hand <= AHEAD

    def _let_result_pass(self) -> None:
        """While the instance works on what waited for it, the result is more urgent than what comes next."""
        if self._collector.in_hand and len(self._turns):
            self._poke.wait(RESULT_FIRST_SECONDS)

    def _come_back(self) -> None:
        """An instance that is out proves itself before it is given anything."""
        if self.reach.instance.state != Instance.State.OUT:
            return
        probe(self.reach)
        Instance.objects.filter(pk=self.reach.instance.pk, state=Instance.State.OUT).update(
            state=Instance.State.ACTIVE, failing_since=None, probe_at=None, probes_failed=0, faults_in_row=0
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
            runner.abandon(self.reach, turn.attempt, faults.TAKEN_BACK, "a more urgent job came")

    def _begin(self, attempt: Attempt) -> None:
        try:
            if attempt.state == State.CLAIMED:
                runner.stage(self.reach, attempt)
            self._following.await_listening()
            prompt_id = runner.send(self.reach, attempt)
        except PromptRefused as refusal:
            # Accepted in part, it may run already: what it writes is tidied once it is over.
            fault, in_part = faults.of_refusal(refusal), refusal.status == 200
            runner.abandon(self.reach, attempt, fault, str(refusal), clean_up=not in_part)
        except workflows.ParameterError as error:
            runner.abandon(self.reach, attempt, faults.INVALID_GRAPH, str(error))
        except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
            # The portal's own: what the host refuses comes as an error of the way there.
            runner.abandon(self.reach, attempt, faults.INPUT_MISSING, str(error.filename))
        except Withdrawn:
            runner.end_cancelled(attempt)
            runner.clean(self.reach, attempt)
        except Superseded:
            log.info("attempt %s is no longer ours", attempt.pk, extra=attempt.marks)
        else:
            self._expect(attempt, prompt_id)

    def _expect(self, attempt: Attempt, prompt_id: str) -> None:
        for event in self._turns.add(attempt, prompt_id):
            self._following.hear(event)

    def _live(self) -> QuerySet[Attempt]:
        return Attempt.objects.filter(instance=self.reach.instance, state__in=Attempt.LIVE)

    def _take_over(self, left: QuerySet[Attempt]) -> None:
        """Find again what the driver before left behind, each by its attempt's UUID."""
        for attempt in left.select_related("job").order_by("claimed_at"):
            # Only at the wheel: a driver that was late takes nothing from the one that drives now.
            mine = self._live().filter(pk=attempt.pk, instance__host__driver=self.driver)
            if mine.update(driver=self.driver):
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
                runner.abandon(self.reach, attempt, faults.LOST, "neither queued nor in history")
            return
        if not attempt.prompt_id:
            attempt.move(*Attempt.LIVE, prompt_id=found.prompt_id, state=State.SENT, sent_at=timezone.now())
        self._expect(attempt, found.prompt_id)
        if found.where == "ended":
            self._collector.end(found.prompt_id)

    def _tidy_leftovers(self) -> None:
        """Clean what an earlier driver had no time for; the collector cleans what it ends itself."""
        if time.monotonic() - self._tidied_at < FEED_SECONDS:
            return
        self._tidied_at = time.monotonic()
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
