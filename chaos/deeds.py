"""Doing what the plan says, each thing as it would happen."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import psutil
import requests
from django.db import OperationalError, connection, connections
from redis import Redis
from rq import Worker

from chaos.plan import Deed
from chaos.scene import Host, Scene
from gpujobs import hosts, queueing
from gpujobs.models import GpuHost, Job

# What the stand-in is told, for those that need no more than that.
TOLD: dict[str, dict[str, object]] = {
    "out of memory": {"oom": 1, "oom_wedges": False},
    "out of memory that wedges": {"oom": 1, "oom_wedges": True},
    "CUDA fault": {"cuda_error": 1},
    "wedged process": {"wedged": True},
    "wedged and slow to boot": {"wedged": True, "boot_seconds": 16.0},
    "frozen process": {"frozen": True},
    "silent websocket": {"mute": True},
    "dropped websocket": {"drop_sockets": True},
    "lost answer to a prompt": {"lose_prompt_answers": 1},
    "late history": {"history_lag": 1.5},
    "forgotten history": {"forget_history": True},
    "host clock apart": {"clock_ahead": 5400.0},
    "missing node": {"missing_nodes": 1},
    "missing model": {"missing_models": 1},
    "accepted without its output": {"half_accepted": 1},
    "full disk at upload": {"upload_disk_full": 1},
    "full disk at saving": {"save_disk_full": 1},
    "cut-off result": {"truncate_outputs": 1},
    "missing result": {"missing_outputs": 1},
    "result gone before it is fetched": {"vanished_outputs": 1},
    "restarted ComfyUI": {"restart": 2.0},
    "slowly restarted ComfyUI": {"restart": 18.0},
    "refused connections": {"refuse": 4.0},
}
HEALED: dict[str, dict[str, object]] = {
    "frozen process": {"frozen": False},
    "silent websocket": {"mute": False, "drop_sockets": True},
    "late history": {"history_lag": 0.0},
    "host clock apart": {"clock_ahead": 0.0},
}
# These end by themselves in the stand-in, whatever happens here.
ENDS_ITSELF = frozenset({"restarted ComfyUI", "slowly restarted ComfyUI", "refused connections"})


class Doer:
    """``cancelled``: the jobs that somebody asked to stop, in vain or not."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.cancelled: set[UUID] = set()
        self._later: list[threading.Timer] = []

    def do(self, deed: Deed) -> bool:
        """Returns whether there was anything to strike."""
        host = self.scene.hosts[deed.host]
        return self._tell(host, deed) if deed.kind in TOLD else DOINGS[deed.kind](self, host, deed)

    def finish(self) -> None:
        """Whatever still lasts ends now."""
        for timer in self._later:
            is_due = not timer.finished.is_set()
            timer.cancel()
            timer.join()
            if is_due:
                timer.function()
        self._later.clear()
        for host in self.scene.hosts:
            host.wire.thaw()

    def have_all_examined(self) -> None:
        """What was refused for want of something is possible again once an operator has the doctor look."""
        for host in self.scene.hosts:
            list(hosts.examine(host.row))

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
        if host.is_shut:
            return False
        host.is_shut = True
        host.sshd.kill()

        def start() -> None:
            if host.is_shut:
                host.sshd.start()
                host.is_shut = False

        self._in(deed.lasts, start)
        return True

    def _cut(self, host: Host, deed: Deed) -> bool:
        host.wire.cut()
        return True

    def _freeze(self, host: Host, deed: Deed) -> bool:
        host.frozen_until = max(host.frozen_until, time.monotonic() + deed.lasts)
        host.wire.freeze()

        def thaw() -> None:
            # Unless a longer frost has come meanwhile.
            if time.monotonic() >= host.frozen_until:
                host.wire.thaw()

        self._in(deed.lasts + 0.05, thaw)
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
        gpu_workers = [process for process in _portal_processes() if _words(process)[-2:] == ["rqworker", "gpu"]]
        at_work = [child for worker in gpu_workers for child in _children(worker)]
        return next((child for child in at_work if child.ppid() in named), next(iter(at_work), None))

    def _reboot(self, host: Host, deed: Deed) -> bool:
        """Workers, scheduler, Redis and database at once; `Processes.watch` starts again what it finds ended."""
        for process in _portal_processes():
            for victim in (*_children(process), process):
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
        return self._restart_redis(host, deed) and self._restart_database(host, deed)

    def _fill_disk(self, host: Host, deed: Deed) -> bool:
        self.scene.disk_full.touch()
        self._in(deed.lasts, lambda: self.scene.disk_full.unlink(missing_ok=True))
        return True

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

    def _restart_database(self, host: Host, deed: Deed) -> bool:
        connections.close_all()
        self.scene.database.stop()
        self.scene.database.__enter__()
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


DOINGS: dict[str, Callable[[Doer, Host, Deed], bool]] = {
    "stray interrupt": Doer._interrupt,
    "sshd killed": Doer._kill_sshd,
    "network cut": Doer._cut,
    "network frozen": Doer._freeze,
    "network frozen for long": Doer._freeze,
    "worker killed": Doer._kill_worker,
    "horse killed": Doer._kill_horse,
    "portal rebooted": Doer._reboot,
    "portal's disk full": Doer._fill_disk,
    "database connections cut": Doer._cut_database,
    "PostgreSQL restarted": Doer._restart_database,
    "Redis flushed": Doer._flush,
    "Redis restarted": Doer._restart_redis,
    "job cancelled": Doer._cancel,
}


def _portal_processes() -> list[psutil.Process]:
    """Workers and scheduler as they were started, without the processes of their jobs."""
    return [child for child in psutil.Process().children() if _words(child)[1:3] == ["-m", "chaos.portal"]]


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess):
        words: list[str] = process.cmdline()
        return words
    return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        children: list[psutil.Process] = process.children(recursive=True)
        return children
    return []
