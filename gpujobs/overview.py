"""What the fleet does right now, for an operator's eyes. Reads only; the number of queries is fixed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch
from django.utils import timezone

from gpujobs import progress
from gpujobs.claiming import demands
from gpujobs.models import Attempt, GpuHost, Instance, Job
from gpujobs.progress import Progress
from gpujobs.scheduling import Seat

QUEUE_SHOWN = 50
ENDED_SHOWN = 30


@dataclass(frozen=True, kw_only=True)
class AtWork:
    """A live attempt and how far its job is."""

    attempt: Attempt
    progress: Progress | None


@dataclass(frozen=True, kw_only=True)
class OneInstance:
    instance: Instance
    at_work: Sequence[AtWork]


@dataclass(frozen=True, kw_only=True)
class OneHost:
    """``driven``: a driver holds the lease."""

    host: GpuHost
    driven: bool
    instances: Sequence[OneInstance]


@dataclass(frozen=True, kw_only=True)
class InQueue:
    """``possible``: on how many active instances it could be made at all."""

    job: Job
    place: int
    possible: int
    put_off_until: datetime | None


def hosts() -> list[OneHost]:
    now = timezone.now()
    live: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(state__in=Attempt.LIVE).select_related("job").order_by("claimed_at"):
        live[attempt.instance_id].append(attempt)
    told = progress.of([attempt.job_id for attempts in live.values() for attempt in attempts])
    every = GpuHost.objects.exclude(state=GpuHost.State.RETIRED).prefetch_related(
        Prefetch("instances", Instance.objects.select_related("host").order_by("gpu_index", "port"))
    )
    return [
        OneHost(
            host=host,
            driven=host.driver_until is not None and host.driver_until > now,
            instances=[
                OneInstance(
                    instance=instance,
                    at_work=[AtWork(attempt=a, progress=told.get(a.job_id)) for a in live[instance.pk]],
                )
                for instance in host.instances.all()
            ],
        )
        for host in every
    ]


def queue() -> list[InQueue]:
    """The most urgent queued jobs, in the order in which they are due."""
    now = timezone.now()
    able = possible_instances()
    waiting = Job.objects.filter(state=Job.State.QUEUED).order_by("due_at", "queued_at", "pk")[:QUEUE_SHOWN]
    return [
        InQueue(
            job=job,
            place=place,
            possible=able.get(job.workflow, 0),
            put_off_until=job.not_before if job.not_before > now else None,
        )
        for place, job in enumerate(waiting, start=1)
    ]


def ended() -> list[Attempt]:
    """The attempts that ended last, whatever their end."""
    return list(
        Attempt.objects.exclude(state__in=Attempt.LIVE)
        .select_related("job", "instance__host")
        .order_by("-finished_at")[:ENDED_SHOWN]
    )


def impossible_workflows() -> list[str]:
    """Workflows that no active instance can make."""
    return [name for name, count in possible_instances().items() if not count]


def possible_instances() -> dict[str, int]:
    """On how many active instances each workflow could be made."""
    seats = _active_seats()
    return {name: sum(seat.can(name, demand) for seat in seats) for name, demand in demands().items()}


def _active_seats() -> list[Seat]:
    active = Instance.objects.filter(state=Instance.State.ACTIVE, host__state=GpuHost.State.ACTIVE)
    return [
        Seat(
            id=instance.pk,
            memory_mb=instance.memory_mb,
            warm=instance.warm_workflow,
            workflows=frozenset(instance.workflows),
        )
        for instance in active
    ]


def get_host(code: UUID) -> GpuHost | None:
    return GpuHost.objects.filter(code=code).first()
