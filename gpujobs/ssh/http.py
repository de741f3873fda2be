"""HTTP through a host's channels: a requests.Session that opens no socket of its own."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from gpujobs.ssh.channels import ChannelSocket
from gpujobs.ssh.errors import SshError

# Channels kept open for the next request. More may be open at once; they are closed after use.
KEPT: Final = 4

OpenChannel: TypeAlias = Callable[[], ChannelSocket]


def session_over(open_channel: OpenChannel) -> requests.Session:
    """A keep-alive session whose every connection is a channel. It repeats nothing and heeds no proxy settings."""
    session = requests.Session()
    session.trust_env = False
    for prefix in ("http://", "https://"):
        session.mount(prefix, _ChannelAdapter(open_channel))
    return session


class _ChannelAdapter(HTTPAdapter):
    def __init__(self, open_channel: OpenChannel) -> None:
        self._open_channel = open_channel
        super().__init__(pool_connections=1, pool_maxsize=KEPT)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        open_channel = self._open_channel

        class Pool(_ChannelPool):
            def open_channel(self) -> ChannelSocket:
                return open_channel()

        # https is missing on purpose: nothing on the far end of a tunnel to loopback speaks it.
        self.poolmanager.pool_classes_by_scheme = {"http": Pool}


class _ChannelPool(HTTPConnectionPool):
    def open_channel(self) -> ChannelSocket:
        raise NotImplementedError

    def _new_conn(self) -> HTTPConnection:
        self.num_connections += 1
        return _ChannelConnection(
            self.host, self.port, open_channel=self.open_channel, timeout=self.timeout.connect_timeout
        )


class _ChannelConnection(HTTPConnection):
    def __init__(self, host: str, port: int | None, *, open_channel: OpenChannel, **kwargs: Any) -> None:
        super().__init__(host, port, **kwargs)
        self._open_channel = open_channel

    def _new_conn(self) -> ChannelSocket:  # type: ignore[override]  # a socket in all but ancestry
        try:
            return self._open_channel()
        except SshError as error:
            raise NewConnectionError(self, str(error)) from error

    @property
    def is_connected(self) -> bool:
        # The inherited test polls a file descriptor, and a channel has none of its own.
        channel = self.sock
        return isinstance(channel, ChannelSocket) and channel.is_idle
