"""The GPU host: an SSH server of its own in front of the instances, as the portal meets it in the field."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

from .commands import answer
from .facts import NodeFacts
from .instance import LOOPBACK, Instance
from .settings import Settings

USERNAME = "gpu"


class StandinHost:
    """A context manager for tests; the command line runs the same thing in the foreground.

    root: instance folders (gpu0, gpu1, ...) and the host key live here; both stay, so a restarted host is the same
    host. authorized_key: a file in authorized_keys form. ports: one per instance, 0 or missing for a free one.
    further_ports: other ports on 127.0.0.1 that may be reached through SSH (to stand in for a jump host).
    """

    username = USERNAME

    def __init__(
        self,
        root: Path,
        authorized_key: Path,
        *,
        instances: int = 2,
        ssh_port: int = 0,
        ports: Sequence[int] = (),
        further_ports: Sequence[int] = (),
        settings: Settings | None = None,
    ) -> None:
        self.root = root.resolve()
        self.authorized_key = authorized_key
        self.settings = settings or Settings()
        self.ssh_port = ssh_port
        self.host_key = ""
        self.further_ports = tuple(further_ports)
        facts = NodeFacts(absent_models=self.settings.absent_models)
        self.instances = [
            Instance(index, self.root / f"gpu{index}", ports[index] if index < len(ports) else 0, self.settings, facts)
            for index in range(instances)
        ]
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    # On the event loop

    async def astart(self) -> None:
        """Raises OSError if a port is taken, asyncssh.KeyImportError for an unreadable key."""
        self.root.mkdir(parents=True, exist_ok=True)
        key = self._kept_host_key()
        self.host_key = " ".join(key.export_public_key().decode().split()[:2])
        for instance in self.instances:
            await instance.aboot()
        self._acceptor = await asyncssh.create_server(
            lambda: _Guard(self),
            LOOPBACK,
            self.ssh_port,
            server_host_keys=[key],
            authorized_client_keys=asyncssh.read_authorized_keys(str(self.authorized_key)),
            process_factory=self._answer,
            sftp_factory=lambda channel: _Files(channel, self.root),
            password_auth=False,
            kbdint_auth=False,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            allow_scp=False,
            line_editor=False,
            keepalive_interval=0,
            reuse_address=True,
        )
        self.ssh_port = self._acceptor.get_port()

    async def astop(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        for connection in list(self._connections):
            connection.abort()
        for instance in self.instances:
            await instance.akill()

    def _kept_host_key(self) -> asyncssh.SSHKey:
        path = self.root / "ssh_host_ed25519_key"
        if not path.exists():
            fresh = asyncssh.generate_private_key("ssh-ed25519", comment="")
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(fresh.export_private_key())
        return asyncssh.read_private_key(str(path))

    async def _answer(self, process: "asyncssh.SSHServerProcess[str]") -> None:
        if process.command is None:
            process.stderr.write("This host runs no shell.\n")
            process.exit(1)
            return
        said = answer(process.command, self.settings, self.root, len(self.instances))
        process.stdout.write(said.stdout)
        process.stderr.write(said.stderr)
        process.exit(said.status)

    def may_reach(self, host: str, port: int) -> bool:
        ports = {instance.port for instance in self.instances} | set(self.further_ports)
        return host in {LOOPBACK, "localhost"} and port in ports

    def adopt(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connections.add(connection)

    def forget(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connections.discard(connection)

    def cut_connections(self) -> None:
        """Every SSH connection breaks at once; the server goes on listening. From any thread."""

        async def cut() -> None:
            for connection in list(self._connections):
                connection.abort()

        self._wait_for(cut())

    # In a thread, for tests

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="standin-host", daemon=True)
        self._thread.start()
        try:
            self._wait_for(self.astart())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is None or self._thread is None:
            return
        self._wait_for(self.astop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        if not self._thread.is_alive():
            self._loop.close()

    def _wait_for(self, coroutine: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            raise RuntimeError("the host is not running")
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)


class _Guard(asyncssh.SSHServer):
    """Public key only, one user, tunnels to the instances only."""

    def __init__(self, host: StandinHost) -> None:
        self.host = host
        self.connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.host.adopt(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.connection is not None:
            self.host.forget(self.connection)

    def begin_auth(self, username: str) -> bool:
        if username != USERNAME and self.connection is not None:
            self.connection.set_authorized_keys(asyncssh.import_authorized_keys(""))
        return True

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """A port whose instance is down opens to 'connection refused', as with sshd."""
        if not self.host.may_reach(dest_host, dest_port):
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "Port forwarding not permitted")
        return True

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        return False


class _Files(asyncssh.SFTPServer):
    """Absolute paths as on a real host, but nothing outside the host's root."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", root: Path) -> None:
        super().__init__(channel)
        self.root = root

    def map_path(self, path: bytes) -> bytes:
        wanted = Path(os.fsdecode(path))
        real = (self.root / wanted).resolve()
        is_key = real.name.startswith("ssh_host_")
        if is_key or (real != self.root and self.root not in real.parents):
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        return os.fsencode(self.root / wanted)
