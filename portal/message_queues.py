"""RQ's queues, workers and failures, for an operator to read. Nothing can be emptied or sent again here: every message
only says "look", and what is to be done stands in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import django_rq
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from redis import RedisError
from rq import Queue, Worker
from rq.job import Job
from rq.registry import FailedJobRegistry

from portal.access import for_roles

FAILED_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Failed:
    """``error`` is its class alone: what it says may name somebody."""

    task: str
    at: datetime | None
    error: str


@dataclass(frozen=True, kw_only=True)
class OneQueue:
    name: str
    waiting: int
    since: datetime | None
    failed: int
    last_failed: Sequence[Failed]


@dataclass(frozen=True, kw_only=True)
class OneWorker:
    name: str
    queue: str
    task: str
    heard_at: datetime | None


@for_roles("operator")
@require_safe
def shown(request: HttpRequest) -> HttpResponse:
    try:
        queues = [_queue(django_rq.get_queue(name)) for name in settings.RQ_QUEUES]
        workers = [_worker(each) for each in Worker.all(connection=django_rq.get_connection("upkeep"))]
    except RedisError:
        return render(request, "portal/message_queues.html", {"away": True})
    workers.sort(key=lambda each: (each.queue, each.name))
    served = {each.queue for each in workers}
    unserved = [each.name for each in queues if each.name not in served]
    told = {
        "queues": queues,
        "workers": workers,
        "unserved": unserved,
        "any_failed": any(e.last_failed for e in queues),
    }
    return render(request, "portal/message_queues.html", told)


def _queue(queue: Queue) -> OneQueue:
    registry = FailedJobRegistry(queue=queue)
    first = queue.get_jobs(0, 1)
    last = Job.fetch_many(registry.get_job_ids(cleanup=False)[-FAILED_SHOWN:], connection=queue.connection)
    return OneQueue(
        name=queue.name,
        waiting=queue.count,
        since=_aware(first[0].enqueued_at) if first else None,
        failed=registry.get_job_count(cleanup=False),
        last_failed=[_failed(job) for job in reversed(last) if job is not None],
    )


def _failed(job: Job) -> Failed:
    result = job.latest_result()
    lines = (result.exc_string or "").strip().splitlines() if result else []
    return Failed(
        task=job.func_name or "",
        at=_aware(job.ended_at),
        error=lines[-1].partition(":")[0] if lines else "",
    )


def _worker(worker: Worker) -> OneWorker:
    job = worker.get_current_job()
    return OneWorker(
        name=worker.name,
        queue=", ".join(worker.queue_names()),
        task=job.func_name or "" if job else "",
        heard_at=_aware(worker.last_heartbeat),
    )


def _aware(moment: datetime | None) -> datetime | None:
    """RQ's moments are in UTC, with or without saying so."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
