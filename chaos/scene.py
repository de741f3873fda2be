"""The fleet under attack: two stand-in hosts behind real sshd, each at the end of a wire, and the portal's workers."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from PIL import Image

from benches.house import Standin as StandinFacts
from benches.house import house
from chaos.mix import REFUSED_SEED
from chaos.portal import FULL
from gpujobs.standin import video
from portal.demo.processes import Processes
from portal.embedded import Postgres, Valkey
from tests.ssh.openssh import OpenSSHServer
from tests.ssh.relay import Relay

WEDGED_SECONDS = 8
MANAGE = [sys.executable, "-m", "chaos.portal"]
# At least as many frames, and as long, as any workflow promises of a video.
FRAMES, FPS, FRAME_SIZE = 12 * 30, 24, (384, 480)


@dataclass
class Host:
    facts: StandinFacts
    sshd: OpenSSHServer
    wire: Relay
    root: Path
    row: Any = None
    # Monotonic seconds until which the wire stays frozen; and whether sshd was killed and has not been started again.
    frozen_until: float = 0.0
    is_shut: bool = False

    def tell(self, place: int, **faults: object) -> None:
        """Break something on an instance, past the wire: as it would break there."""
        _ask("POST", self.facts.ports[place], "/standin/faults", json=faults)

    def interrupt(self, place: int) -> None:
        _ask("POST", self.facts.ports[place], "/interrupt")

    def all_answer(self) -> bool:
        with suppress(requests.RequestException):
            return all(_ask("GET", port, "/system_stats") for port in self.facts.ports)
        return False

    def executions(self) -> list[dict[str, Any]]:
        return [entry for port in self.facts.ports for entry in _ask("GET", port, "/standin/ledger").json()]

    def residue(self) -> list[str]:
        """Files in our folders, and prompts of ours in a history."""
        files = [str(path) for path in self.root.rglob("*") if path.is_file() and "portal" in path.parts]
        for port in self.facts.ports:
            for prompt_id, entry in _ask("GET", port, "/history").json().items():
                if "portal_attempt" in entry["prompt"][3]:
                    files.append(f"history of {port}: {prompt_id}")
        return files


@dataclass
class Scene:
    hosts: list[Host]
    processes: Processes
    database: Postgres
    redis: Valkey
    # While it exists, the portal's disk is full.
    disk_full: Path
    video: bytes

    def all_answer(self) -> bool:
        return all(host.all_answer() for host in self.hosts)


def _ask(method: str, port: int, path: str, **body: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(method, f"http://127.0.0.1:{port}{path}", timeout=15, **body)
    answer.raise_for_status()
    return answer


@contextmanager
def scene(directory: Path, *, job_seconds: float) -> Iterator[Scene]:
    with ExitStack() as stack:
        database = stack.enter_context(Postgres(directory / "postgres"))
        redis = stack.enter_context(Valkey(directory / "valkey"))
        disk_full = directory / "disk-full"
        _set_up(directory, database, redis, disk_full)
        canned = a_video(directory / "result.mp4")
        made = stack.enter_context(
            house(directory, job_seconds=job_seconds, round_trips=[], options=["--canned-video", str(canned)])
        )
        hosts = [_behind_sshd(stack, directory, facts) for facts in made.standins]
        for host in hosts:
            _add_rows(host)
            for place in range(len(host.facts.ports)):
                host.tell(place, refused_seed=REFUSED_SEED)
        processes = stack.enter_context(Processes(directory / "workers", may_end_often=True))
        # One to spare: while a dead one's worker comes back, the other takes its host over.
        for number in range(len(hosts) + 1):
            processes.start(f"worker-gpu-{number}", [*MANAGE, "rqworker", "gpu"])
        processes.start("worker-portal", [*MANAGE, "rqworker", "portal"])
        processes.start("worker-upkeep", [*MANAGE, "rqworker", "upkeep"])
        processes.start("schedule", [*MANAGE, "rqcron", "portal.schedule"])
        yield Scene(hosts, processes, database, redis, disk_full, canned.read_bytes())


def _set_up(directory: Path, database: Postgres, redis: Valkey, disk_full: Path) -> None:
    (directory / "files").mkdir()
    os.environ |= {
        "DATABASE_URL": database.url,
        "REDIS_URL": redis.url,
        "SECRET_KEY": "only for the chaos",
        "HTTPS": "no",
        "DEBUG": "no",
        "LOG_LEVEL": "WARNING",
        "STORAGE_ROOT": str(directory / "files"),
        "STATIC_ROOT": str(directory / "static"),
        "GPUJOBS_WEDGED_SECONDS": str(WEDGED_SECONDS),
        FULL: str(disk_full),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    import django  # after the environment that its settings come from
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)


def a_video(path: Path) -> Path:
    """As large as a living video, long enough for one that was lengthened, and as quick to decode as one can be."""
    pictures = (Image.new("RGB", FRAME_SIZE, (90, 60 + number % 100, 90)) for number in range(FRAMES))
    video.encode(pictures, FRAME_SIZE, path, fps=FPS, crf=23, pixel_format="yuv420p", comment="", on_frame=lambda: None)
    return path


def _behind_sshd(stack: ExitStack, directory: Path, facts: StandinFacts) -> Host:
    root = directory / f"sshd-{facts.name}"
    root.mkdir()
    public = Path(f"{facts.key_path}.pub").read_text().strip()
    sshd = stack.enter_context(OpenSSHServer(root, [public], permit_open=list(facts.ports)))
    wire = stack.enter_context(Relay(sshd.port))
    return Host(facts=facts, sshd=sshd, wire=wire, root=directory / facts.name)


def _add_rows(host: Host) -> None:
    from gpujobs import hosts
    from gpujobs.models import GpuHost

    host.row = GpuHost(
        name=host.facts.name,
        address="127.0.0.1",
        port=host.wire.port,
        username=host.sshd.username,
        host_key=host.sshd.host_key,
        key_path=str(host.facts.key_path),
    )
    for instance in hosts.add(host.row, list(host.facts.ports)):
        instance.restart_command = [sys.executable, "-c", _RESTART, str(instance.port)]
        instance.save(update_fields=["restart_command"])


_RESTART = (
    "import sys, urllib.request as u;"
    "u.urlopen(u.Request('http://127.0.0.1:' + sys.argv[1] + '/standin/faults',"
    " b'{\"restart\": 1.0}', {'Content-Type': 'application/json'}), timeout=10)"
)
