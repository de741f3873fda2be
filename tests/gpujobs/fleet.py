"""A whole fleet for a test: the stand-in host behind its SSH server, rows for it, and a driver in a thread."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh
from django.db import connections

from gpujobs import driver, hosts
from gpujobs.models import Attempt, GpuHost, Instance, Job
from gpujobs.standin import Settings, StandinHost
from tests.gpujobs.making import a_result
from tests.ssh.openssh import OpenSSHServer

QUICK = Settings(step_seconds=0.002, frame_seconds=0.0, control=True)
# Where nobody looks at what was made: a portrait takes a second to draw, and each is a copy of one.
COPYING = Settings(step_seconds=0.01, frame_seconds=0.0, control=True)
SLOW = Settings(step_seconds=0.25, frame_seconds=0.0, control=True)


def make_key(directory: Path) -> Path:
    """A login key; its public half lies beside it."""
    path = directory / "portal_key"
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(path))
    key.write_public_key(f"{path}.pub")
    path.chmod(0o600)
    return path


@dataclass
class Fleet:
    standin: StandinHost
    host: GpuHost
    instances: list[Instance]

    @contextmanager
    def driven(self) -> Iterator[threading.Thread]:
        """The host is driven while the block runs; afterwards the driver has let go."""
        trouble: list[BaseException] = []

        def drive() -> None:
            try:
                driver.drive(GpuHost.objects.get(pk=self.host.pk), worker="test")
            except BaseException as error:  # noqa: BLE001  told to the test below
                trouble.append(error)
            finally:
                connections.close_all()

        driver.hand_over.clear()
        thread = threading.Thread(target=drive, name="driver")
        thread.start()
        try:
            yield thread
        finally:
            driver.hand_over.set()
            thread.join(timeout=30)
            driver.hand_over.clear()
        assert not thread.is_alive()
        if trouble:
            raise trouble[0]

    def executions(self, job: Job | None = None) -> list[dict[str, object]]:
        """What the GPUs really did, for one job or for all."""
        entries = [entry for instance in self.standin.instances for entry in instance.ledger.entries()]
        if job is None:
            return entries
        return [entry for entry in entries if entry["extra_data"].get("portal_job") == str(job.pk)]

    def residue(self) -> list[str]:
        """Files of ours on the host, and prompts of ours in any history."""
        root = Path(self.standin.root)
        return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and "portal" in path.parts]


@contextmanager
def fleet_of(directory: Path, *, instances: int = 1, settings: Settings = QUICK, name: str = "l4") -> Iterator[Fleet]:
    key = make_key(directory)
    if settings in (SLOW, COPYING):
        # Slow by the clock and not by drawing, so that what is seen on the way is seen on a busy machine as well.
        result = directory / "result.png"
        result.write_bytes(a_result())
        settings = replace(settings, canned_result=result)
    with StandinHost(directory / "host", Path(f"{key}.pub"), instances=instances, settings=settings) as standin:
        host = GpuHost(
            name=name,
            address="127.0.0.1",
            port=standin.ssh_port,
            username=standin.username,
            host_key=standin.host_key,
            key_path=str(key),
        )
        rows = hosts.add(host, [instance.port for instance in standin.instances])
        yield Fleet(standin, host, rows)


@contextmanager
def behind_sshd(directory: Path, ports: list[int]) -> Iterator[tuple[GpuHost, list[Instance]]]:
    """A host row with an instance for each port of 127.0.0.1, reached through a real sshd."""
    key = make_key(directory)
    (directory / "sshd").mkdir()
    public = Path(f"{key}.pub").read_text().strip()
    with OpenSSHServer(directory / "sshd", [public], permit_open=ports) as sshd:
        host = GpuHost(
            name="real",
            address=sshd.address,
            port=sshd.port,
            username=sshd.username,
            host_key=sshd.host_key,
            key_path=str(key),
        )
        yield host, hosts.add(host, ports)


def wait_until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def ended(*jobs: Job) -> Callable[[], bool]:
    def look() -> bool:
        return Job.objects.filter(pk__in=[job.pk for job in jobs], state__in=Job.ENDED).count() == len(jobs)

    return look


def in_state(job: Job, *states: str) -> Callable[[], bool]:
    return lambda: Attempt.objects.filter(job=job, state__in=states).exists()
