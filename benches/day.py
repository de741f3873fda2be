"""One day of several homes, played through on a clock of its own: who waits how long under which rule.

Pure: the rules of `gpujobs.scheduling` against two plain ones, on the same orders and the same seats. The plain rules
take a job whenever a seat is free; ours claims one ahead from a shortlist, as the lanes do, which is the harder game.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from benches.figures import Spread, quantile, table
from gpujobs.scheduling import Demand, Fleet, Seat, Waiting, choose

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """``seconds`` on the GPU, ``load`` to take its models in when others are there, ``count`` jobs to an item,
    ``ahead`` of the needed time it is due, ``share`` of the orders that have it."""

    seconds: float
    load: float
    count: int
    ahead: timedelta
    share: float
    memory_mb: int = 14_000
    long: bool = False


@dataclass(frozen=True, kw_only=True)
class World:
    """Times on an NVIDIA L4 as the workflows state them; loads are guesses for a host's local disk."""

    kinds: dict[str, Kind] = field(
        default_factory=lambda: {
            "portrait": Kind(seconds=20, load=25, count=4, ahead=timedelta(minutes=40), share=1.0),
            "life_scene": Kind(seconds=22, load=25, count=3, ahead=timedelta(hours=1), share=0.5),
            "living_video": Kind(
                seconds=420, load=60, count=1, ahead=timedelta(hours=2), share=0.4, memory_mb=22_000, long=True
            ),
        }
    )
    seats: int = 5
    homes: int = 30
    orders: int = 900
    # Orders by the hour of the day, relative to each other: mornings and evenings are full.
    hours: tuple[float, ...] = (2, 1, 1, 1, 2, 4, 7, 9, 9, 8, 6, 5, 4, 4, 5, 6, 7, 8, 9, 9, 8, 6, 4, 3)
    # From the order until it is needed.
    needed_within: tuple[timedelta, timedelta] = (timedelta(hours=1.5), timedelta(hours=8))
    # One in so many is asked for again after a look at it, and needed soon.
    again: float = 0.15

    @property
    def demands(self) -> dict[str, Demand]:
        return {name: Demand(memory_mb=kind.memory_mb, long=kind.long) for name, kind in self.kinds.items()}


Rule = Callable[[Seat, Sequence[Waiting], World, Fleet], UUID | None]


def first_come(seat: Seat, waiting: Sequence[Waiting], world: World, fleet: Fleet) -> UUID | None:
    return min(waiting, key=lambda job: (job.queued_at, job.id)).id if waiting else None


def soonest_due(seat: Seat, waiting: Sequence[Waiting], world: World, fleet: Fleet) -> UUID | None:
    return min(waiting, key=lambda job: (job.due_at, job.queued_at, job.id)).id if waiting else None


def ours(seat: Seat, waiting: Sequence[Waiting], world: World, fleet: Fleet) -> UUID | None:
    chosen = choose(seat, shortlist(waiting), demands=world.demands, fleet=fleet)
    return chosen.job if chosen else None


def shortlist(waiting: Iterable[Waiting]) -> list[Waiting]:
    """As `gpujobs.claiming` reads it from the queue: of each home and workflow the one due soonest and the one that
    waits longest."""
    soonest: dict[tuple[str, UUID], Waiting] = {}
    longest: dict[tuple[str, UUID], Waiting] = {}
    for job in waiting:
        key = job.workflow, job.tenant
        soonest[key] = min(soonest.get(key, job), job, key=lambda each: (each.due_at, each.queued_at))
        longest[key] = min(longest.get(key, job), job, key=lambda each: each.queued_at)
    return list({job.id: job for job in (*soonest.values(), *longest.values())}.values())


# Name -> the rule, and how many jobs a seat holds at a time.
RULES: dict[str, tuple[Rule, int]] = {
    "first come, first served": (first_come, 1),
    "soonest due": (soonest_due, 1),
    "ours": (ours, 2),
}


def orders_of_a_day(world: World, random: Random) -> list[Waiting]:
    homes = [UUID(int=number) for number in range(1, world.homes + 1)]
    sizes = [random.paretovariate(1.5) for _home in homes]
    jobs: list[Waiting] = []
    for _number in range(world.orders):
        hour = random.choices(range(24), world.hours)[0]
        at = MIDNIGHT + timedelta(hours=hour + random.random())
        low, high = world.needed_within
        needed = at + low + (high - low) * random.random()
        home = random.choices(homes, sizes)[0]
        for name, kind in world.kinds.items():
            if random.random() < kind.share:
                jobs += _item(name, kind, home, at, needed, random)
        if random.random() < world.again:
            later = at + timedelta(minutes=random.uniform(20, 60))
            jobs += _item("portrait", world.kinds["portrait"], home, later, max(needed, later), random)
    return sorted(jobs, key=lambda job: (job.queued_at, job.id))


def _item(name: str, kind: Kind, home: UUID, at: datetime, needed: datetime, random: Random) -> Iterator[Waiting]:
    for _number in range(kind.count):
        code = UUID(int=random.getrandbits(128))
        due_at = max(at, needed - kind.ahead)
        yield Waiting(id=code, reference=code, workflow=name, tenant=home, due_at=due_at, queued_at=at)


@dataclass
class _Lane:
    seat: int
    held: list[Waiting] = field(default_factory=list)
    loaded: str = ""


@dataclass
class Outcome:
    """``waits``: seconds from the order to the first sampler step, by workflow."""

    waits: dict[str, list[float]] = field(default_factory=dict)
    on_time: int = 0
    jobs: int = 0
    swaps: int = 0
    busy: float = 0.0
    over: float = 0.0


def play(world: World, jobs: Sequence[Waiting], rule: Rule, hold: int) -> Outcome:
    lanes = [_Lane(seat) for seat in range(world.seats)]
    outcome, waiting = Outcome(jobs=len(jobs)), dict[UUID, Waiting]()
    # (when, order of happening, lane whose job ended or None, job that arrived or None)
    events: list[tuple[datetime, int, _Lane | None, Waiting | None]] = [
        (job.queued_at, number, None, job) for number, job in enumerate(jobs)
    ]
    heapq.heapify(events)
    number = len(events)

    def start(lane: _Lane, now: datetime) -> None:
        nonlocal number
        job = lane.held[0]
        kind = world.kinds[job.workflow]
        load = kind.load if lane.loaded != job.workflow else 0.0
        outcome.swaps += bool(lane.loaded) and lane.loaded != job.workflow
        lane.loaded = job.workflow
        begun = now + timedelta(seconds=load)
        ended = begun + timedelta(seconds=kind.seconds)
        outcome.waits.setdefault(job.workflow, []).append((begun - job.queued_at).total_seconds())
        outcome.on_time += ended <= max(job.due_at, job.queued_at + timedelta(seconds=GRACE_SECONDS))
        outcome.busy += load + kind.seconds
        number += 1
        heapq.heappush(events, (ended, number, lane, None))

    def feed(now: datetime) -> None:
        # Those with nothing to do first; a job that waits behind another is nobody's gain while a seat is free.
        for lane in sorted(lanes, key=lambda lane: len(lane.held)):
            while len(lane.held) < hold and waiting:
                chosen = rule(_seat(lane), list(waiting.values()), world, _fleet(lanes))
                if chosen is None:
                    break
                lane.held.append(waiting.pop(chosen))
                if len(lane.held) == 1:
                    start(lane, now)

    while events:
        now, _number, lane, arrived = heapq.heappop(events)
        if arrived is not None:
            waiting[arrived.id] = arrived
        if lane is not None:
            lane.held.pop(0)
            if lane.held:
                start(lane, now)
        if not events or events[0][0] > now:
            feed(now)
        outcome.over = (now - MIDNIGHT).total_seconds()
    return outcome


# What is due the moment it is ordered cannot be on time; a quarter of an hour is counted as such.
GRACE_SECONDS = 900.0


def _seat(lane: _Lane) -> Seat:
    warm = lane.held[-1].workflow if lane.held else lane.loaded
    return Seat(id=lane.seat, memory_mb=24_000, warm=warm, busy_with=tuple(job.workflow for job in lane.held))


def _fleet(lanes: Sequence[_Lane]) -> Fleet:
    on_gpus = Counter(job.tenant for lane in lanes for job in lane.held)
    return Fleet(seats=[_seat(lane) for lane in lanes], on_gpus=on_gpus)


def measure(*, days: int, world: World | None = None) -> dict[str, Any]:
    world = world or World()
    found: dict[str, Any] = {"days": days, "orders a day": world.orders, "seats": world.seats, "rules": {}}
    for name, (rule, hold) in RULES.items():
        played = [play(world, orders_of_a_day(world, Random(day)), rule, hold) for day in range(days)]  # noqa: S311
        found["rules"][name] = _told(played, world)
    return found


def _told(played: Sequence[Outcome], world: World) -> dict[str, Any]:
    waits = {name: sorted(w for one in played for w in one.waits.get(name, [])) for name in world.kinds}
    jobs = sum(one.jobs for one in played)
    return {
        "jobs a day": jobs / len(played),
        "on time %": 100 * sum(one.on_time for one in played) / jobs,
        "worst day on time %": min(100 * one.on_time / one.jobs for one in played),
        "swaps a day": sum(one.swaps for one in played) / len(played),
        "busy %": 100 * sum(one.busy for one in played) / sum(one.over * world.seats for one in played),
        **{f"{name} wait s": Spread.of(each) for name, each in waits.items()},
        "portrait wait p99 s": quantile(waits["portrait"], 0.99),
    }


def tables(found: dict[str, Any]) -> Iterable[str]:
    names = list(next(iter(found["rules"].values())))
    rows = [[rule, *(told[name] for name in names)] for rule, told in found["rules"].items()]
    title = f"{found['days']} days of {found['orders a day']} orders on {found['seats']} GPUs (waits p50 / p95)"
    yield table(title, ["rule", *names], rows)
