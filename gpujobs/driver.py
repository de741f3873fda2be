"""Driving one GPU host: one SSH connection, a lane for each instance, a lease that says who drives.

idle long enough, asked to hand over, or nothing left to drive  -> the wheel is left free
connection lost                                                  -> connect again, lanes find their prompts again
killed                                                           -> the lease runs out, the next driver takes over
"""

import logging
import os
import socket
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from redis import RedisError
from redis.client import PubSub

from gpujobs import faults, restarting, runner, wakeup
from gpujobs.comfyui import ComfyUI, Timeouts
from gpujobs.lane import Lane
from gpujobs.models import Attempt, GpuHost, Instance
from gpujobs.runner import Reach, Superseded
from gpujobs.ssh import HostConnection, KeyUnusable, SshError, Target
from gpujobs.wheel import LEASE, Wheel, WheelLost

log = logging.getLogger(__name__)

# Longer than a model takes to load, shorter than the minute after which a job must be with another.
TIMEOUTS = Timeouts(connect=10, answer=20, file=40)
# Attempts on an instance that has failed for so long are given to others.
LOST_AFTER = timedelta(seconds=20)
# How often somebody looks for attempts that no lane has in hand.
LOOK_AFTER_SECONDS = 5.0

# Set in a worker's horse when the worker is asked to stop: the driver lets go and another takes over.
hand_over = threading.Event()


def target_of(host: GpuHost) -> Target:
    """Raises KeyUnusable where the host's key or its passphrase has a name that nobody set."""
    return Target(
        address=host.address,
        port=host.port,
        username=host.username,
        host_key=host.host_key,
        key_path=host.key_path,
        private_key=_private_key(host.key_name),
        passphrase=_passphrase(host.passphrase_name),
        jump=target_of(host.jump) if host.jump else None,
    )


def _private_key(name: str) -> str:
    if name and name not in settings.GPU_PRIVATE_KEYS:
        raise KeyUnusable(f"GPU_PRIVATE_KEY_{name} is not set")
    return str(settings.GPU_PRIVATE_KEYS[name]) if name else ""


def _passphrase(name: str) -> str | None:
    if not name:
        return settings.GPU_KEY_PASSPHRASE or None
    if name not in settings.GPU_KEY_PASSPHRASES:
        raise KeyUnusable(f"GPU_KEY_PASSPHRASE_{name} is not set")
    return str(settings.GPU_KEY_PASSPHRASES[name])


def reach_of(instance: Instance, connection: HostConnection) -> Reach:
    port = instance.port
    comfy = ComfyUI(
        f"http://127.0.0.1:{port}", connection.http(port), lambda: connection.channel(port), timeout=TIMEOUTS
    )
    return Reach(instance=instance, connection=connection, comfy=comfy)


def drive(host: GpuHost, *, worker: str = "") -> None:
    """Drive the host until nothing is left to do; returns at once where another drives it already.

    Raises SshError when the host cannot be reached, having written that down; the sweep tries again.
    """
    token = uuid4()
    name = worker or f"{socket.gethostname()}:{os.getpid()}"
    if not host.take_wheel(token, timezone.now() + LEASE, name):
        return
    wakeup.driver_started(host)
    driver = Driver(host, token, name)
    try:
        driver.run()
    except WheelLost:
        log.warning("host %s is driven by another now", host.name)
    except SshError as error:
        GpuHost.objects.filter(pk=host.pk).update(
            fault=type(error).__name__, fault_text=str(error)[:2000], fault_at=timezone.now()
        )
        raise
    except OperationalError:
        # The database was away. All is on record; whoever comes next need not wait until the lease runs out.
        connection.close()
        host.leave_wheel(token)
        wakeup.ask_for_driver(host)
        raise
    finally:
        host.leave_wheel(token)


class Driver:
    def __init__(self, host: GpuHost, token: UUID, name: str) -> None:
        self.host, self.token, self.name = host, token, name
        self.lanes: dict[int, Lane] = {}
        self._connection: HostConnection | None = None
        self._trouble = threading.Event()
        self._busy_at = self._looked_after_at = time.monotonic()

    def run(self) -> None:
        with Wheel(self.host, self.token, self.name, renewed=self._see_host) as wheel:
            while self._drive_connected(wheel):
                self._trouble.clear()

    def _drive_connected(self, wheel: Wheel) -> bool:
        """Drive over one connection; true if it broke and another is wanted."""
        with ExitStack() as closing:
            connection = self._connection = closing.enter_context(HostConnection.open(target_of(self.host)))
            closing.callback(self._stop_lanes)
            runner.seen(self.host)
            listener = closing.enter_context(_Listener())
            while not hand_over.is_set():
                wheel.check()
                self._open_lanes(connection)
                if listener.heard(timeout=1.0):
                    self._busy_at = time.monotonic()
                    self._poke_lanes()
                self._drop_troubled()
                if not connection.is_alive:
                    return True
                self._look_after_attempts()
                if self._has_nothing_to_do():
                    return False
        return False

    def _see_host(self) -> None:
        """Say, in the wheel's thread, that the host was seen; not while a lane is in trouble and nobody knows why."""
        if self._connection is not None and self._connection.is_alive and not self._trouble.is_set():
            runner.seen(self.host)

    def _open_lanes(self, connection: HostConnection) -> None:
        """A lane for each instance that has or may get something to do, and is not left alone for a while."""
        for instance in self._to_drive():
            lane = self.lanes.get(instance.pk)
            if lane is not None and (instance.state != Instance.State.OUT or lane.is_proving or not lane.is_idle):
                continue
            if lane is not None:
                lane.stop()
                del self.lanes[instance.pk]
            if instance.state == Instance.State.OUT and restarting.is_due(instance):
                restarting.begin(instance, connection)
                continue
            lane = Lane(reach_of(instance, connection), self.token, self._trouble.set)
            self.lanes[instance.pk] = lane
            lane.start()

    def _to_drive(self) -> QuerySet[Instance]:
        """All that work; those that are out, once they are due to be tried; drained ones while they hold something."""
        holding = Attempt.objects.filter(Q(state__in=Attempt.LIVE) | Q(cleaned_at=None), instance=OuterRef("pk"))
        due = Q(probe_at=None) | Q(probe_at__lte=timezone.now())
        drained = Q(state=Instance.State.DRAINING) & due & Exists(holding)
        out = Q(state=Instance.State.OUT, probe_at__lte=timezone.now())
        return Instance.objects.filter(Q(state=Instance.State.ACTIVE) & due | drained | out, host=self.host)

    def _look_after_attempts(self) -> None:
        """Attempts of this host that no lane has in hand: of an instance that fails, or of a driver that was late."""
        if time.monotonic() - self._looked_after_at < LOOK_AFTER_SECONDS:
            return
        self._looked_after_at = time.monotonic()
        live = Attempt.objects.filter(instance__host=self.host, state__in=Attempt.LIVE)
        self._free_silent(live.filter(instance__failing_since__lt=timezone.now() - LOST_AFTER))
        for pk in live.exclude(driver=self.token).values_list("instance", flat=True).distinct():
            if pk in self.lanes:
                self.lanes[pk].adopt()

    def _free_silent(self, silent: QuerySet[Attempt]) -> None:
        """Give the attempts of instances that have failed for a while to others, but for those a lane still follows."""
        followed = [pk for pk, lane in self.lanes.items() if not lane.is_proving]
        for attempt in silent.exclude(instance__in=followed).select_related("job", "instance"):
            try:
                runner.give_up(attempt, faults.LOST, f"the instance does not answer: {attempt.instance.fault}")
            except Superseded:
                log.info("attempt %s was taken over", attempt.pk, extra=attempt.marks)

    def _drop_troubled(self) -> None:
        if not self._trouble.is_set():
            return
        self._trouble.clear()
        for pk, lane in list(self.lanes.items()):
            if lane.trouble is None:
                continue
            lane.stop()
            del self.lanes[pk]
            self._judge(lane)

    def _judge(self, lane: Lane) -> None:
        trouble = lane.trouble
        if not lane.reach.connection.still_answers():
            # The way is to blame, not the instance; the lanes start anew over the next connection.
            return
        fault = faults.of_trouble(trouble)
        if fault is None:
            # The database, Redis or ourselves: nothing that an instance could be blamed for.
            raise trouble or RuntimeError("a lane ended without saying why")
        with transaction.atomic():
            if fault.owner == faults.Owner.INSTANCE:
                runner.blame(lane.reach.instance, fault, str(trouble))
            else:
                runner.leave_alone(lane.reach.instance, fault, str(trouble))

    def _has_nothing_to_do(self) -> bool:
        if any(not lane.is_idle for lane in self.lanes.values()):
            self._busy_at = time.monotonic()
        return time.monotonic() - self._busy_at > settings.GPUJOBS_IDLE_SECONDS

    def _poke_lanes(self) -> None:
        for lane in self.lanes.values():
            lane.poke()

    def _stop_lanes(self) -> None:
        for lane in self.lanes.values():
            lane.let_go()
        for lane in self.lanes.values():
            lane.stop()
        self.lanes.clear()


class _Listener:
    """Hears wake-ups. Without Redis it hears nothing, and the lanes look by themselves."""

    def __init__(self) -> None:
        self._pubsub: PubSub | None = None

    def __enter__(self) -> "_Listener":
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def heard(self, timeout: float) -> bool:
        try:
            if self._pubsub is None:
                self._pubsub = PubSub(wakeup.redis().connection_pool, ignore_subscribe_messages=True)
                self._pubsub.subscribe(wakeup.CHANNEL)
                # Whatever was said before we listened.
                return True
            return self._pubsub.get_message(timeout=timeout) is not None
        except RedisError as error:
            log.warning("not listening: %s", type(error).__name__)
            self._close()
            time.sleep(timeout)
            return False

    def _close(self) -> None:
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None
