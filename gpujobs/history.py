"""The last day, hour by hour: how much was made, and how long it waited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from gpujobs.models import Attempt, Job

HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Hour:
    """``usual`` and ``longest``: seconds from the queue to the first claim that half, and 95 % of the jobs begun in
    this hour did not exceed; None where none was begun."""

    begins_at: datetime
    succeeded: int
    failed: int
    usual: float | None
    longest: float | None


def last_day(now: datetime) -> list[Hour]:
    """24 whole hours, the one at hand last."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    ended = Job.objects.filter(finished_at__gte=first, state__in=[Job.State.SUCCEEDED, Job.State.FAILED])
    succeeded, failed = [0] * HOURS, [0] * HOURS
    for state, finished_at in ended.order_by().values_list("state", "finished_at"):
        if finished_at is not None:
            counts = succeeded if state == Job.State.SUCCEEDED else failed
            counts[_hour(finished_at, first)] += 1
    waits: list[list[float]] = [[] for _ in range(HOURS)]
    begun = Attempt.objects.filter(number=1, claimed_at__gte=first).order_by()
    for queued_at, claimed_at in begun.values_list("job__queued_at", "claimed_at"):
        waits[_hour(claimed_at, first)].append(max(0.0, (claimed_at - queued_at).total_seconds()))
    return [
        Hour(
            begins_at=first + timedelta(hours=hour),
            succeeded=succeeded[hour],
            failed=failed[hour],
            usual=_quantile(waits[hour], 0.5),
            longest=_quantile(waits[hour], 0.95),
        )
        for hour in range(HOURS)
    ]


def _hour(moment: datetime, first: datetime) -> int:
    return min(HOURS - 1, int((moment - first).total_seconds() // 3600))


def _quantile(values: Sequence[float], part: float) -> float | None:
    return sorted(values)[ceil(len(values) * part) - 1] if values else None
