"""A real OpenSSH server for tests: Debian's sshd with a configuration, a host key and a port of its own.

It logs in only the user who runs the tests, only by key, and forwards only to the ports it is told.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh
import pytest

from gpujobs.ssh import Target

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", os.defpath))
# Compiled into Debian's sshd, which insists on it when started by root; its service unit makes it at boot.
PRIVILEGE_SEPARATION = Path("/run/sshd")

KINDS = {"ed25519": "ssh-ed25519", "rsa": "ssh-rsa", "ecdsa": "ecdsa-sha2-nistp256"}

CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {root}/host_key
PidFile none
AuthorizedKeysFile {root}/authorized_keys
StrictModes no
UsePAM no
AllowUsers {username}
PermitRootLogin prohibit-password
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding local
PermitOpen {permitted}
AllowAgentForwarding no
X11Forwarding no
PermitTunnel no
Subsystem sftp internal-sftp
# Or a shell would read what the tester's own start files say, which may take long.
SetEnv HOME={root}
LogLevel VERBOSE
"""


def make_key(path: Path, kind: str = "ed25519", passphrase: str | None = None) -> str:
    """A new private key at `path`; returns its public half as in authorized_keys, without a comment."""
    key = asyncssh.generate_private_key(KINDS[kind])
    path.touch(mode=0o600)
    path.write_bytes(key.export_private_key(passphrase=passphrase, rounds=50))
    public: str = key.export_public_key().decode().strip()
    path.with_name(path.name + ".pub").write_text(public + "\n")
    return public


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class OpenSSHServer:
    """sshd in the foreground of a child process; a context manager.

    `root` is an empty directory for its files. `authorized` are public keys that may log in. `permit_open` are the
    ports of 127.0.0.1 that it forwards to. The test is skipped where there is no sshd.
    """

    def __init__(self, root: Path, authorized: Iterable[str], permit_open: Sequence[int] = ()) -> None:
        self.root = root
        self.permit_open = permit_open
        self.address = "127.0.0.1"
        self.username = getpass.getuser()
        self.port = free_port()
        self.host_key = make_key(root / "host_key")
        (root / "authorized_keys").write_text("".join(f"{key}\n" for key in authorized))
        permitted = " ".join(f"127.0.0.1:{port}" for port in permit_open) or "none"
        (root / "sshd_config").write_text(
            CONFIGURATION.format(port=self.port, root=root, username=self.username, permitted=permitted)
        )
        self._process: subprocess.Popen[bytes] | None = None

    def target(self, key: Path) -> Target:
        """This server, to be logged into with the private key at `key`."""
        return Target(
            address=self.address,
            port=self.port,
            username=self.username,
            host_key=self.host_key,
            key_path=str(key),
        )

    @property
    def log(self) -> str:
        return (self.root / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        if SSHD is None:
            pytest.skip("sshd is not installed (Debian: openssh-server)")
        if os.geteuid() == 0:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", self.root / "sshd_config"], stderr=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), socket.create_connection((self.address, self.port), 1):
                return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"sshd did not start: {self.log}")

    def change_host_key(self) -> str:
        """Give the (stopped) server another identity; returns the new key."""
        for name in ("host_key", "host_key.pub"):
            (self.root / name).unlink()
        self.host_key = make_key(self.root / "host_key")
        return self.host_key

    def kill(self) -> None:
        """SIGKILL to the server and to every connection's process, as when the machine goes down."""
        if self._process is None:
            return
        # Each connection lives in a session of its own, out of reach of killpg.
        family = [self._process.pid, *_descendants(self._process.pid)]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


def _descendants(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The command name, in parentheses, may hold spaces: count the fields after it.
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                child = int(status.parent.name)
                found += [child, *_descendants(child)]
    return found
