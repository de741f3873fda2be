"""The websockets of one ComfyUI process, with its habits: the newest socket of a client id hears, the older ones are
forgotten but stay open, and when any of them closes the client id is forgotten altogether."""

import asyncio
import contextlib
import io
import struct
from typing import Any

from aiohttp import web
from PIL import Image

from .faults import Faults

PREVIEW_IMAGE = 1
JPEG = 1


class Sockets:
    """Lives on the event loop; send() may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, faults: Faults) -> None:
        self._loop = loop
        self._faults = faults
        self._by_client: dict[str, web.WebSocketResponse] = {}
        self._transports: set[asyncio.Transport] = set()
        self._outgoing: asyncio.Queue[tuple[str, Any, str | None]] = asyncio.Queue()
        self._publisher = loop.create_task(self._publish())

    def send(self, event: str, data: Any, client_id: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            self._loop.call_soon_threadsafe(self._outgoing.put_nowait, (event, data, client_id))

    async def _publish(self) -> None:
        while True:
            await self._deliver(*await self._outgoing.get())

    async def _deliver(self, event: str, data: Any, client_id: str | None) -> None:
        if self._faults.mute:
            return
        hearers = list(self._by_client) if client_id is None else [client_id]
        for hearer in hearers:
            socket = self._by_client.get(hearer)
            if socket is None or socket.closed:
                continue
            with contextlib.suppress(ConnectionError):
                if isinstance(data, Image.Image):
                    await socket.send_bytes(preview_frame(data))
                else:
                    await socket.send_json({"type": event, "data": data})

    async def serve(
        self, request: web.Request, client_id: str, greeting: dict[str, Any], running: dict[str, Any] | None
    ) -> web.WebSocketResponse:
        """Says hello (and what runs, if it is this client's), then listens and ignores until the socket closes."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._by_client[client_id] = socket
        transport = request.transport
        if transport is not None:
            self._transports.add(transport)
        try:
            await self._deliver("status", {**greeting, "sid": client_id}, client_id)
            if running is not None:
                await self._deliver("executing", running, client_id)
            async for _ in socket:
                pass
        finally:
            self._by_client.pop(client_id, None)
            if transport is not None:
                self._transports.discard(transport)
        return socket

    def forget(self) -> None:
        """Sockets that are open stay so and hear nothing more, as when a second one of their client id has closed."""
        self._by_client.clear()

    def drop(self) -> None:
        """Cuts every socket off without a closing handshake."""
        for transport in list(self._transports):
            transport.abort()

    def die(self) -> None:
        self._publisher.cancel()
        self.drop()


def preview_frame(image: Image.Image) -> bytes:
    packed = io.BytesIO()
    image.convert("RGB").save(packed, "JPEG", quality=80)
    return struct.pack(">II", PREVIEW_IMAGE, JPEG) + packed.getvalue()
