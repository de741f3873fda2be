"""The SSH road to a GPU host: pinned keys, tunnelled HTTP and websocket, SFTP, short commands."""

from gpujobs.ssh.channels import ChannelSocket
from gpujobs.ssh.commands import Finished
from gpujobs.ssh.connection import HostConnection, scan_host_key
from gpujobs.ssh.errors import (
    ChannelRefused,
    CommandFailed,
    ConnectionLost,
    HostKeyMismatch,
    HostUnreachable,
    KeyUnusable,
    LoginRefused,
    SshError,
)
from gpujobs.ssh.keys import Target, fingerprint

__all__ = [
    "ChannelRefused",
    "ChannelSocket",
    "CommandFailed",
    "ConnectionLost",
    "Finished",
    "HostConnection",
    "HostKeyMismatch",
    "HostUnreachable",
    "KeyUnusable",
    "LoginRefused",
    "SshError",
    "Target",
    "fingerprint",
    "scan_host_key",
]
