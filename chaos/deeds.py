"""Doing what the plan says, each thing as it would happen."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import psutil
import requests
from django.db import OperationalError, connection
from redis import Redis
from rq import Worker

from chaos.plan import Deed
from chaos.scene import Host, Scene
from gpujobs import queueing
from gpujobs.models import GpuHost, Job

# What the stand-in is told, for those that need no more than that.
TOLD: dict[str, dict[str, object]] = {
    "out of memory": {"oom": 1},
    "CUDA fault": {"cuda_error": 1},
    "wedged process": {"wedged": True},
    "frozen process": {"frozen": True},
    "silent websocket": {"mute": True},
    "dropped websocket": {"drop_sockets": True},
    "lost answer to a prompt": {"lose_prompt_answers": 1},
    "late history": {"history_lag": 1.5},
    "forgotten history": {"forget_history": True},
    "full disk at upload": {"upload_disk_full": 1},
    "full disk at saving": {"save_disk_full": 1},
    "cut-off result": {"truncate_outputs": 1},
    "missing result": {"missing_outputs": 1},
    "restarted ComfyUI": {"restart": 2.0},
    "refused connections": {"refuse": 4.0},
}
HEALED: dict[str, dict[str, object]] = {
    "frozen process": {"frozen": False},
    "silent websocket": {"mute": False, "drop_sockets": True},
    "late history": {"history_lag": 0.0},
}


class Doer:
    """``cancelled``: the jobs that somebody asked to stop, in vain or not."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.cancelled: set[UUID] = set()
        self._later: list[threading.Timer] = []

    def do(self, deed: Deed) -> bool:
        """Returns whether there was anything to strike."""
        host = self.scene.hosts[deed.host]
        if deed.kind in TOLD:
            return self._tell(host, deed)
        doings: dict[str, Callable[[Host, Deed], bool]] = {
            "stray interrupt": self._interrupt,
            "sshd killed": self._kill_sshd,
            "network cut": self._cut,
            "network frozen": self._freeze,
            "worker killed": self._kill_worker,
            "horse killed": self._kill_horse,
            "database connections cut": self._cut_database,
            "Redis flushed": self._flush,
            "Redis restarted": self._restart_redis,
            "job cancelled": self._cancel,
        }
        return doings[deed.kind](host, deed)

    def finish(self) -> None:
        """Whatever still lasts ends now, and every instance is healed of what no restart command mended."""
        for timer in self._later:
            timer.cancel()
            timer.join()
            timer.function(*timer.args)
        self._later.clear()

    def _tell(self, host: Host, deed: Deed) -> bool:
        # One that is down already cannot be told.
        with suppress(requests.RequestException):
            host.tell(deed.place, **TOLD[deed.kind])
            if deed.kind in HEALED:
                self._in(deed.lasts, lambda: self._heal(host, deed))
            return True
        return False

    def _heal(self, host: Host, deed: Deed) -> None:
        with suppress(requests.RequestException):
            host.tell(deed.place, **HEALED[deed.kind])

    def _interrupt(self, host: Host, deed: Deed) -> bool:
        with suppress(requests.RequestException):
            host.interrupt(deed.place)
            return True
        return False

    def _kill_sshd(self, host: Host, deed: Deed) -> bool:
        host.sshd.kill()
        self._in(deed.lasts, host.sshd.start)
        return True

    def _cut(self, host: Host, deed: Deed) -> bool:
        host.wire.cut()
        return True

    def _freeze(self, host: Host, deed: Deed) -> bool:
        host.wire.freeze()
        self._in(deed.lasts, host.wire.thaw)
        return True

    def _kill_worker(self, host: Host, deed: Deed) -> bool:
        horse = self._horse(host)
        parent = horse and horse.parent()
        if parent is None:
            return False
        parent.kill()
        return True

    def _kill_horse(self, host: Host, deed: Deed) -> bool:
        horse = self._horse(host)
        if horse is None:
            return False
        horse.kill()
        return True

    def _horse(self, host: Host) -> psutil.Process | None:
        """The process that drives the host: the child of the worker whose name the lease carries.

        After Redis was flushed nobody knows the workers' names; then any that is at work.
        """
        name = GpuHost.objects.get(pk=host.row.pk).driver_name
        with Redis.from_url(self.scene.redis.url) as redis:
            named = [worker.pid for worker in Worker.all(connection=redis) if worker.name == name]
        at_work = [child for worker in self._gpu_workers() for child in _children(worker)]
        return next((child for child in at_work if child.ppid() in named), next(iter(at_work), None))

    def _gpu_workers(self) -> list[psutil.Process]:
        return [process for process in psutil.Process().children() if _is_gpu_worker(process)]

    def _cut_database(self, host: Host, deed: Deed) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        except OperationalError:
            connection.close()
            return False
        return True

    def _flush(self, host: Host, deed: Deed) -> bool:
        with Redis.from_url(self.scene.redis.url) as redis:
            redis.flushall()
        return True

    def _restart_redis(self, host: Host, deed: Deed) -> bool:
        self.scene.redis.stop()
        self.scene.redis.__enter__()
        return True

    def _cancel(self, host: Host, deed: Deed) -> bool:
        """Half of them one that runs, half one that waits."""
        dice = random.Random(deed.dice)  # noqa: S311  repeatable, and nothing secret
        state = dice.choice([Job.State.RUNNING, Job.State.QUEUED])
        open_jobs = list(Job.objects.filter(state=state, cancel_asked_at=None).order_by("queued_at", "pk")[:40])
        if not open_jobs:
            return False
        chosen = dice.choice(open_jobs)
        self.cancelled.add(chosen.pk)
        return queueing.cancel([chosen.pk]) == 1

    def _in(self, seconds: float, what: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, what)
        timer.daemon = True
        timer.start()
        self._later.append(timer)


def _is_gpu_worker(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()[-2:] == ["rqworker", "gpu"]
    return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        children: list[psutil.Process] = process.children()
        return children
    return []
