"""Telling the fleet that there may be work.

A wake-up carries nothing but "look": the database holds the truth. Lost, doubled or late, it harms nothing,
because `gpujobs.tasks.reconcile` looks as well.
"""

import logging
from functools import cache, partial
from uuid import UUID

import django_rq
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from redis import Redis, RedisError

from gpujobs.models import GpuHost

log = logging.getLogger(__name__)

CHANNEL = "gpujobs:wake"
# A driver that was asked for and has not started yet is not asked for again before this many seconds.
ASKED_FOR_SECONDS = 10


def redis() -> Redis:
    """One client for all threads; its pool keeps connections, and opens new ones in a forked process."""
    return _client(settings.RQ_QUEUES["gpu"]["URL"])


@cache
def _client(url: str) -> Redis:
    return Redis.from_url(url)


def after_commit() -> None:
    """Wake the fleet once the transaction in hand is committed (at once outside of one)."""
    transaction.on_commit(wake)


def wake() -> None:
    """Tell the drivers at work, and start one for every host that has none."""
    try:
        redis().publish(CHANNEL, b"work")
        for host in driverless_hosts():
            ask_for_driver(host)
    except RedisError as error:
        # The rows are committed; the sweep sends what this could not.
        log.warning("wake-up not sent: %s", type(error).__name__)


def driverless_hosts() -> list[GpuHost]:
    free = Q(driver=None) | Q(driver_until__lt=timezone.now())
    # One without instances is only gone through.
    return list(GpuHost.objects.filter(free, state=GpuHost.State.ACTIVE, instances__isnull=False).distinct())


def ask_for_driver(host: GpuHost) -> bool:
    """Enqueue a driver for the host unless one was just asked for."""
    if not redis().set(_asked_key(host), b"1", nx=True, ex=ASKED_FOR_SECONDS):
        return False
    queue = django_rq.get_queue("gpu", connection=redis())
    queue.enqueue("gpujobs.tasks.drive", str(host.code), result_ttl=60, failure_ttl=24 * 3600)
    return True


def driver_started(host: GpuHost) -> None:
    redis().delete(_asked_key(host))


def tell_of_end(job_id: UUID) -> None:
    """Tell whoever asked for the job, once its end is committed; their sweep finds what Redis lost."""
    transaction.on_commit(partial(_enqueue, "portal", settings.GPUJOBS_ON_FINISHED, str(job_id)))


def _enqueue(queue: str, task: str, *args: str) -> None:
    try:
        django_rq.get_queue(queue, connection=redis()).enqueue(task, *args, result_ttl=60)
    except RedisError as error:
        log.warning("%s not sent: %s", task, type(error).__name__)


def _asked_key(host: GpuHost) -> str:
    return f"gpujobs:asked:{host.code}"
