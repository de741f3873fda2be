"""One SSH connection to a GPU host, and everything that goes through it.

Connect inside the job: a connection's threads do not survive a fork, and what is open in a parent is dead in its child.
"""

import os
import socket
import threading
from types import TracebackType
from typing import Final, Self, cast

import paramiko
import requests

from gpujobs.ssh import commands
from gpujobs.ssh.channels import ChannelSocket, SubsystemSocket
from gpujobs.ssh.commands import Finished
from gpujobs.ssh.errors import (
    ChannelRefused,
    CommandFailed,
    ConnectionLost,
    HostKeyMismatch,
    HostUnreachable,
    LoginRefused,
)
from gpujobs.ssh.http import session_over
from gpujobs.ssh.keys import SIGNATURES, Target, fingerprint_of, key_of, parse_host_key

# AES-GCM first: the CPU does it in one pass, where paramiko's own first choice (CTR and HMAC) takes two.
CIPHERS: Final = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
KEY_EXCHANGES: Final = ("curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "diffie-hellman-group16-sha512")
WINDOW: Final = 2 * 1024 * 1024

KEEPALIVE: Final = 15
# Unanswered bytes, keepalives among them, end the connection after this: paramiko itself awaits no answer to them.
SILENCE_MS: Final = 30_000
# The longest a single read or write of a channel waits, where its user sets no limit of its own.
CHANNEL_TIMEOUT: Final = 60.0
SFTP_TIMEOUT: Final = 30.0


class HostConnection:
    """One connection, used by several threads at once. Closing it ends everything that was opened through it."""

    def __init__(self, transport: paramiko.Transport, timeout: float, jump: "HostConnection | None") -> None:
        self._transport = transport
        self._timeout = timeout
        self._jump = jump
        self._pid = os.getpid()
        self._per_thread = threading.local()

    @classmethod
    def open(cls, target: Target, *, timeout: float = 10.0) -> Self:
        """Connect, compare the host key, log in. `timeout` seconds bound each of these steps.

        Raises HostUnreachable, HostKeyMismatch, LoginRefused (KeyUnusable: our own key's fault).
        """
        key = key_of(target)
        jump = HostConnection.open(target.jump, timeout=timeout) if target.jump else None
        try:
            road = jump._road_to(target) if jump else connect_tcp(target.address, target.port, timeout)
            transport = negotiate(road, str(target), target.host_key, timeout)
        except BaseException:
            if jump:
                jump.close()
            raise
        connection = cls(transport, timeout, jump)
        try:
            check_host_key(transport, target)
            log_in(transport, target, key)
        except BaseException:
            connection.close()
            raise
        transport.set_keepalive(KEEPALIVE)
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._pid == os.getpid():
            self._transport.close()
        else:
            # The parent still uses this connection: let go of our copy without a word to the host.
            self._transport.atfork()
        if self._jump:
            self._jump.close()

    @property
    def is_alive(self) -> bool:
        return self._pid == os.getpid() and self._transport.is_active() and self._transport.is_authenticated()

    def still_answers(self) -> bool:
        """Ask the host itself for a sign of life, waiting ``timeout`` at most; without one the connection is over."""
        try:
            self._open("session", 0, None).close()
        except ChannelRefused:
            return True
        except ConnectionLost:
            self.close()
            return False
        return True

    def channel(self, port: int) -> ChannelSocket:
        """A stream to 127.0.0.1:`port` on the host. Raises ChannelRefused, ConnectionLost."""
        channel = self._open("direct-tcpip", port, ("127.0.0.1", port))
        return ChannelSocket(channel, self._transport, timeout=CHANNEL_TIMEOUT)

    def http(self, port: int) -> requests.Session:
        """A session for http://127.0.0.1:`port` on the host. Whatever address it is asked for, it goes there."""
        return session_over(lambda: self.channel(port))

    def sftp(self) -> paramiko.SFTPClient:
        """This thread's SFTP client, kept. Raises ConnectionLost, then and whenever the host falls silent.

        One for each thread: paramiko's client loses answers when two threads wait on it.
        """
        kept: tuple[paramiko.SFTPClient, paramiko.Channel] | None = getattr(self._per_thread, "sftp", None)
        if kept and not kept[1].closed:
            return kept[0]
        channel = self._open("session", 0, None)
        try:
            with commands.closed_after(channel, self._timeout):
                channel.invoke_subsystem("sftp")
                road = SubsystemSocket(channel, self._transport, timeout=SFTP_TIMEOUT)
                client = paramiko.SFTPClient(cast(paramiko.Channel, road))
        except (paramiko.SSHException, EOFError) as error:
            channel.close()
            raise ConnectionLost("the host starts no SFTP server") from error
        self._per_thread.sftp = client, channel
        return client

    def run(self, argv: list[str], *, timeout: float) -> Finished:
        """Run a command and wait for its end. Raises CommandFailed, ConnectionLost; a non-zero `rc` is an answer."""
        channel = self._open("session", 0, None)
        try:
            return commands.run(channel, argv, timeout=timeout)
        except CommandFailed as error:
            if not self.is_alive:
                raise ConnectionLost("the connection was lost while a command ran") from error
            raise

    def _open(self, kind: str, port: int, destination: tuple[str, int] | None) -> paramiko.Channel:
        if not self.is_alive:
            raise ConnectionLost("the connection to the host is closed")
        try:
            return self._transport.open_channel(kind, destination, ("127.0.0.1", 0), timeout=self._timeout)
        except paramiko.ChannelException as error:
            raise ChannelRefused(port, error.text or f"code {error.code}") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise ConnectionLost(f"no channel could be opened: {error}") from error

    def _road_to(self, target: Target) -> paramiko.Channel:
        try:
            return self._open("direct-tcpip", target.port, (target.address, target.port))
        except (ChannelRefused, ConnectionLost) as error:
            self.close()
            raise HostUnreachable(f"the jump host does not reach {target}") from error


def scan_host_key(address: str, port: int, timeout: float = 10.0, *, jump: Target | None = None) -> str:
    """The key a host shows, as Target.host_key wants it, without logging in. Raises HostUnreachable.

    With `jump` the host is reached through that one, which raises what HostConnection.open does. What was scanned is
    to be compared with what the host's owner says before it is trusted.
    """
    if jump is None:
        return _shown_key(connect_tcp(address, port, timeout), f"{address}:{port}", timeout)
    with HostConnection.open(jump, timeout=timeout) as connection:
        target = Target(address=address, port=port, username="", host_key="")
        return _shown_key(connection._road_to(target), str(target), timeout)


def _shown_key(road: socket.socket | paramiko.Channel, where: str, timeout: float) -> str:
    transport = negotiate(road, where, "", timeout)
    try:
        key = transport.get_remote_server_key()
        return f"{key.get_name()} {key.get_base64()}"
    finally:
        transport.close()


def connect_tcp(address: str, port: int, timeout: float) -> socket.socket:
    try:
        sock = socket.create_connection((address, port), timeout)
    except OSError as error:
        raise HostUnreachable(f"{address}:{port} cannot be reached: {error.strerror or error}") from error
    # Without it every request waits for the acknowledgement of the one before: measured, 50 ms each.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MS)
    else:
        # macOS has no such limit; its own keepalive finds a dead host too, later.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return sock


def negotiate(road: socket.socket | paramiko.Channel, where: str, host_key: str, timeout: float) -> paramiko.Transport:
    """An encrypted transport to a host that is not yet known to be the right one."""
    transport = paramiko.Transport(road, default_window_size=WINDOW)
    transport.banner_timeout = transport.handshake_timeout = timeout
    transport.auth_timeout = transport.channel_timeout = timeout
    options = transport.get_security_options()
    options.ciphers = CIPHERS
    options.kex = KEY_EXCHANGES
    # A host has several keys and shows the first that we name: name the pinned one's type first.
    pinned = host_key.split()[0] if host_key else "ssh-ed25519"
    wanted = SIGNATURES.get(pinned, (pinned,))
    options.key_types = tuple(sorted(options.key_types, key=lambda offered: offered not in wanted))
    try:
        transport.start_client(timeout=timeout)
    except (paramiko.SSHException, EOFError, OSError) as error:
        transport.close()
        raise HostUnreachable(f"{where} does not speak SSH with us: {error}") from error
    # paramiko returns in silence when the time is over.
    if not transport.initial_kex_done:
        transport.close()
        raise HostUnreachable(f"{where} did not finish the SSH handshake within {timeout:g} s")
    return transport


def check_host_key(transport: paramiko.Transport, target: Target) -> None:
    seen = transport.get_remote_server_key().asbytes()
    pinned = parse_host_key(target.host_key)[1] if target.host_key else b""
    if seen != pinned:
        expected = fingerprint_of(pinned) if pinned else ""
        raise HostKeyMismatch(str(target), expected=expected, seen=fingerprint_of(seen))


def log_in(transport: paramiko.Transport, target: Target, key: paramiko.PKey) -> None:
    try:
        further = transport.auth_publickey(target.username, key)
    except paramiko.AuthenticationException as error:
        raise LoginRefused(f"{target} refused the key {key.fingerprint}: {error}") from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise HostUnreachable(f"{target} broke off during login: {error}") from error
    if further:
        raise LoginRefused(f"{target} wants more than a key: {', '.join(further)}")
