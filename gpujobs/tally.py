"""Counting what ended: by outcome and fault, and how long each phase of a success took.

What ended a while ago never changes again. It is counted once, into the latest `Settled` row, so that a scrape counts
only the last hour or two however many rows there are, and figures never fall when old rows are deleted.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import transaction
from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum

from gpujobs.models import Attempt, Job, Settled

# Seconds; from a staging that takes a moment to a video that takes a quarter of an hour. To change them, delete the
# settled rows: all that is still there is counted anew.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200)
PHASES = {
    "queued": (F("job__queued_at"), F("claimed_at")),
    "staging": (F("claimed_at"), F("staged_at")),
    "pending": (F("sent_at"), F("started_at")),
    "execution": (F("started_at"), F("executed_at")),
    "collecting": (F("executed_at"), F("collected_at")),
}
# An end is dated before it is committed; no transaction of ours takes anything near as long.
MARGIN = timedelta(minutes=15)


@dataclass
class Spread:
    """``within[n]``: how many took at most BUCKETS[n] seconds; ``count`` and ``seconds``: of all."""

    within: list[int] = field(default_factory=lambda: [0] * len(BUCKETS))
    count: int = 0
    seconds: float = 0.0

    def add(self, other: "Spread") -> None:
        self.within = [mine + more for mine, more in zip(self.within, other.within, strict=True)]
        self.count += other.count
        self.seconds += other.seconds


@dataclass
class Tally:
    """``attempts`` by (workflow, outcome, fault), ``jobs`` by (workflow, outcome), ``phases`` by (workflow, phase)."""

    attempts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    jobs: Counter[tuple[str, str]] = field(default_factory=Counter)
    phases: dict[tuple[str, str], Spread] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        self.attempts += other.attempts
        self.jobs += other.jobs
        for key, spread in other.phases.items():
            self.phases.setdefault(key, Spread()).add(spread)

    def as_json(self) -> dict[str, Any]:
        return {
            "attempts": [[*key, count] for key, count in sorted(self.attempts.items())],
            "jobs": [[*key, count] for key, count in sorted(self.jobs.items())],
            "phases": [[*key, s.within, s.count, s.seconds] for key, s in sorted(self.phases.items())],
        }

    @classmethod
    def from_json(cls, figures: dict[str, Any]) -> Self:
        return cls(
            attempts=Counter({(w, outcome, fault): count for w, outcome, fault, count in figures["attempts"]}),
            jobs=Counter({(w, outcome): count for w, outcome, count in figures["jobs"]}),
            phases={(w, phase): Spread(within, n, seconds) for w, phase, within, n, seconds in figures["phases"]},
        )


def everything() -> Tally:
    """What is settled, and what ended since."""
    latest = Settled.objects.first()
    tally = Tally.from_json(latest.figures) if latest else Tally()
    tally.add(count(since=latest.until if latest else None))
    return tally


def settle(now: datetime) -> None:
    """Count what cannot change any more into one row, and drop the rows before it."""
    latest, until = Settled.objects.first(), now - MARGIN
    if latest and latest.until >= until:
        return
    tally = Tally.from_json(latest.figures) if latest else Tally()
    tally.add(count(since=latest.until if latest else None, until=until))
    with transaction.atomic():
        # Of two who settle at once, each wrote the whole sum up to its own moment.
        Settled.objects.create(until=until, figures=tally.as_json())
        Settled.objects.filter(until__lt=until).delete()


def count(*, since: datetime | None = None, until: datetime | None = None) -> Tally:
    """Of the rows themselves: what ended after ``since``, and at ``until`` at the latest."""
    ended = Q(finished_at__isnull=False)
    if since:
        ended &= Q(finished_at__gt=since)
    if until:
        ended &= Q(finished_at__lte=until)
    over = Attempt.objects.filter(ended).order_by()
    attempts = over.values_list("job__workflow", "state", "fault").annotate(Count("pk"))
    jobs = Job.objects.filter(ended).order_by().values_list("workflow", "state").annotate(Count("pk"))
    return Tally(
        attempts=Counter({(w, state, fault): number for w, state, fault, number in attempts}),
        jobs=Counter({(w, state): number for w, state, number in jobs}),
        phases=_phases(ended),
    )


def _phases(ended: Q) -> dict[tuple[str, str], Spread]:
    spans = {
        phase: ExpressionWrapper(end - start, output_field=DurationField()) for phase, (start, end) in PHASES.items()
    }
    wanted: dict[str, Any] = {}
    for phase in PHASES:
        counted = Q(number=1) if phase == "queued" else Q()
        wanted[f"{phase}_sum"] = Sum(phase, filter=counted)
        wanted[f"{phase}_count"] = Count(phase, filter=counted)
        for number, limit in enumerate(BUCKETS):
            within = counted & Q(**{f"{phase}__lte": timedelta(seconds=limit)})
            wanted[f"{phase}_{number}"] = Count("pk", filter=within)
    rows = Attempt.objects.filter(ended, state=Attempt.State.SUCCEEDED).alias(**spans).order_by()
    found = {}
    row: dict[str, Any]
    for row in rows.values("job__workflow").annotate(**wanted):  # type: ignore[assignment]  # names made above
        for phase in PHASES:
            total = row[f"{phase}_sum"] or timedelta(0)
            found[row["job__workflow"], phase] = Spread(
                within=[row[f"{phase}_{number}"] for number in range(len(BUCKETS))],
                count=row[f"{phase}_count"],
                seconds=total.total_seconds(),
            )
    return found
