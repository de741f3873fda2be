"""Which job an instance should take next, and why. Pure: no clock, no database, no network.

Each waiting job gets a turn, a point in time; the earliest turn goes first:

    turn = wanted_at − WARM_WINDOW (if the instance holds the workflow's models)
                     + TENANT_STEP × (jobs of the same home on GPUs now), at most TENANT_MOST

A job is wanted when it is due. What is quickly made is wanted sooner, SOON after it was asked for: somebody waits to
look at it, and a long job with hours to spare can let it pass. A job is passed over only by jobs wanted at most
WARM_WINDOW + TENANT_MOST after it, and what is asked for later is wanted later: nothing starves.

A long workflow (a video) is left out where it would take the last seat on which a short one could be made. Behind
one that runs nothing is put: it would wait for minutes while another seat comes free, to save a fraction of a second.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

SOON = timedelta(minutes=30)
# Of short jobs asked for within the same minutes, so many seconds at most, the one due sooner goes first.
SAME_TIME = 300
WARM_WINDOW = timedelta(minutes=10)
TENANT_STEP = timedelta(minutes=2)
TENANT_MOST = timedelta(minutes=10)
NO_TIME = timedelta(0)
# How much sooner another job must be wanted for a prompt that waits on the host to be taken back.
# As much as both shifts together, or the one taken back could be chosen again.
TAKE_BACK_MARGIN = WARM_WINDOW + TENANT_MOST


class Waiting(NamedTuple):
    """A queued job as the scheduler sees it. ``reference``: what its asker calls it, only passed on."""

    id: UUID
    reference: UUID
    workflow: str
    tenant: UUID
    due_at: datetime
    queued_at: datetime


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a workflow asks of a seat. ``long``: it blocks a GPU for minutes, so it waits for its time and never takes
    the last seat."""

    memory_mb: int
    long: bool


@dataclass(frozen=True, kw_only=True)
class Seat:
    """One instance. ``workflows``: those found possible there, None when nobody looked. ``busy_with``: what it
    executes or holds pending. ``warm``: the workflow whose models it will hold once that is done."""

    id: int
    memory_mb: int
    warm: str = ""
    workflows: frozenset[str] | None = None
    busy_with: tuple[str, ...] = ()

    def can(self, workflow: str, demand: Demand) -> bool:
        possible = self.workflows is None or workflow in self.workflows
        return possible and (not self.memory_mb or self.memory_mb >= demand.memory_mb)


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The rest of the world: every active seat, and how many jobs of each home are on GPUs now."""

    seats: Sequence[Seat]
    on_gpus: Mapping[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    job: UUID
    reference: UUID
    workflow: str
    wanted_at: datetime
    why: str


def choose(seat: Seat, waiting: Collection[Waiting], *, demands: Mapping[str, Demand], fleet: Fleet) -> Chosen | None:
    """The job that this seat should take now, or None if none of them fits it."""
    fitting = {name for name in demands if fits(seat, name, demands=demands, fleet=fleet)}
    possible = [job for job in waiting if job.workflow in fitting]
    if not possible:
        return None
    shifts = {home: _shift(count) for home, count in fleet.on_gpus.items()}

    def turn(job: Waiting) -> tuple[datetime, datetime, datetime, UUID]:
        wanted = wanted_at(job.due_at, job.queued_at, demands[job.workflow])
        return _turn(seat, job, wanted, shifts), job.due_at, job.queued_at, job.id

    best = min(possible, key=turn)
    wanted = wanted_at(best.due_at, best.queued_at, demands[best.workflow])
    why = _why(seat, best, wanted, fleet.on_gpus.get(best.tenant, 0))
    return Chosen(job=best.id, reference=best.reference, workflow=best.workflow, wanted_at=wanted, why=why)


def wanted_at(due_at: datetime, queued_at: datetime, demand: Demand) -> datetime:
    if demand.long:
        return due_at
    soon = queued_at + SOON
    return min(due_at, soon - timedelta(seconds=soon.timestamp() % SAME_TIME))


def _turn(seat: Seat, job: Waiting, wanted: datetime, shifts: Mapping[UUID, timedelta]) -> datetime:
    warm = WARM_WINDOW if seat.warm == job.workflow else NO_TIME
    return wanted - warm + shifts.get(job.tenant, NO_TIME)


def fits(seat: Seat, workflow: str, *, demands: Mapping[str, Demand], fleet: Fleet) -> bool:
    demand = demands[workflow]
    if not seat.can(workflow, demand) or not _is_free_of_long(seat, demands):
        return False
    return not demand.long or _leaves_a_seat(seat, demands=demands, fleet=fleet)


def _leaves_a_seat(seat: Seat, *, demands: Mapping[str, Demand], fleet: Fleet) -> bool:
    """Whether, with this seat on a long job, some seat is still there for every short workflow it could have made.

    A fleet of one seat for a workflow keeps nothing back: there the long job would never be made at all.
    """
    for short, demand in demands.items():
        if demand.long or not seat.can(short, demand):
            continue
        able = [other for other in fleet.seats if other.can(short, demand)]
        others = [other for other in able if other.id != seat.id]
        if others and not any(_is_free_of_long(other, demands) for other in others):
            return False
    return True


def _is_free_of_long(seat: Seat, demands: Mapping[str, Demand]) -> bool:
    return not any(demands[workflow].long for workflow in seat.busy_with if workflow in demands)


def _shift(on_gpus: int) -> timedelta:
    return min(TENANT_STEP * on_gpus, TENANT_MOST)


def _why(seat: Seat, job: Waiting, wanted: datetime, on_gpus: int) -> str:
    reasons = [f"warm for {job.workflow}"] if seat.warm == job.workflow else []
    reasons.append(f"due {job.due_at:%Y-%m-%dT%H:%MZ}")
    if wanted < job.due_at:
        reasons.append(f"wanted {wanted:%Y-%m-%dT%H:%MZ}")
    if shift := _shift(on_gpus):
        reasons.append(f"home already on {on_gpus} GPUs, {shift.seconds // 60} min later")
    return ", ".join(reasons)
