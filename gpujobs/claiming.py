"""Taking a job off the queue for one instance: one conditional UPDATE, one attempt row, in one transaction."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, reduce
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from gpujobs import wakeup, workflows
from gpujobs.models import Attempt, GpuHost, Instance, Job
from gpujobs.scheduling import TAKE_BACK_MARGIN, Chosen, Demand, Fleet, Seat, Waiting, choose

log = logging.getLogger(__name__)

# GPU seconds from which a workflow counts as long and never takes the last seat.
LONG_SECONDS = 120
# Per workflow, as many of the most urgent as can matter: both shifts of a turn are bounded.
SHORTLIST = 40
TRIES = 5


@cache
def demands() -> dict[str, Demand]:
    all_workflows = [workflows.get(name) for name in workflows.names()]
    return {w.name: Demand(memory_mb=w.min_vram_mb, long=w.weight >= LONG_SECONDS) for w in all_workflows}


def claim(instance: Instance, *, driver: UUID) -> Attempt | None:
    """The next attempt for this instance, written down; None if there is nothing it should do.

    Of several that choose the same job one gets it; the others choose again.
    """
    refused: set[UUID] = set()
    for _try in range(TRIES):
        chosen = best_for(instance, without=refused)
        if chosen is None:
            return None
        if attempt := _take(chosen, instance, driver):
            return attempt
        refused.add(chosen.job)
    return None


def is_outdone(instance: Instance, job: Job) -> bool:
    """Whether a queued job's turn on this instance comes so much sooner that this one, waiting there, makes way."""
    best = best_for(instance)
    if best is None:
        return False
    # Without the shifts of a turn: whichever of the two is warm here now may no longer be when its turn comes.
    return best.due_at + TAKE_BACK_MARGIN < job.due_at


def best_for(instance: Instance, *, without: Iterable[UUID] = ()) -> Chosen | None:
    fleet = _fleet()
    seat = next((seat for seat in fleet.seats if seat.id == instance.pk), None)
    if seat is None:
        return None
    names = [name for name in demands() if instance.can_run(name)]
    return choose(seat, _shortlist(names, without), demands=demands(), fleet=fleet)


def _shortlist(names: Sequence[str], without: Iterable[UUID]) -> list[Waiting]:
    ready = Job.objects.filter(state=Job.State.QUEUED, not_before__lte=timezone.now()).exclude(pk__in=without)
    columns = ("pk", "workflow", "tenant", "due_at", "queued_at")
    parts: list[QuerySet[Job, tuple[UUID, str, UUID, datetime, datetime]]] = [
        ready.filter(workflow=name).order_by("due_at", "queued_at").values_list(*columns)[:SHORTLIST] for name in names
    ]
    if not parts:
        return []
    rows = reduce(lambda left, right: left.union(right, all=True), parts)
    return [
        Waiting(id=pk, workflow=workflow, tenant=tenant, due_at=due, queued_at=queued)
        for pk, workflow, tenant, due, queued in rows
    ]


def _fleet() -> Fleet:
    live = Attempt.objects.filter(state__in=Attempt.LIVE).values_list("instance", "job__workflow", "job__tenant")
    busy: dict[int, list[str]] = {}
    on_gpus: Counter[UUID] = Counter()
    for instance_id, workflow, tenant in live:
        busy.setdefault(instance_id, []).append(workflow)
        on_gpus[tenant] += 1
    active = Instance.objects.filter(state=Instance.State.ACTIVE, host__state=GpuHost.State.ACTIVE)
    seats = [
        Seat(
            id=instance.pk,
            memory_mb=instance.memory_mb,
            warm=instance.warm_workflow,
            workflows=None if instance.workflows is None else frozenset(instance.workflows),
            busy_with=tuple(busy.get(instance.pk, ())),
        )
        for instance in active
    ]
    return Fleet(seats=seats, on_gpus=on_gpus)


def _take(chosen: Chosen, instance: Instance, driver: UUID) -> Attempt | None:
    with transaction.atomic():
        taken = Job.objects.filter(pk=chosen.job, state=Job.State.QUEUED).update(state=Job.State.RUNNING)
        if not taken:
            return None
        job = Job.objects.get(pk=chosen.job)
        if not _may_run([job.reference]):
            # Consent or the order went away since it was queued.
            job.end(Job.State.CANCELLED, fault="not_allowed")
            wakeup.tell_of_end(job.pk)
            return None
        return Attempt.objects.create(
            job=job, instance=instance, number=job.attempts.count() + 1, driver=driver, why=chosen.why
        )


def _may_run(references: list[UUID]) -> set[UUID]:
    """Those that whoever asked for them still allows; asked again at the last moment."""
    ask: Callable[[Iterable[UUID]], set[UUID]] = import_string(settings.GPUJOBS_MAY_RUN)
    return ask(references)
