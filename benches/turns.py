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
from benches.figures import Entry, Spread, efficiency, gaps_ms, mean_execution, table
from benches.house import House, Standin
from benches.portal import Portal
from gpujobs.comfyui import ComfyUI

Client = Callable[[ComfyUI, Work, bytes], Served]
Run = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many jobs: ``single`` on one instance, ``each`` on every one of several, ``idle`` one at a time, ``seed`` by
    the seed's way, ``cold`` with nobody driving the host."""

    single: int = 50
    each: int = 20
    idle: int = 20
    seed: int = 5
    cold: int = 5

    def times(self, factor: float) -> "Size":
        counts = {name: max(2, round(count * factor)) for name, count in asdict(self).items()}
        return Size(**counts)


# Instances in all -> on the first host, on the second.
OVER_HOSTS = {1: (1, 0), 2: (1, 1), 5: (3, 2)}
IDLE_SECONDS = 10


def ahead(count: int) -> Client:
    return lambda comfy, work, picture: bare.keep_ahead(comfy, work, picture, ahead=count)


def measure(house: House, size: Size, *, round_trips: Sequence[int], say: Callable[[str], None]) -> dict[str, Any]:
    portal = Portal(house, round_trips)
    runs: list[Run] = []
    for trip in round_trips:
        say(f"{trip} ms round trip: bare clients and the seed's way, each on an instance of its own")
        runs += bare_singles(house, size, trip)
        with portal.driving(trip, OVER_HOSTS[1]):
            say(f"{trip} ms round trip: the portal on 1 instance")
            runs.append(portal.one_at_a_time(size.idle, trip))
            runs.append(portal.many(size.single, trip, 1))
        for instances in (2, 5):
            say(f"{trip} ms round trip: bare clients and the portal on {instances} instances")
            runs.append(bare_several(house, size.each * instances, trip, instances, 2))
            runs.append(bare_several(house, size.each * instances, trip, instances, 1))
            with portal.driving(trip, OVER_HOSTS[instances]):
                runs.append(portal.many(size.each * instances, trip, instances))
                # Driven and warm, at its largest.
                used = drivers.memory()
                asked = portal.asked_while_idle(IDLE_SECONDS)
    say("the portal with nobody driving the host")
    runs.append(portal.cold(size.cold, round_trips[0]))
    return {"runs": runs, "memory": used, "asked while idle": asked}


def bare_singles(house: House, size: Size, trip: int) -> list[Run]:
    """All at the same time, so that what else the machine does falls on each alike."""
    one, two = house.standins
    with ExitStack() as stack:
        first, second = (stack.enter_context(bare.over_ssh(standin, trip)) for standin in house.standins)
        ways: list[tuple[str, ComfyUI, Client, int, Standin, int]] = [
            ("bare, 2 ahead, straight", bare.straight(one.direct[trip]), ahead(2), size.single, one, 0),
            ("bare, 2 ahead, SSH", bare.through(first, one.ports[1]), ahead(2), size.single, one, 1),
            ("bare, 1 ahead, SSH", bare.through(first, one.ports[2]), ahead(1), size.single, one, 2),
            ("bare, waits, SSH", bare.through(second, two.ports[0]), ahead(0), size.single, two, 0),
            ("the seed's way", bare.through(second, two.ports[1]), bare.as_the_seed, size.seed, two, 1),
        ]
        pool = stack.enter_context(ThreadPoolExecutor(len(ways)))
        begun = [
            (name, standin, place, time.time(), pool.submit(client, comfy, Work(count), house.picture))
            for name, comfy, client, count, standin, place in ways
        ]
        runs = []
        for name, standin, place, _begun_at, running in begun:
            served = running.result()
            runs.append(_bare_run(name, trip, [_of(house.entries(standin, place), served)], [served]))
        return runs


def bare_several(house: House, count: int, trip: int, instances: int, kept: int) -> Run:
    with ExitStack() as stack:
        work, spent = Work(count), time.process_time()
        pool = stack.enter_context(ThreadPoolExecutor(instances))
        running = []
        for standin, used in zip(house.standins, OVER_HOSTS[instances], strict=True):
            connection = stack.enter_context(bare.over_ssh(standin, trip))
            for place in range(used):
                comfy = bare.through(connection, standin.ports[place])
                running.append((standin, place, pool.submit(ahead(kept), comfy, work, house.picture)))
        served = [each.result() for _standin, _place, each in running]
        spent = time.process_time() - spent
        ledgers = [
            _of(house.entries(standin, place), one) for (standin, place, _), one in zip(running, served, strict=True)
        ]
    run = _bare_run(f"bare, {kept} ahead, SSH", trip, ledgers, served)
    return run | {"CPU ms per job": spent / count * 1000}


def _of(entries: Iterable[Entry], served: Served) -> list[Entry]:
    return [entry for entry in entries if entry["prompt_id"] in served.asked]


def _bare_run(way: str, trip: int, ledgers: Sequence[Sequence[Entry]], served: Sequence[Served]) -> Run:
    asked = {prompt_id: at for one in served for prompt_id, at in one.asked.items()}
    in_hand = {prompt_id: at for one in served for prompt_id, at in one.in_hand.items()}
    entries = [entry for ledger in ledgers for entry in ledger]
    alone = way in ("bare, waits, SSH", "the seed's way")
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
    columns = ["way", "instances", "jobs", "execution ms", "before ms", "gap ms", "after ms", "attached ms"]
    columns += ["efficiency %", "CPU ms per job", "asked per job"]
    for trip in dict.fromkeys(run["round trip ms"] for run in found["runs"]):
        rows = [
            [
                *(run.get(column) for column in columns[:8]),
                run["efficiency"] * 100 if run.get("efficiency") else None,
                run.get("CPU ms per job"),
                run.get("asked per job"),
            ]
            for run in found["runs"]
            if run["round trip ms"] == trip
        ]
        yield table(f"Turns at {trip} ms of round trip (p50 / p95)", columns, rows)
    rows = [[name, used["processes"], used["pss MB"], used["rss MB"]] for name, used in found["memory"].items()]
    yield table("Memory with 5 instances driven on 2 hosts", ["processes", "count", "PSS MB", "RSS MB"], rows)
    rows = [[what, per_second] for what, per_second in sorted(found["asked while idle"].items())]
    yield table("Asked of 5 idle instances by the portal", ["request", "per second"], rows or [["nothing", 0.0]])
