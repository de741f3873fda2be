"""A channel that behaves like a socket.

paramiko's own Channel nearly does. It lacks recv_into and a file that outlives close(), which http.client needs; it
ends a broken connection like a finished one, with empty bytes; and its sendall copies what is left after each packet,
which makes a 100 MB body quadratic.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NoReturn

import paramiko

from gpujobs.ssh.errors import ConnectionLost

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

SLICE: Final = 32 * 1024
# How long the transport's thread may take to say that it ended, after it closed our channel.
LAST_WORDS: Final = 0.2


class ChannelSocket:
    """One direct-tcpip or session channel. Raises TimeoutError, ConnectionLost, and OSError once closed."""

    def __init__(self, channel: paramiko.Channel, transport: paramiko.Transport, *, timeout: float) -> None:
        self._channel = channel
        self._transport = transport
        self._files = 0
        self._wants_close = False
        self._lock = threading.Lock()
        channel.settimeout(timeout)

    @property
    def _closed(self) -> bool:
        # websocket-client closes only what says, under this name, that it is open.
        return self._wants_close or self._channel.closed

    @property
    def is_idle(self) -> bool:
        """Whether nothing has come that nobody asked for: bytes, an end, a loss."""
        channel = self._channel
        return not (channel.closed or channel.eof_received or channel.recv_ready()) and self._transport.is_active()

    def settimeout(self, timeout: float | None) -> None:
        self._channel.settimeout(timeout)

    def gettimeout(self) -> float | None:
        return self._channel.gettimeout()

    def recv_ready(self) -> bool:
        return self._channel.recv_ready()

    def recv(self, size: int) -> bytes:
        try:
            data = self._channel.recv(size)
        except (EOFError, paramiko.SSHException) as error:
            # Telling the host that it may send more failed.
            self._fail(error)
        if not data and not self._channel.eof_received:
            self._fail(None)
        return data

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0) -> int:
        view = memoryview(buffer).cast("B")
        data = self.recv(min(nbytes or len(view), SLICE))
        view[: len(data)] = data
        return len(data)

    def send(self, data: "ReadableBuffer") -> int:
        try:
            sent = self._channel.send(bytes(memoryview(data).cast("B")[:SLICE]))
        except TimeoutError:
            raise
        except (OSError, EOFError, paramiko.SSHException) as error:
            self._fail(error, BrokenPipeError)
        if sent == 0:
            self._fail(None, BrokenPipeError)
        return sent

    def sendall(self, data: "ReadableBuffer") -> None:
        rest = memoryview(data).cast("B")
        while rest:
            rest = rest[self.send(rest) :]

    def makefile(self, mode: str = "rb", buffering: int = -1) -> io.BufferedReader:
        if mode not in ("r", "rb"):
            raise ValueError("a channel is read through its file and written through sendall")
        with self._lock:
            self._files += 1
        return io.BufferedReader(_ChannelFile(self), SLICE if buffering < 1 else buffering)

    def shutdown(self, how: int) -> None:
        self._channel.shutdown(how)

    def close(self) -> None:
        """Close once the last file made of it is closed too, as a socket does."""
        with self._lock:
            self._wants_close = True
            if self._files:
                return
        self._close_channel()

    def _file_closed(self) -> None:
        with self._lock:
            self._files -= 1
            if self._files or not self._wants_close:
                return
        self._close_channel()

    def _close_channel(self) -> None:
        # Nobody is left to tell where the connection is gone already.
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

    def _fail(self, error: Exception | None, alone: type[OSError] = ConnectionResetError) -> NoReturn:
        """Say whether the whole connection went, or this channel alone, so that is_alive agrees with the error.

        A sender whose pipe breaks looks for what the other side had to say before it closed: "too large", for one.
        """
        self._transport.join(LAST_WORDS)
        if isinstance(error, EOFError):
            # paramiko's word for a socket that takes nothing more; its own thread has not noticed yet.
            self._transport.close()
        if not self._transport.is_active():
            raise ConnectionLost("the connection to the host was lost") from error
        raise alone("the channel was closed in the middle") from error


class _ChannelFile(io.RawIOBase):
    def __init__(self, channel_socket: ChannelSocket) -> None:
        self._socket = channel_socket

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        return self._socket.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._socket._file_closed()


class SubsystemSocket(ChannelSocket):
    """The channel under an SFTP client, for whom an end and a silence are both losses.

    An answer that comes after we stopped waiting would be taken for the answer to the next question, so a
    channel that was silent once is closed.
    """

    def get_name(self) -> str:
        """What the SFTP client calls its channel in its log."""
        return self._channel.get_name()

    def recv(self, size: int) -> bytes:
        with self._losses("said"):
            data = super().recv(size)
        if not data:
            raise ConnectionLost("the host's SFTP server ended")
        return data

    def send(self, data: "ReadableBuffer") -> int:
        with self._losses("took"):
            return super().send(data)

    @contextmanager
    def _losses(self, did: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            self._close_channel()
            raise ConnectionLost(f"the host's SFTP server {did} nothing for {self.gettimeout()} s") from error
        except (ConnectionResetError, BrokenPipeError) as error:
            raise ConnectionLost("the host's SFTP server ended") from error
