"""What is measured, started: PostgreSQL and Valkey that wait for the disk, stand-in hosts as processes, RQ workers.

The stand-ins run beside us so that nothing of theirs waits for our interpreter's lock; each has an SSH server of its
own, and a wire in front of it for every round trip that was asked for.
"""

import io
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image, ImageOps

from benches.recipe import PORTRAIT, STEPS, Recipe
from portal.demo.processes import Processes
from portal.demo.sample_people import sample_photo
from portal.embedded import Postgres, Valkey

ROOT = Path(__file__).resolve().parent.parent
MANAGE = (sys.executable, str(ROOT / "manage.py"))


@dataclass(frozen=True, kw_only=True)
class Standin:
    """``wires``: round trip in ms -> the SSH port at that distance. ``direct``: the same for the first instance.
    ``directory``: ComfyUI's own, where it does not say it."""

    name: str
    address: str = "127.0.0.1"
    host_key: str
    username: str
    key_path: Path
    ports: tuple[int, ...]
    wires: dict[int, int]
    direct: dict[int, int]
    directory: str = ""


@dataclass(frozen=True, kw_only=True)
class House:
    """``manage`` starts the portal's processes; ``recipe`` is what they and the bare clients are asked for."""

    directory: Path
    standins: tuple[Standin, ...]
    picture: bytes
    manage: tuple[str, ...] = MANAGE
    recipe: Recipe = PORTRAIT

    def entries(self, standin: Standin, place: int) -> list[dict[str, Any]]:
        """What that instance's GPU did, in order."""
        entries: list[dict[str, Any]] = self._told(standin.ports[place], "ledger")
        return entries

    def requests(self) -> dict[str, int]:
        """ "GET /queue" -> how often, over all instances, until now."""
        asked: dict[str, int] = {}
        for standin in self.standins:
            for port in standin.ports:
                for what, times in self._told(port, "requests").items():
                    asked[what] = asked.get(what, 0) + times
        return asked

    def _told(self, port: int, what: str) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"http://127.0.0.1:{port}/standin/{what}", timeout=30)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def servers(directory: Path) -> Iterator[None]:
    """A database that keeps what it says it keeps, and Django on top of it."""
    with Postgres(directory / "postgres") as database, Valkey(directory / "valkey") as redis:
        os.environ |= {
            "DATABASE_URL": database.url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": "only for the bench",
            "HTTPS": "no",
            "DEBUG": "no",
            "LOG_LEVEL": "WARNING",
            "STORAGE_ROOT": str(directory / "files"),
            "STATIC_ROOT": str(directory / "static"),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
        }
        (directory / "files").mkdir()
        import django  # after the environment that its settings come from
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", interactive=False, verbosity=0)
        try:
            yield
        finally:
            connections.close_all()


@contextmanager
def house(
    directory: Path,
    *,
    job_seconds: float,
    round_trips: Sequence[int],
    instances_of_two: int = 2,
    options: Sequence[str] = (),
) -> Iterator[House]:
    """Two hosts, of three instances and of two or more, whose results are one picture of about 1.5 MB; ``options`` are
    the stand-ins' own."""
    with ExitStack() as stack:
        processes = stack.enter_context(Processes(directory / "logs"))
        picture = a_picture()
        canned = directory / "result.png"
        canned.write_bytes(picture)
        key = login_key(directory)
        standins = []
        for name, instances in (("one", 3), ("two", instances_of_two)):
            command = [sys.executable, "-m", "gpujobs.standin", "--root", str(directory / name), "--control"]
            command += ["--authorized-key", f"{key}.pub", "--instances", str(instances)]
            command += ["--canned-result", str(canned), "--step-seconds", str(job_seconds / STEPS), *options]
            processes.start_to_hear(f"host-{name}", command)
            said = json.loads(processes.hear(f"host-{name}"))
            ports = tuple(instance["port"] for instance in said["instances"])
            standins.append(
                Standin(
                    name=name,
                    host_key=said["host_key"],
                    username=said["username"],
                    key_path=key,
                    ports=ports,
                    wires={trip: _wire(processes, said["ssh_port"], trip) for trip in round_trips},
                    direct={trip: _wire(processes, ports[0], trip) for trip in round_trips},
                )
            )
        yield House(directory=directory, standins=tuple(standins), picture=picture)


@contextmanager
def workers(house: House, *, drivers: int, idle_seconds: int = 300) -> Iterator[Processes]:
    """The portal's own processes, without its web server."""
    os.environ["GPUJOBS_IDLE_SECONDS"] = str(idle_seconds)
    manage = house.manage
    with Processes(house.directory / "logs") as processes:
        for number in range(drivers):
            processes.start(f"worker-gpu-{number}", [*manage, "rqworker", "gpu"])
        processes.start("worker-portal", [*manage, "rqworker", "portal"])
        processes.start("worker-upkeep", [*manage, "rqworker", "upkeep"])
        processes.start("schedule", [*manage, "rqcron", "portal.schedule"])
        yield processes


def a_picture() -> bytes:
    """A portrait-sized PNG of about 1.5 MB: a drawn person, whose face is to be found, with a photograph's grain."""
    with Image.open(io.BytesIO(sample_photo(0, 0))) as photo:
        person = ImageOps.fit(ImageOps.exif_transpose(photo).convert("RGB"), (896, 1152))
    grain = np.random.default_rng(7).normal(0, 2.0, (1152, 896, 3))
    packed = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(person) + grain, 0, 255).astype(np.uint8)).save(packed, "PNG", compress_level=4)
    return packed.getvalue()


def wait_for(happened: Any, seconds: float, what: str, *, every: float = 0.25) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(every)


def _wire(processes: Processes, port: int, round_trip: int) -> int:
    if not round_trip:
        return port
    command = [sys.executable, "-m", "benches.delay", "--to", str(port), "--milliseconds", str(round_trip / 2)]
    processes.start_to_hear(f"wire-{port}-{round_trip}", command)
    return int(processes.hear(f"wire-{port}-{round_trip}"))


def login_key(directory: Path) -> Path:
    key = Ed25519PrivateKey.generate()
    form, nothing = serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    private = directory / "key"
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, nothing))
    encoding, public_form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    public = key.public_key().public_bytes(encoding, public_form)
    Path(f"{private}.pub").write_bytes(public + b"\n")
    return private
