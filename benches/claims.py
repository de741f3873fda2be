"""What taking a job costs with 200 instances, two jobs on each, and 10,000 queued. Runs last: it leaves its rows."""

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import cycle, islice
from random import Random
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benches.asking import Desk
from benches.figures import Spread, table
from gpujobs import workflows
from gpujobs.claiming import claim
from gpujobs.models import Attempt, GpuHost, Instance, Job

INSTANCES, PER_HOST, QUEUED, HOMES = 200, 5, 10_000, 20
CLAIMS = 300
COUNTED = 10
MIX = ("portrait",) * 6 + ("life_scene",) * 3 + ("living_video",)


def measure() -> dict[str, Any]:
    instances, driver = _fleet(), uuid4()
    _queue(QUEUED + 2 * INSTANCES)
    for instance in instances * 2:
        claim(instance, driver=driver)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    taken, spent = [], []
    for instance in islice(cycle(instances), CLAIMS):
        _end_one(instance)
        begun, begun_cpu = time.perf_counter(), time.process_time()
        if claim(instance, driver=driver) is None:
            raise RuntimeError("an instance found nothing to do among 10,000 jobs")
        taken.append((time.perf_counter() - begun) * 1000)
        spent.append((time.process_time() - begun_cpu) * 1000)
    many = _queries(instances[:COUNTED], driver)
    Job.objects.filter(state=Job.State.QUEUED).update(state=Job.State.CANCELLED, finished_at=timezone.now())
    _queue(2 * COUNTED)
    return {
        "instances": INSTANCES,
        "queued": QUEUED,
        "claim ms": Spread.of(taken),
        "of it our own CPU ms": Spread.of(spent),
        "queries": many,
        f"queries with {2 * COUNTED} queued": _queries(instances[:COUNTED], driver),
    }


def tables(found: dict[str, Any]) -> Iterable[str]:
    yield table("Claiming (p50 / p95)", ["what", "is"], list(found.items()))


def _fleet() -> list[Instance]:
    """24 GB each, a third of them warm for each workflow."""
    Instance.objects.update(state=Instance.State.OUT)
    rows = [
        GpuHost(name=f"claims-{number}", address="192.0.2.1", username="gpu", host_key="-", key_path="-")
        for number in range(INSTANCES // PER_HOST)
    ]
    hosts = GpuHost.objects.bulk_create(rows)
    return Instance.objects.bulk_create(
        Instance(
            host=host,
            port=8188 + number,
            memory_mb=24_000,
            warm_workflow=MIX[(number * 4) % len(MIX)],
            workflows=list(workflows.names()),
            examined_at=timezone.now(),
        )
        for host in hosts
        for number in range(PER_HOST)
    )


def _queue(count: int) -> None:
    random, now = Random(7), timezone.now()  # noqa: S311 a queue to be alike in every run
    for desk in [Desk(b"") for _ in range(HOMES)]:
        jobs = []
        for number in range(count // HOMES):
            workflow = workflows.get(random.choice(MIX))
            jobs.append(
                Job(
                    workflow=workflow.name,
                    params=workflow.clean({}),
                    seed=number,
                    tenant=desk.home.code,
                    reference=uuid4(),
                    due_at=now + timedelta(minutes=random.uniform(-60, 600)),
                    queued_at=now - timedelta(minutes=random.uniform(0, 600)),
                )
            )
        desk.commit(jobs)


def _end_one(instance: Instance) -> None:
    attempt = Attempt.objects.filter(instance=instance, state__in=Attempt.LIVE).order_by("claimed_at").first()
    if attempt is None:
        return
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.SUCCEEDED, finished_at=now)
    Job.objects.filter(pk=attempt.job_id).update(state=Job.State.SUCCEEDED, finished_at=now)


def _queries(instances: Sequence[Instance], driver: UUID) -> list[int]:
    """The different numbers of queries that claims took."""
    counts = set()
    for instance in instances:
        with CaptureQueriesContext(connection) as captured:
            claim(instance, driver=driver)
        counts.add(len(captured))
    return sorted(counts)
