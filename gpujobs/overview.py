"""What the fleet does right now, for an operator's eyes. Reads only; the number of queries is fixed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db.models import Prefetch
from django.utils import timezone

from gpujobs import doctor, progress
from gpujobs.claiming import demands
from gpujobs.models import Attempt, GpuHost, Instance, Job
from gpujobs.progress import Progress
from gpujobs.scheduling import Fleet, Seat, fits, wanted_at

QUEUE_SHOWN = 50
ENDED_SHOWN = 15


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


class Waits(StrEnum):
    """Why a queued job is not on a GPU yet."""

    TURN = "turn"
    IMPOSSIBLE = "impossible"
    PUT_OFF = "put_off"
    HELD_BACK = "held_back"

    def __str__(self) -> str:
        return {
            Waits.TURN: "waits for its turn",
            Waits.IMPOSSIBLE: "no active instance can make it",
            Waits.PUT_OFF: "is put off for a moment after a fault",
            Waits.HELD_BACK: "waits until no video is in its way, or until it would not take the last seat",
        }[self]


@dataclass(frozen=True, kw_only=True)
class InQueue:
    """``place``: in the order of ``wanted_at``, by which instances choose. ``possible``: on how many active instances
    it could be made at all; ``warm_on``: those that hold its models."""

    job: Job
    place: int
    wanted_at: datetime
    waits: Waits
    possible: int
    warm_on: Sequence[str]
    put_off_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Why instances cannot make a workflow: "draining", "out", "unexamined", or a doctor's finding, and of what."""

    kind: str
    what: str
    instances: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Makeable:
    """``on``: the active instances that can make the workflow; where there is none, ``lacks`` says why, each once."""

    workflow: str
    on: Sequence[str]
    lacks: Sequence[Lack]


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
    """The queued jobs that are wanted soonest, in that order."""
    now = timezone.now()
    seats = _active_seats()
    fleet, kinds = Fleet(seats=[seat for seat, _ in seats]), demands()
    free = {name: any(fits(seat, name, demands=kinds, fleet=fleet) for seat, _ in seats) for name in kinds}
    waiting = [(_wanted(job), job) for job in _waiting_jobs()]
    waiting.sort(key=lambda each: (each[0], each[1].due_at, each[1].queued_at, each[1].pk))
    found = []
    for place, (wanted, job) in enumerate(waiting[:QUEUE_SHOWN], start=1):
        able = [(seat, name) for seat, name in seats if seat.can(job.workflow, kinds[job.workflow])]
        put_off = job.not_before if job.not_before > now else None
        waits = Waits.TURN if free[job.workflow] else Waits.HELD_BACK
        found.append(
            InQueue(
                job=job,
                place=place,
                wanted_at=wanted,
                waits=Waits.IMPOSSIBLE if not able else Waits.PUT_OFF if put_off else waits,
                possible=len(able),
                warm_on=[name for seat, name in able if seat.warm == job.workflow],
                put_off_until=put_off,
            )
        )
    return found


def _wanted(job: Job) -> datetime:
    return wanted_at(job.due_at, job.queued_at, demands()[job.workflow])


def _waiting_jobs() -> list[Job]:
    """Those due soonest and those that wait longest: the one wanted soonest is the first of one or the other."""
    queued = Job.objects.filter(state=Job.State.QUEUED, workflow__in=list(demands()))
    soonest = queued.order_by("due_at", "queued_at", "pk")[:QUEUE_SHOWN]
    longest = queued.order_by("queued_at", "pk")[:QUEUE_SHOWN]
    return list({job.pk: job for job in (*soonest, *longest)}.values())


def queue_length() -> int:
    return Job.objects.filter(state=Job.State.QUEUED).count()


def ended() -> list[Attempt]:
    """The attempts that ended last, whatever their end."""
    return list(
        Attempt.objects.exclude(state__in=Attempt.LIVE)
        .select_related("job", "instance__host")
        .order_by("-finished_at")[:ENDED_SHOWN]
    )


def makeable() -> list[Makeable]:
    """For each workflow where it can be made; where nowhere, what keeps each instance from it."""
    listed = Instance.objects.exclude(host__state=GpuHost.State.RETIRED).select_related("host")
    instances = list(listed)
    found = []
    for name, demand in demands().items():
        on = [str(one) for one in instances if _is_active(one) and _seat(one).can(name, demand)]
        lacks: dict[tuple[str, str], list[str]] = {}
        for one in () if on else instances:
            for lack in _lacks(one, name):
                lacks.setdefault(lack, []).append(str(one))
        said = [Lack(kind=kind, what=what, instances=where) for (kind, what), where in lacks.items()]
        found.append(Makeable(workflow=name, on=on, lacks=said))
    return found


def _is_active(instance: Instance) -> bool:
    return instance.state == Instance.State.ACTIVE and instance.host.state == GpuHost.State.ACTIVE


def _lacks(instance: Instance, workflow: str) -> Iterator[tuple[str, str]]:
    """(kind, what) of each."""
    if instance.examined_at is None:
        yield "unexamined", ""
        return
    for verdict in doctor.verdicts_of(instance):
        if verdict.workflow == workflow:
            yield from ((finding.kind.value, finding.what) for finding in verdict.missing)
    if instance.state != Instance.State.ACTIVE:
        yield instance.state, ""
    elif instance.host.state != GpuHost.State.ACTIVE:
        yield instance.host.state, ""


def impossible_workflows() -> list[str]:
    """Workflows that no active instance can make."""
    return [each.workflow for each in makeable() if not each.on]


def possible_instances() -> dict[str, int]:
    """On how many active instances each workflow could be made."""
    return {each.workflow: len(each.on) for each in makeable()}


def _active_seats() -> list[tuple[Seat, str]]:
    """Each with its instance's name, and with what it holds."""
    busy: dict[int, list[str]] = defaultdict(list)
    live = Attempt.objects.filter(state__in=Attempt.LIVE).order_by("claimed_at")
    for instance, workflow in live.values_list("instance", "job__workflow"):
        busy[instance].append(workflow)
    active = Instance.objects.filter(state=Instance.State.ACTIVE, host__state=GpuHost.State.ACTIVE)
    return [(_seat(one, busy[one.pk]), str(one)) for one in active.select_related("host")]


def _seat(instance: Instance, busy_with: Sequence[str] = ()) -> Seat:
    return Seat(
        id=instance.pk,
        memory_mb=instance.memory_mb,
        warm=instance.warm_workflow,
        workflows=frozenset(instance.workflows),
        busy_with=tuple(busy_with),
    )


def get_host(code: UUID) -> GpuHost | None:
    return GpuHost.objects.filter(code=code).first()
