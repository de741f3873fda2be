"""Turns at a GPU: how long before, between and after, and how full the instances are kept.

Side by side: bare clients, the seed's way, and the portal. What an instance did is read from the stand-in's own
ledger, by the one clock that all of them share.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from benches import bare, drivers
from benches.bare import Served, Work
from benches.figures import (
    AHEAD_1,
    AHEAD_2,
    DRIVEN,
    SEED,
    WAITS,
    Entry,
    Spread,
    efficiency,
    gaps_ms,
    mean_execution,
    table,
)
from benches.house import House, Standin
from benches.portal import Portal
from gpujobs.comfyui import ComfyUI

Client = Callable[[ComfyUI, Work, bytes], Served]
Run = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many jobs: ``single`` on one instance, ``pair`` on each of two and ``each`` on each of five, ``idle`` one at
    a time, ``seed`` by the seed's way, ``cold`` with nobody driving the host.

    A p95 of gaps wants a hundred of them: on one instance, and on five together.
    """

    single: int = 101
    pair: int = 10
    each: int = 21
    idle: int = 10
    seed: int = 5
    cold: int = 4

    def times(self, factor: float) -> "Size":
        counts = {name: max(2, round(count * factor)) for name, count in asdict(self).items()}
        return Size(**counts)


# Instances in all -> on the first host, on the second.
OVER_HOSTS = {1: (0, 1), 2: (1, 1), 5: (3, 2)}
IDLE_SECONDS = 10


def ahead(count: int) -> Client:
    return lambda comfy, work, picture: bare.keep_ahead(comfy, work, picture, ahead=count)


def measure(house: House, size: Size, *, round_trips: Sequence[int], say: Callable[[str], None]) -> dict[str, Any]:
    portal = Portal(house, round_trips)
    runs: list[Run] = []
    for trip in round_trips:
        with portal.driving(trip, OVER_HOSTS[1]):
            say(f"{trip} ms round trip: the portal, asked for one at a time")
            runs.append(portal.one_at_a_time(size.idle, trip))
            say(f"{trip} ms round trip: bare clients, the seed's way and the portal, each on an instance of its own")
            runs += singles(house, portal, size, trip)
        for instances, each in ((2, size.pair), (5, size.each)):
            say(f"{trip} ms round trip: bare clients and the portal on {instances} instances")
            runs.append(bare_several(house, each * instances, trip, OVER_HOSTS[instances])[0])
            with portal.driving(trip, OVER_HOSTS[instances]):
                runs.append(portal.many(each * instances, trip, instances))
                # Driven and warm, at its largest.
                used = drivers.memory()
                asked = portal.asked_while_idle(IDLE_SECONDS) if instances == 5 else {}
    say("the portal with nobody driving the host")
    runs.append(portal.cold(size.cold, round_trips[0]))
    return {"runs": runs, "memory": used, "asked while idle": asked}


def singles(house: House, portal: Portal, size: Size, trip: int) -> list[Run]:
    """All at the same time, so that what else the machine does falls on each alike; the portal is at work already."""
    one, two = house.standins
    with ExitStack() as stack:
        first, second = (stack.enter_context(bare.over_ssh(standin, trip)) for standin in house.standins)
        ways: list[tuple[str, ComfyUI, Client, int, Standin, int]] = [
            ("bare, 2 ahead, straight", bare.straight(one.direct[trip]), ahead(2), size.single, one, 0),
            (AHEAD_2, bare.through(first, one.ports[1]), ahead(2), size.single, one, 1),
            (AHEAD_1, bare.through(first, one.ports[2]), ahead(1), size.single, one, 2),
            (WAITS, bare.through(second, two.ports[1]), ahead(0), size.single, two, 1),
            (SEED, bare.through(second, two.ports[2]), bare.as_the_seed, size.seed, two, 2),
        ]
        pool = stack.enter_context(ThreadPoolExecutor(len(ways)))
        begun = [
            (name, standin, place, pool.submit(client, comfy, Work(count, house.recipe), house.picture))
            for name, comfy, client, count, standin, place in ways
        ]
        ours = portal.many(size.single, trip, 1)
        runs = []
        for name, standin, place, running in begun:
            served = running.result()
            runs.append(bare_run(name, trip, [of(house.entries(standin, place), served)], [served]))
        # What the clients in this process asked the same hosts is not the portal's.
        return [*runs, ours | {"asked per job": None}]


def bare_several(house: House, count: int, trip: int, over_hosts: Sequence[int]) -> tuple[Run, list[Served], Work]:
    """Two ahead on so many instances of each host; the run, and what each client had, of which work."""
    with ExitStack() as stack:
        work, spent = Work(count, house.recipe), time.process_time()
        pool = stack.enter_context(ThreadPoolExecutor(sum(over_hosts)))
        running = []
        for standin, used in zip(house.standins, over_hosts, strict=True):
            connection = stack.enter_context(bare.over_ssh(standin, trip))
            for place in range(used):
                comfy = bare.through(connection, standin.ports[place])
                running.append((standin, place, pool.submit(ahead(2), comfy, work, house.picture)))
        served = [each.result() for _standin, _place, each in running]
        spent = time.process_time() - spent
        ledgers = [
            of(house.entries(standin, place), one) for (standin, place, _), one in zip(running, served, strict=True)
        ]
    run = bare_run(AHEAD_2, trip, ledgers, served)
    return run | {"CPU ms per job": spent / count * 1000}, served, work


def of(entries: Iterable[Entry], served: Served) -> list[Entry]:
    return [entry for entry in entries if entry["prompt_id"] in served.asked]


def bare_run(way: str, trip: int, ledgers: Sequence[Sequence[Entry]], served: Sequence[Served]) -> Run:
    asked = {prompt_id: at for one in served for prompt_id, at in one.asked.items()}
    in_hand = {prompt_id: at for one in served for prompt_id, at in one.in_hand.items()}
    entries = [entry for ledger in ledgers for entry in ledger]
    alone = way in (WAITS, SEED)
    return {
        "way": way,
        "round trip ms": trip,
        "instances": len(ledgers),
        "jobs": len(entries),
        "execution ms": mean_execution(ledgers) * 1000,
        "before ms": Spread.of((e["started"] - asked[e["prompt_id"]]) * 1000 for e in entries) if alone else None,
        "gap ms": Spread.of(gaps_ms(ledgers)),
        "after ms": Spread.of((in_hand[e["prompt_id"]] - e["ended"]) * 1000 for e in entries),
        "efficiency": efficiency(ledgers, min(asked.values())),
    }


def tables(found: dict[str, Any]) -> Iterable[str]:
    columns = ["way", "instances", "jobs", "execution ms", "before ms", "gap ms", "after ms", "attached ms", "ready ms"]
    columns += ["efficiency %", "CPU ms per job", "asked per job"]
    for trip in dict.fromkeys(run["round trip ms"] for run in found["runs"]):
        rows = [
            [
                *(run.get(column) for column in columns[:9]),
                run["efficiency"] * 100 if run.get("efficiency") else None,
                run.get("CPU ms per job"),
                run.get("asked per job"),
            ]
            for run in found["runs"]
            if run["round trip ms"] == trip
        ]
        yield table(f"Turns at {trip} ms of round trip (p50 / p95)", columns, rows)
    if found["memory"]:
        rows = [[name, *used.values(), used["pss MB"] / DRIVEN] for name, used in found["memory"].items()]
        columns = ["processes", "count", "PSS MB", "RSS MB", "PSS MB per instance"]
        yield table(f"Memory with {DRIVEN} instances driven on 2 hosts", columns, rows)
        rows = [[what, per_second] for what, per_second in sorted(found["asked while idle"].items())]
        title = f"Asked of {DRIVEN} idle instances by the portal"
        yield table(title, ["request", "per second"], rows or [["nothing", 0.0]])
