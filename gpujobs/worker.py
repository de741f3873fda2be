"""An RQ worker whose horse never outlives it, and whose host is free at once when the horse dies."""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import OperationalError, connections
from django.utils.module_loading import import_string
from rq import Worker as RqWorker

from gpujobs import driver, wakeup
from gpujobs.models import GpuHost

PR_SET_PDEATHSIG = 1
# How soon a worker notices that its horse is gone, and how often it looks after abandoned jobs, in seconds.
MONITOR_SECONDS = 5
MAINTENANCE_SECONDS = 60
# RQ lists a worker for a minute longer than this after its last sign of life; one that is idle wakes up to give it.
IDLE_SECONDS = 30


class Worker(RqWorker):
    """One queue each: a worker that listens to two can lose a job when it is killed between them."""

    def __init__(self, queues: Any, *args: Any, **kwargs: Any) -> None:
        kwargs["job_monitoring_interval"] = MONITOR_SECONDS
        kwargs["maintenance_interval"] = MAINTENANCE_SECONDS
        kwargs["worker_ttl"] = IDLE_SECONDS
        super().__init__(queues, *args, **kwargs)
        if len(self.queues) != 1:
            raise ValueError(f"a worker serves one queue, not {len(self.queues)}")

        self.parent_pid = os.getpid()

    def work(self, *args: Any, **kwargs: Any) -> bool:
        (queue,) = self.queue_names()
        for task in settings.RQ_GET_READY.get(queue, ()):
            import_string(task)()
        return bool(super().work(*args, **kwargs))

    def main_work_horse(self, *args: Any, **kwargs: Any) -> None:
        die_with(self.parent_pid)
        # Sockets of the worker are not the horse's to use.
        connections.close_all()
        super().main_work_horse(*args, **kwargs)

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()
        driver.hand_over.clear()
        signal.signal(signal.SIGUSR1, lambda *_: driver.hand_over.set())

    def handle_warm_shutdown_request(self) -> None:
        """A driver may run for hours: ask it to let go instead of waiting for it."""
        super().handle_warm_shutdown_request()
        if self.horse_pid:
            # It may have ended just now; RQ has its number until it has been told.
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGUSR1)

    def handle_work_horse_killed(self, *args: Any, **kwargs: Any) -> None:
        super().handle_work_horse_killed(*args, **kwargs)
        try:
            if GpuHost.objects.filter(driver_name=self.name).update(driver=None, driver_until=None):
                wakeup.wake()
        except OperationalError as error:
            # The lease runs out by itself; a worker that ended over this would only be missed.
            self.log.warning("host not freed: %s", type(error).__name__)
        connections.close_all()


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies (Linux); elsewhere the lease ends its authority."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have died before the kernel was asked.
    if os.getppid() != parent:
        os._exit(1)
