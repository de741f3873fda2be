"""The fleet in Prometheus's form, computed at each scrape from the database and Redis.

Nothing is counted in a process's memory: whichever web process answers, and however often it was restarted, the
figures are the same. Counters count rows; they fall only when rows are deleted, which Prometheus takes for a restart.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import django_rq
from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, Q, Sum
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from redis import RedisError
from rq.registry import FailedJobRegistry

from gpujobs import overview, workflows
from gpujobs.busy import WINDOW, busy_and_gaps
from gpujobs.models import Attempt, GpuHost, Instance, Job, Scan

# Seconds; from a staging that takes a moment to a video that takes a quarter of an hour.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200)
QUEUES = ("gpu", "portal", "upkeep")

PHASES = {
    "queued": (F("job__queued_at"), F("claimed_at")),
    "staging": (F("claimed_at"), F("staged_at")),
    "pending": (F("sent_at"), F("started_at")),
    "execution": (F("started_at"), F("executed_at")),
    "collecting": (F("executed_at"), F("collected_at")),
}


class Fleet:
    """A collector for a prometheus_client registry."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield from _queue(now)
        yield from _attempts()
        yield _phases()
        yield from _instances(now)
        yield from _scans()
        yield from _rq()

    def describe(self) -> list[Metric]:
        """None, so that registering it asks the database nothing."""
        return []


def _queue(now: datetime) -> Iterator[Metric]:
    depth = GaugeMetricFamily("gpujobs_queue_depth", "Jobs that wait for an instance.", labels=["workflow"])
    oldest = GaugeMetricFamily(
        "gpujobs_queue_oldest_seconds", "Since when the one that waits longest does.", labels=["workflow"]
    )
    overdue = GaugeMetricFamily("gpujobs_queue_overdue", "Waiting jobs whose time has passed.", labels=["workflow"])
    possible = GaugeMetricFamily(
        "gpujobs_possible_instances", "Active instances on which the workflow is possible.", labels=["workflow"]
    )
    waiting = {
        row["workflow"]: row
        for row in Job.objects.filter(state=Job.State.QUEUED)
        .order_by()
        .values("workflow")
        .annotate(depth=Count("pk"), since=Min("queued_at"), overdue=Count("pk", filter=Q(due_at__lt=now)))
    }
    able = overview.possible_instances()
    for name in workflows.names():
        row = waiting.get(name)
        depth.add_metric([name], row["depth"] if row else 0)
        oldest.add_metric([name], (now - row["since"]).total_seconds() if row else 0)
        overdue.add_metric([name], row["overdue"] if row else 0)
        possible.add_metric([name], able[name])
    yield from (depth, oldest, overdue, possible)


def _attempts() -> Iterator[Metric]:
    attempts = CounterMetricFamily(
        "gpujobs_attempts", "Attempts that ended, by how and by fault.", labels=["workflow", "outcome", "fault"]
    )
    over = Attempt.objects.exclude(state__in=Attempt.LIVE).order_by()
    for workflow, state, fault, count in over.values_list("job__workflow", "state", "fault").annotate(Count("pk")):
        attempts.add_metric([workflow, state, fault], count)
    jobs = CounterMetricFamily("gpujobs_jobs", "Jobs that ended, by how.", labels=["workflow", "outcome"])
    ended = Job.objects.filter(state__in=Job.ENDED).order_by()
    for workflow, state, count in ended.values_list("workflow", "state").annotate(Count("pk")):
        jobs.add_metric([workflow, state], count)
    yield from (attempts, jobs)


def _phases() -> Metric:
    family = HistogramMetricFamily(
        "gpujobs_phase_seconds",
        "How long succeeded attempts were in each phase: queued (first tries only), staging, pending in ComfyUI's"
        " queue, execution, collecting.",
        labels=["workflow", "phase"],
    )
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
    rows = Attempt.objects.filter(state=Attempt.State.SUCCEEDED).alias(**spans).order_by()
    row: dict[str, Any]
    for row in rows.values("job__workflow").annotate(**wanted):  # type: ignore[assignment]  # names made above
        for phase in PHASES:
            buckets = [(str(float(limit)), row[f"{phase}_{number}"]) for number, limit in enumerate(BUCKETS)]
            total = row[f"{phase}_sum"] or timedelta(0)
            family.add_metric(
                [row["job__workflow"], phase], [*buckets, ("+Inf", row[f"{phase}_count"])], total.total_seconds()
            )
    return family


def _instances(now: datetime) -> Iterator[Metric]:
    states = GaugeMetricFamily("gpujobs_instances", "Instances by state.", labels=["state"])
    listed = Instance.objects.exclude(host__state=GpuHost.State.RETIRED)
    counts = dict(listed.order_by().values_list("state").annotate(Count("pk")))
    for state in Instance.State.values:
        states.add_metric([state], counts.get(state, 0))
    driven = GaugeMetricFamily("gpujobs_host_driven", "1 while a driver holds the host's lease.", labels=["host"])
    for name, until in GpuHost.objects.exclude(state=GpuHost.State.RETIRED).values_list("name", "driver_until"):
        driven.add_metric([name], float(until is not None and until > now))
    minutes = int(WINDOW.total_seconds() / 60)
    share = GaugeMetricFamily(
        "gpujobs_gpu_busy_share", f"Share of the last {minutes} minutes in which the GPU executed.", labels=["instance"]
    )
    gaps = GaugeMetricFamily(
        "gpujobs_gpu_idle_gap_seconds",
        f"Between two executions of the last {minutes} minutes where the second was there before the first ended.",
        labels=["instance", "quantile"],
    )
    free = GaugeMetricFamily("gpujobs_disk_free_bytes", "Free for results, as last looked.", labels=["instance"])
    measured = busy_and_gaps(now)
    for instance in listed.select_related("host"):
        one = measured.get(instance.pk)
        share.add_metric([str(instance)], one.share if one else 0.0)
        for quantile in (0.5, 0.95) if one and one.gaps else ():
            gaps.add_metric([str(instance), str(quantile)], one.gap(quantile) if one else 0.0)
        if instance.disk_free_mb is not None:
            free.add_metric([str(instance)], instance.disk_free_mb * 1024**2)
    yield from (states, driven, share, gaps, free)


def _scans() -> Iterator[Metric]:
    found = CounterMetricFamily("gpujobs_leftovers", "Files and history found by scans and removed.", labels=["host"])
    latest = GaugeMetricFamily(
        "gpujobs_scan_timestamp_seconds", "When a host was last searched whole.", labels=["host"]
    )
    for name, total in Scan.objects.order_by().values_list("host__name").annotate(Sum("found")):
        found.add_metric([name], total)
    whole = Scan.objects.filter(trouble="").order_by("host__name", "-at").distinct("host__name")
    for name, at in whole.values_list("host__name", "at"):
        latest.add_metric([name], at.timestamp())
    yield from (found, latest)


def _rq() -> Iterable[Metric]:
    """RQ's queues, or that Redis does not answer."""
    up = GaugeMetricFamily("gpujobs_redis_up", "1 while Redis answers.")
    waiting = GaugeMetricFamily("rq_queue_depth", "Messages that wait in an RQ queue.", labels=["queue"])
    failed = GaugeMetricFamily(
        "rq_failed", "Messages whose work failed and that are kept to be looked at.", labels=["queue"]
    )
    try:
        for name in QUEUES:
            queue = django_rq.get_queue(name)
            waiting.add_metric([name], queue.count)
            failed.add_metric([name], FailedJobRegistry(queue=queue).get_job_count(cleanup=False))
    except RedisError:
        up.add_metric([], 0)
        return [up]
    up.add_metric([], 1)
    return [up, waiting, failed]
