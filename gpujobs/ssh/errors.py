"""What can go wrong between the portal and a GPU host, by name."""


class SshError(Exception):
    """Any failure of the SSH road to a host; the message is a sentence fit for an operator."""


class HostUnreachable(SshError):
    """Nothing that speaks SSH answered in time: name, route, port, banner or key exchange failed."""


class HostKeyMismatch(SshError):
    """The host showed another key than the pinned one; nothing was sent to it, not even the user name.

    `expected` and `seen` are SHA256 fingerprints; `expected` is empty where no key was pinned.
    """

    def __init__(self, where: str, *, expected: str, seen: str) -> None:
        pinned = f"but {expected} is pinned for it" if expected else "and none is pinned for it"
        super().__init__(f"{where} shows the host key {seen}, {pinned}")
        self.expected = expected
        self.seen = seen


class LoginRefused(SshError):
    """The host is the right one and did not let us in."""


class KeyUnusable(LoginRefused):
    """Our own private key cannot be read: missing, another format, or locked by another passphrase."""


class ChannelRefused(SshError, ConnectionRefusedError):
    """The host is connected but opens no channel to `port`: nothing listens there, or sshd forbids it."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(f"the host opens no channel to its port {port}: {reason}")
        self.port = port


class ConnectionLost(SshError, ConnectionError):
    """A connection that worked does not any more, or has been silent for too long to be believed in."""


class CommandFailed(SshError):
    """A command could not be started on the host, or outlasted its time. One that ran and failed is not this."""
