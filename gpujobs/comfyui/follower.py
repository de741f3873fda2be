"""The websocket of one ComfyUI."""

import json
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Final, Protocol, Self

import websocket

from gpujobs.comfyui.errors import SocketClosed, SocketSilent, Unreachable
from gpujobs.comfyui.events import Event, parse_binary, parse_text

# How long a server may take to bid us farewell.
FAREWELL: Final = 1
TELL_WHOSE_PREVIEW: Final = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}


class Socket(Protocol):
    """What the websocket needs of a socket; an SSH channel has it too."""

    def recv(self, size: int, /) -> bytes: ...
    def send(self, data: bytes, /) -> int: ...
    def settimeout(self, timeout: float | None, /) -> None: ...
    def gettimeout(self) -> float | None: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


class Follower:
    """Hears what the server says to one client id. One thread reads; any may close.

    A second follower with the same client id silences the first, on the server.
    """

    def __init__(self, url: str, road: Socket, *, previews: bool, timeout: float) -> None:
        """Shake hands over `road`, which is the follower's from now on. Raises Unreachable."""
        self._road = road
        self._previews = previews
        try:
            road.settimeout(timeout)
            self._socket = websocket.create_connection(
                url, timeout=timeout, socket=road, suppress_origin=True, redirect_limit=0
            )
            if previews:
                # Versions before 0.3.50 or so ignore this and do not say whose a preview is.
                self._socket.send(json.dumps(TELL_WHOSE_PREVIEW))
        except (websocket.WebSocketException, OSError) as error:
            road.close()
            raise Unreachable(f"the websocket cannot be opened: {error}", maybe_received=False) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def events(self, timeout: float) -> Iterator[Event]:
        """Events as they come, without end. Previews only where they were asked for.

        Raises SocketSilent where nothing at all came for `timeout` seconds, after which events() may be called again;
        SocketClosed where nothing will come any more.
        """
        while True:
            event = self._next(timeout)
            if event is not None:
                yield event

    def close(self) -> None:
        with suppress(websocket.WebSocketException, OSError):
            self._socket.close(timeout=FAREWELL)
        self._road.close()

    def _next(self, timeout: float) -> Event | None:
        try:
            self._socket.settimeout(timeout)
            kind, data = self._socket.recv_data()
        except websocket.WebSocketTimeoutException as error:
            raise SocketSilent(f"the websocket was silent for {timeout:g} s") from error
        except (websocket.WebSocketException, OSError) as error:
            raise SocketClosed(f"the websocket is over: {error}") from error
        if kind == websocket.ABNF.OPCODE_CLOSE:
            raise SocketClosed("the server closed the websocket")
        if kind == websocket.ABNF.OPCODE_TEXT:
            return parse_text(data.decode(errors="replace"))
        return parse_binary(data) if self._previews else None
