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
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from redis import RedisError
from redis.client import PubSub

from gpujobs import faults, runner, wakeup
from gpujobs.comfyui import ComfyUI, Timeouts
from gpujobs.lane import Lane
from gpujobs.models import Attempt, GpuHost, Instance
from gpujobs.runner import Reach, Superseded
from gpujobs.ssh import CommandFailed, HostConnection, KeyUnusable, SshError, Target

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
RENEW_SECONDS = 5.0
# Longer than a model takes to load, shorter than the minute after which a job must be with another.
TIMEOUTS = Timeouts(connect=10, answer=20, file=40)
# Attempts on an instance that stays out this long are given to others.
LOST_AFTER = timedelta(seconds=20)

# A restart command's time, and how long a restarted ComfyUI gets before it is tried.
RESTART_SECONDS = 60.0
AFTER_RESTART = timedelta(seconds=10)

# Set in a worker's horse when the worker is asked to stop: the driver lets go and another takes over.
hand_over = threading.Event()


class WheelLost(Exception):
    """Another driver has taken the host over."""


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
    finally:
        host.leave_wheel(token)


class Driver:
    def __init__(self, host: GpuHost, token: UUID, name: str) -> None:
        self.host, self.token, self.name = host, token, name
        self.lanes: dict[int, Lane] = {}
        self._trouble = threading.Event()
        self._busy_at = time.monotonic()
        self._renewed_at = time.monotonic()

    def run(self) -> None:
        while self._drive_connected():
            self._trouble.clear()

    def _drive_connected(self) -> bool:
        """Drive over one connection; true if it broke and another is wanted."""
        with ExitStack() as closing:
            connection = closing.enter_context(HostConnection.open(target_of(self.host)))
            closing.callback(self._stop_lanes)
            runner.seen(self.host)
            listener = closing.enter_context(_Listener())
            while not hand_over.is_set():
                self._open_lanes(connection)
                if listener.heard(timeout=1.0):
                    self._busy_at = time.monotonic()
                    self._poke_lanes()
                self._renew()
                self._drop_troubled()
                if not connection.is_alive:
                    return True
                if self._has_nothing_to_do():
                    return False
        return False

    def _open_lanes(self, connection: HostConnection) -> None:
        """A lane for each instance that is not out, and for one that is out and due to be tried again."""
        due = Q(state=Instance.State.OUT, probe_at__lte=timezone.now())
        for instance in Instance.objects.filter(~Q(state=Instance.State.OUT) | due, host=self.host):
            lane = self.lanes.get(instance.pk)
            if lane is not None and (instance.state != Instance.State.OUT or lane.is_proving or not lane.is_idle):
                continue
            if lane is not None:
                lane.stop()
            if instance.state == Instance.State.OUT and not self._is_ready_again(instance, connection):
                continue
            lane = Lane(reach_of(instance, connection), self.token, self._trouble.set)
            self.lanes[instance.pk] = lane
            lane.start()

    def _is_ready_again(self, instance: Instance, connection: HostConnection) -> bool:
        """Restart a ComfyUI whose fault a restart mends, once for each fault; it is tried again a little later."""
        restarted = instance.restarted_at and instance.fault_at and instance.restarted_at >= instance.fault_at
        if restarted or not instance.restart_command or instance.fault not in faults.RESTART_HELPS:
            return True
        now = timezone.now()
        Instance.objects.filter(pk=instance.pk).update(restarted_at=now, probe_at=now + AFTER_RESTART)
        try:
            finished = connection.run(instance.restart_command, timeout=RESTART_SECONDS)
        except CommandFailed as error:
            log.error("instance %s not restarted: %s", instance.pk, error, extra={"instance": instance.pk})
        else:
            log.warning("instance %s restarted, status %s", instance.pk, finished.rc, extra={"instance": instance.pk})
        return False

    def _free_silent_attempts(self) -> None:
        """Give the attempts of instances that have been out for a while to others."""
        silent = Attempt.objects.filter(
            instance__host=self.host,
            instance__state=Instance.State.OUT,
            instance__fault_at__lt=timezone.now() - LOST_AFTER,
            state__in=Attempt.LIVE,
        ).exclude(instance__in=self.lanes)
        for attempt in silent.select_related("job", "instance"):
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
            runner.blame(lane.reach.instance, fault, str(trouble))

    def _renew(self) -> None:
        if time.monotonic() - self._renewed_at < RENEW_SECONDS:
            return
        self._renewed_at = time.monotonic()
        if not self.host.take_wheel(self.token, timezone.now() + LEASE, self.name):
            raise WheelLost(self.host.name)
        if not self._trouble.is_set():
            runner.seen(self.host)
        self._free_silent_attempts()

    def _has_nothing_to_do(self) -> bool:
        if any(not lane.is_idle for lane in self.lanes.values()):
            self._busy_at = time.monotonic()
        return time.monotonic() - self._busy_at > settings.GPUJOBS_IDLE_SECONDS

    def _poke_lanes(self) -> None:
        for lane in self.lanes.values():
            lane.poke()

    def _stop_lanes(self) -> None:
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
