"""Everything the portal stands on and consists of, under one directory, while a `with` lasts.

directory/postgres valkey     the servers' data, unless DATABASE_URL and REDIS_URL name others
          gpu-host keys       the stand-in GPU host and the key it lets in
          files static logs   what the portal stores, serves and says
          secret_key password
"""

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.demo import certificates
from portal.demo.processes import ProcessError, Processes
from portal.embedded import Postgres, Valkey

BASE_DIR = Path(__file__).resolve().parent.parent.parent
MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]
INSTANCES = 2
ANSWER_SECONDS = 60


class DemoError(Exception):
    """The demo cannot go on; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True, kw_only=True)
class Standin:
    """Where the stand-in GPU host is reached, and the key that opens it."""

    ssh_port: int
    host_key: str
    username: str
    instance_ports: tuple[int, ...]
    key_path: Path


@dataclass(frozen=True, kw_only=True)
class House:
    directory: Path
    url: str
    standin: Standin
    # Two, so that the drivers have let go before their host goes.
    fleet: Processes
    portal: Processes

    def open(self) -> None:
        """Return once the web answers, with the workers started. The fleet must be known by then."""
        self._await_web()
        for queue in ("gpu", "portal", "upkeep", "hosts"):
            self.portal.start(f"worker-{queue}", [*MANAGE, "rqworker", queue])
        self.portal.start("schedule", [*MANAGE, "rqcron", "portal.schedule"])

    def watch(self) -> None:
        """Start again what has ended; call about once a second. Raises ProcessError when that happens too often."""
        self.fleet.watch()
        self.portal.watch()

    def _await_web(self) -> None:
        """Its socket is open already, so that asking is waiting."""
        with requests.Session() as session:
            session.trust_env = False
            deadline = time.monotonic() + ANSWER_SECONDS
            while time.monotonic() < deadline:
                try:
                    session.get(f"{self.url}/accounts/login/", timeout=1).raise_for_status()
                except requests.Timeout:
                    self.watch()
                except requests.RequestException as error:
                    raise ProcessError(f"The portal does not answer as it should: {error}") from error
                else:
                    return
        raise ProcessError(f"The portal did not answer within {ANSWER_SECONDS} seconds; see {self.directory / 'logs'}.")


@contextmanager
def open_house(directory: Path, *, port: int, step_seconds: float) -> Iterator[House]:
    """Start servers, stand-in and web, and set Django up in this process; stop everything in the end.

    ``port`` 0 takes any free one. ``step_seconds`` is how long the stand-in takes for a sampling step.
    Raises DemoError, ProcessError or portal.embedded.ServerError with a sentence to show.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(port))
        directory.mkdir(parents=True, exist_ok=True)
        url = f"http://localhost:{listener.getsockname()[1]}"
        if "DATABASE_URL" not in os.environ:
            os.environ["DATABASE_URL"] = stack.enter_context(Postgres(directory / "postgres")).url
        if "REDIS_URL" not in os.environ:
            os.environ["REDIS_URL"] = stack.enter_context(Valkey(directory / "valkey")).url
        _set_environment(directory, url)
        fleet = stack.enter_context(Processes(directory / "logs"))
        key_path = _start_standin(fleet, directory, step_seconds)
        _prepare_portal()
        portal = stack.enter_context(Processes(directory / "logs"))
        _start_web(portal, listener)
        standin = _hear_standin(fleet, key_path)
        yield House(directory=directory, url=url, standin=standin, fleet=fleet, portal=portal)


def kept_secret(path: Path, *, size: int = 32) -> str:
    """A word of so many random bytes, made once and readable by its owner alone."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(size).encode())
    return path.read_text()


def _listen(port: int) -> socket.socket:
    """The web server's socket, opened first: whether the port is free is then no guess, and it stays ours."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise DemoError(
            f"Port {port} cannot be had ({error.strerror}); stop what uses it or choose another: make demo PORT=8001"
        ) from error
    listener.listen(128)
    return listener


def _set_environment(directory: Path, url: str) -> None:
    os.environ.setdefault("SECRET_KEY", kept_secret(directory / "secret_key"))
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "HTTPS": "no",
        # One press and in: its accounts are for whoever looks around on their own machine.
        "SECOND_FACTOR_REQUIRED": "no",
        "SITE_URL": url,
        "STORAGE_ROOT": str(directory / "files"),
        "STATIC_ROOT": str(directory / "static"),
        "C2PA_CERTIFICATE_FILE": str(directory / "keys" / "c2pa.pem"),
        "C2PA_KEY_FILE": str(directory / "keys" / "c2pa.key"),
    }
    (directory / "keys").mkdir(mode=0o700, exist_ok=True)
    certificates.write(directory / "keys" / "c2pa.pem", directory / "keys" / "c2pa.key")
    (directory / "files").mkdir(mode=0o700, exist_ok=True)


def _start_standin(processes: Processes, directory: Path, step_seconds: float) -> Path:
    """Returns the path of the private key that it will let in."""
    keys, root = directory / "keys", directory / "gpu-host"
    for private_directory in (keys, root):
        private_directory.mkdir(mode=0o700, exist_ok=True)
    private, public = keys / "gpu", keys / "gpu.pub"
    if not private.exists():
        _make_key(private, public)
    # Its ports are settled here, so that it comes back on the same ones should it be started again.
    ssh_port, *instance_ports = _free_ports(1 + INSTANCES)
    command = [sys.executable, "-m", "gpujobs.standin", "--root", str(root)]
    command += ["--authorized-key", str(public), "--instances", str(INSTANCES), "--ssh-port", str(ssh_port)]
    command += ["--ports", ",".join(map(str, instance_ports)), "--step-seconds", str(step_seconds)]
    processes.start_to_hear("gpu-host", command)
    return private


def _hear_standin(processes: Processes, key_path: Path) -> Standin:
    said: dict[str, Any] = json.loads(processes.hear("gpu-host"))
    return Standin(
        ssh_port=said["ssh_port"],
        host_key=said["host_key"],
        username=said["username"],
        instance_ports=tuple(instance["port"] for instance in said["instances"]),
        key_path=key_path,
    )


def _prepare_portal() -> None:
    """Set Django up here and bring database, translations and static files up to date."""
    import django  # after the environment that its settings come from
    from django.core.management import call_command

    django.setup()
    from portal.messages import compile_messages

    compile_messages()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def _start_web(processes: Processes, listener: socket.socket) -> None:
    fd = listener.fileno()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:portal.gunicorn", "portal.wsgi", "--no-control-socket"]
    command += ["--chdir", str(BASE_DIR), "--bind", f"fd://{fd}", "--graceful-timeout", "3"]
    processes.start("web", command, pass_fds=(fd,))


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _make_key(private: Path, public: Path) -> None:
    key = Ed25519PrivateKey.generate()
    form, nothing = serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    write_private(private, key.private_bytes(serialization.Encoding.PEM, form, nothing))
    encoding, format_ = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    public.write_bytes(key.public_key().public_bytes(encoding, format_) + b"\n")


def write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    unfinished.replace(path)
