"""Turns at a real ComfyUI, given by URL or by SSH: bare clients, the seed's way and the portal, one after the other.

What an instance did is read from its own history: `execution_start` and `execution_success` carry its host's clock.
Before and after compare that clock with ours, so they say something where both are one machine's or well set.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benches import bare, turns
from benches.bare import Served, Work
from benches.given import Given
from benches.house import House, Standin, a_picture, login_key
from benches.managed import KEPT, execution
from benches.portal import Portal
from benches.recipe import LARGEST_ROUNDS, add_scaling, scaling
from gpujobs.comfyui import ComfyUI
from gpujobs.models import Instance
from gpujobs.runner import remove_folder
from gpujobs.ssh import HostConnection, scan_host_key

MANAGE = (sys.executable, "-m", "benches.managed")
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class RealHouse(House):
    kept: Path
    comfys: tuple[ComfyUI, ...]

    def entries(self, standin: Standin, place: int) -> list[dict[str, Any]]:
        """What the history tells, and what it told of records that the portal has deleted since."""
        lines = self.kept.read_text().splitlines() if self.kept.exists() else []
        told = [entry for entry in map(json.loads, lines) if entry["port"] == standin.ports[place]]
        told += [execution(record) for record in self.comfys[place].histories().values() if record.completed]
        return sorted(told, key=lambda entry: float(entry["started"]))

    def requests(self) -> dict[str, int]:
        """Nobody counts them there."""
        return {}


@contextmanager
def reached(given: Given, directory: Path) -> Iterator[tuple[RealHouse, HostConnection]]:
    add_scaling()
    kept = directory / "executions"
    with ExitStack() as stack:
        if not given.username:
            given = _behind_own_sshd(stack, given, directory)
        host = Standin(
            name="real",
            address=given.address,
            host_key=scan_host_key(given.address, given.ssh_port),
            username=given.username,
            key_path=Path(str(given.key_path)).absolute(),
            ports=given.ports,
            wires={0: given.ssh_port},
            direct={},
            directory=given.directory,
        )
        os.environ[KEPT] = str(kept)
        connection = stack.enter_context(bare.over_ssh(host, 0))
        comfys = tuple(bare.through(connection, port) for port in given.ports)
        house = RealHouse(
            directory=directory, standins=(host,), picture=a_picture(), manage=MANAGE, kept=kept, comfys=comfys
        )
        yield house, connection


def _behind_own_sshd(stack: ExitStack, given: Given, directory: Path) -> Given:
    from tests.ssh.openssh import OpenSSHServer  # only here: it comes with the tests' packages

    root, key = directory / "sshd", login_key(directory)
    root.mkdir()
    public = Path(f"{key}.pub").read_text().strip()
    sshd = stack.enter_context(OpenSSHServer(root, [public], permit_open=list(given.ports)))
    return replace(given, ssh_port=sshd.port, username=sshd.username, key_path=key)


def measure(given: Given, directory: Path, size: turns.Size, *, job_seconds: float, say: Say) -> dict[str, Any]:
    with reached(given, directory) as (house, connection):
        tried = try_out(house, job_seconds)
        house = replace(house, recipe=scaling(tried.rounds))
        say(f"a job enlarges its picture {tried.rounds} times")
        portal = Portal(house, [0])
        (instances,) = portal.rows[0]
        sweeper = Sweeper(house, connection, instances)
        for work, served in tried.left:
            sweeper.clear(work, [served])
        runs = [*_bare_singles(house, size, sweeper, say)]
        with portal.driving(0, (1,)):
            say("the portal on 1 instance")
            runs.append(portal.one_at_a_time(size.idle, 0))
            runs.append(portal.many(size.single, 0, 1))
        if (several := len(instances)) > 1:
            say(f"bare clients and the portal on {several} instances")
            run, by_client, work = turns.bare_several(house, size.each * several, 0, (several,))
            runs.append(run)
            sweeper.clear(work, by_client)
            with portal.driving(0, (several,)):
                runs.append(portal.many(size.each * several, 0, several))
    return {"runs": runs, "memory": {}, "asked while idle": {}}


@dataclass(frozen=True, kw_only=True)
class Tried:
    """``left``: what lies on the host for it."""

    rounds: int
    left: list[tuple[Work, Served]]


def try_out(house: RealHouse, job_seconds: float) -> Tried:
    """How often to enlarge a picture so that a job takes about so long there; the first job warms up."""
    taken, left = {}, []
    for rounds in (1, 1, 3):
        work = Work(1, scaling(rounds))
        served = turns.ahead(0)(house.comfys[0], work, house.picture)
        (entry,) = turns.of(house.entries(house.standins[0], 0), served)
        taken[rounds] = entry["ended"] - entry["started"]
        left.append((work, served))
    each = max((taken[3] - taken[1]) / 2, 0.001)
    rounds = max(1, min(LARGEST_ROUNDS, round((job_seconds - taken[1]) / each) + 1))
    return Tried(rounds=rounds, left=left)


def _bare_singles(house: RealHouse, size: turns.Size, sweeper: "Sweeper", say: Say) -> Iterator[turns.Run]:
    for way, client, count in (
        ("bare, 2 ahead, SSH", turns.ahead(2), size.single),
        ("bare, 1 ahead, SSH", turns.ahead(1), size.single),
        ("bare, waits, SSH", turns.ahead(0), size.each),
        ("the seed's way", bare.as_the_seed, size.seed),
    ):
        say(way)
        work = Work(count, house.recipe)
        served = client(house.comfys[0], work, house.picture)
        yield turns.bare_run(way, 0, [turns.of(house.entries(house.standins[0], 0), served)], [served])
        sweeper.clear(work, [served])


@dataclass(frozen=True)
class Sweeper:
    """A real host is left as it was found: no history, input or output of ours."""

    house: RealHouse
    connection: HostConnection
    instances: list[Instance]

    def clear(self, work: Work, served: list[Served]) -> None:
        for comfy, instance in zip(self.house.comfys, self.instances, strict=True):
            comfy.delete_history([prompt_id for one in served for prompt_id in one.asked])
            remove_folder(self.connection, f"{instance.output_dir}/{work.folder}")
            for one in served:
                remove_folder(self.connection, f"{instance.input_dir}/{one.folder}")
