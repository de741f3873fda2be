"""python -m benches [turns] [claims] [policies] [finishing]: measure on this machine; all unless some are named."""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benches import day, finishing, given, targets
from benches.figures import plain, table
from benches.house import house, servers

PARTS = ("turns", "claims", "policies", "finishing")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--job-seconds", type=float, default=2.0, help="one execution (default 2)")
    parser.add_argument("--times", type=float, default=1.0, help="so many times as many jobs")
    parser.add_argument("--round-trips", default="0,30", help="milliseconds to the hosts (default 0,30)")
    parser.add_argument("--days", type=int, default=5, help="simulated days for the policies (default 5)")
    for name, kind in day.World().kinds.items():
        option = f"--{name.replace('_', '-')}-load"
        said = f"seconds to load its models on those days (default {kind.load:g})"
        parser.add_argument(option, type=float, default=kind.load, help=said)
    given.add_options(parser)
    options = parser.parse_args()
    try:
        options.real = given.given_by(options)
    except ValueError as wrong:
        parser.error(str(wrong))
    return options


def world_of(options: argparse.Namespace) -> day.World:
    world = day.World()
    kinds = {name: replace(kind, load=getattr(options, f"{name}_load")) for name, kind in world.kinds.items()}
    return replace(world, kinds=kinds)


def say(sentence: str) -> None:
    sys.stderr.write(f"{datetime.now().astimezone():%H:%M:%S}  {sentence}\n")
    sys.stderr.flush()


def show(texts: Iterable[str]) -> None:
    for text in texts:
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def directory() -> Iterator[Path]:
    # PostgreSQL's user must be able to enter it where we are root.
    made = Path(tempfile.mkdtemp(prefix="connectdream-bench-"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def conditions(options: argparse.Namespace) -> dict[str, Any]:
    names = ("Django", "rq", "paramiko", "requests", "websocket-client", "psycopg", "asyncssh", "aiohttp")
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        "cores": os.cpu_count(),
        "load before": [round(each, 1) for each in os.getloadavg()],
        "memory GB": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in names),
        "job seconds": options.job_seconds,
        "jobs": f"{options.times:g} × the default",
    }


def main() -> int:
    options = arguments()
    parts = options.parts or PARTS
    found: dict[str, Any] = {"conditions": conditions(options)}
    with directory() as place:
        if "turns" in parts or "claims" in parts:
            with servers(place):
                measure_fleet(parts, options, place, found)
    if "policies" in parts:
        say("policies on simulated days")
        found["policies"] = day.measure(days=options.days, world=world_of(options))
        show(day.tables(found["policies"]))
    if "finishing" in parts:
        say("finishing a 50-megapixel master")
        found["finishing"] = finishing.measure()
        show(finishing.tables(found["finishing"]))
    found["conditions"]["load after"] = [round(each, 1) for each in os.getloadavg()]
    show([table("Conditions", ["what", "is"], list(found["conditions"].items()))])
    show(targets.tables(found))
    if options.json:
        options.json.write_text(json.dumps(plain(found), indent=2) + "\n")
    return 0


def measure_fleet(parts: Iterable[str], options: argparse.Namespace, place: Path, found: dict[str, Any]) -> None:
    from benches import claims, commits, real, turns  # Django is set up only now

    found["conditions"]["durable commit ms"] = commits.spread()
    if "turns" in parts:
        size = turns.Size().times(options.times)
        if there := options.real:
            found["conditions"]["measured at"] = (
                f"a real ComfyUI at {there.address}, ports {', '.join(map(str, there.ports))}"
            )
            found["turns"] = real.measure(there, place, size, job_seconds=options.job_seconds, say=say)
        else:
            trips = [int(trip) for trip in options.round_trips.split(",")]
            with house(place, job_seconds=options.job_seconds, round_trips=trips, instances_of_two=3) as made:
                found["turns"] = turns.measure(made, size, round_trips=trips, say=say)
        show(turns.tables(found["turns"]))
    if "claims" in parts:
        say("claims among 200 instances and 10,000 queued jobs")
        found["claims"] = claims.measure()
        show(claims.tables(found["claims"]))


if __name__ == "__main__":
    sys.exit(main())
