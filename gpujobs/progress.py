"""How far a job is: step k of n while it runs, its place while it waits. For show only; steps live in Redis."""

import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Avg
from django.utils import timezone
from redis import RedisError

from gpujobs import workflows
from gpujobs.claiming import demands
from gpujobs.models import Attempt, Instance, Job
from gpujobs.scheduling import SAME_TIME, SOON
from gpujobs.wakeup import redis

log = logging.getLogger(__name__)

KEPT_SECONDS = 3600
SPAN_KEPT_SECONDS = 60

# In the order of `scheduling.wanted_at`, by which instances choose; who looks is one of many and looks often.
_PLACES_SQL = """
    SELECT id, place, seconds FROM (
        SELECT job.id, row_number() OVER turn AS place, sum(kind.seconds) OVER turn AS seconds
        FROM gpujobs_job AS job
        LEFT JOIN unnest(%(names)s::text[], %(seconds)s::float8[], %(long)s::bool[]) AS kind (name, seconds, long)
            ON kind.name = job.workflow
        WHERE job.state = 'queued'
        WINDOW turn AS (ORDER BY
            CASE WHEN kind.long THEN due_at
                ELSE least(due_at, date_bin(%(same)s, queued_at + %(soon)s, %(epoch)s)) END,
            due_at, queued_at, id
            ROWS UNBOUNDED PRECEDING)
    ) AS waiting WHERE id = ANY (%(wanted)s)
"""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """``place`` counts from 1 among the queued; ``step`` of ``steps`` while it runs; ``seconds_left`` is a guess
    from what the last runs of the same workflow took, None where nothing is known."""

    state: str
    place: int | None = None
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None


def tell(job_id: UUID, *, step: int, steps: int, started_at: datetime) -> None:
    """Write a running job's step down. A Redis that is away costs the display, never the job."""
    told = {"step": step, "steps": steps, "started_at": started_at.timestamp()}
    try:
        redis().set(_key(job_id), json.dumps(told), ex=KEPT_SECONDS)
    except RedisError as error:
        log.warning("progress not written: %s", type(error).__name__)


def of(job_ids: Collection[UUID]) -> dict[UUID, Progress]:
    """The progress of these jobs, by id; of a job that does not exist there is none."""
    states = dict(Job.objects.filter(pk__in=job_ids).values_list("pk", "state"))
    running = [pk for pk, state in states.items() if state == Job.State.RUNNING]
    queued = {pk for pk, state in states.items() if state == Job.State.QUEUED}
    told = _told(running)
    places = _places(queued) if queued else {}
    return {pk: _progress(pk, state, told.get(pk, {}), places.get(pk)) for pk, state in states.items()}


def usual_seconds(workflow: str) -> float:
    """The mean GPU time of the last 20 successes of a workflow, in seconds; its stated weight before there are any."""
    key = f"gpujobs:span:{workflow}"
    try:
        if (kept := redis().get(key)) is not None:
            return float(kept)
    except RedisError as error:
        log.warning("span not read: %s", type(error).__name__)
    last = Attempt.objects.filter(
        job__workflow=workflow, state=Attempt.State.SUCCEEDED, execution_ms__isnull=False
    ).order_by("-finished_at")[:20]
    mean = Attempt.objects.filter(pk__in=last.values("pk")).aggregate(mean=Avg("execution_ms"))["mean"]
    seconds = mean / 1000 if mean is not None else float(workflows.get(workflow).weight)
    try:
        redis().set(key, seconds, ex=SPAN_KEPT_SECONDS)
    except RedisError as error:
        log.warning("span not kept: %s", type(error).__name__)
    return seconds


def _progress(pk: UUID, state: str, told: dict[str, Any], place: "_Place | None") -> Progress:
    if place is not None:
        return Progress(state=state, place=place.number, seconds_left=place.seconds)
    if not told:
        return Progress(state=state)
    spent = timezone.now().timestamp() - told["started_at"]
    step, steps = told["step"], told["steps"]
    left = spent / step * (steps - step) if step and steps else None
    return Progress(state=state, step=step, steps=steps, seconds_left=left)


@dataclass(frozen=True)
class _Place:
    number: int
    seconds: float


def _places(wanted: Collection[UUID]) -> dict[UUID, _Place]:
    seats = max(1, Instance.objects.filter(state=Instance.State.ACTIVE, host__state="active").count())
    kinds = demands()
    given: dict[str, Any] = {
        "names": list(kinds),
        "seconds": [usual_seconds(name) for name in kinds],
        "long": [demand.long for demand in kinds.values()],
        "same": timedelta(seconds=SAME_TIME),
        "soon": SOON,
        "epoch": datetime.fromtimestamp(0, UTC),
        "wanted": list(wanted),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PLACES_SQL, given)
        return {pk: _Place(place, (seconds or 0.0) / seats) for pk, place, seconds in cursor.fetchall()}


def _told(job_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    if not job_ids:
        return {}
    try:
        values = redis().mget([_key(pk) for pk in job_ids])
    except RedisError as error:
        log.warning("progress not read: %s", type(error).__name__)
        return {}
    return {pk: json.loads(value) for pk, value in zip(job_ids, values, strict=True) if value is not None}


def _key(job_id: UUID) -> str:
    return f"gpujobs:progress:{job_id}"
