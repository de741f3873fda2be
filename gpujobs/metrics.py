"""The fleet in Prometheus's form, computed at each scrape from the database and Redis.

Nothing is counted in a process's memory: whichever web process answers, and however often it was restarted, the
figures are the same. What ended is counted once (gpujobs.tally), so that a scrape costs the same in a year.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import django_rq
from django.db.models import Count, Min, Q, Sum
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from redis import RedisError
from rq.registry import FailedJobRegistry

from gpujobs import overview, tally, workflows
from gpujobs.busy import WINDOW, busy_and_gaps
from gpujobs.models import GpuHost, Instance, Job, Scan
from gpujobs.tally import BUCKETS, Tally

QUEUES = ("gpu", "portal", "upkeep", "hosts")


class Fleet:
    """A collector for a prometheus_client registry."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield from _queue(now)
        yield from _ended(tally.everything())
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


def _ended(tally: Tally) -> Iterator[Metric]:
    attempts = CounterMetricFamily(
        "gpujobs_attempts", "Attempts that ended, by how and by fault.", labels=["workflow", "outcome", "fault"]
    )
    for (workflow, outcome, fault), count in tally.attempts.items():
        attempts.add_metric([workflow, outcome, fault], count)
    jobs = CounterMetricFamily("gpujobs_jobs", "Jobs that ended, by how.", labels=["workflow", "outcome"])
    for (workflow, outcome), count in tally.jobs.items():
        jobs.add_metric([workflow, outcome], count)
    phases = HistogramMetricFamily(
        "gpujobs_phase_seconds",
        "How long succeeded attempts were in each phase: queued (first tries only), staging, pending in ComfyUI's"
        " queue, execution, collecting.",
        labels=["workflow", "phase"],
    )
    for (workflow, phase), spread in tally.phases.items():
        buckets = [(str(float(limit)), number) for limit, number in zip(BUCKETS, spread.within, strict=True)]
        phases.add_metric([workflow, phase], [*buckets, ("+Inf", spread.count)], spread.seconds)
    yield from (attempts, jobs, phases)


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
