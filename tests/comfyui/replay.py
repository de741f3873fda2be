"""A server that answers as a real ComfyUI once answered: the events of one recording, in their order.

It sends each websocket message when its turn comes and waits at each request for a client to make that request. What
a client does out of turn or otherwise than recorded is an error, kept in `problems` and answered with 599.
"""

import asyncio
import json
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from aiohttp import WSMsgType, web

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
PATIENCE = 10
OUT_OF_TURN = 599


def names() -> list[str]:
    return sorted(path.stem for path in RECORDINGS.glob("0.*.json"))


def load(name: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads((RECORDINGS / f"{name}.json").read_text())["events"]
    return events


def view_query(params: dict[str, str]) -> dict[str, str]:
    """What a /view query means: the defaults are the server's."""
    return {"filename": "", "subfolder": "", "type": "output"} | params


def socket_address(event: dict[str, Any]) -> tuple[str, str]:
    """The path and the client id of a websocket; some recordings do not tell them."""
    address = urlsplit(event.get("url", "/ws?clientId=somebody"))
    return address.path, parse_qs(address.query)["clientId"][0]


def file_content(event: dict[str, Any]) -> bytes:
    """A stand-in for the recorded file: its real first bytes and its real length."""
    head = bytes.fromhex(event["response_head_hex"])
    return (head + bytes(event["response_bytes"]))[: event["response_bytes"]]


def frame_of(message: dict[str, Any]) -> bytes:
    """A stand-in for a recorded binary frame: its real head and its real length."""
    head = bytes.fromhex(message["head_hex"])
    if "metadata" in message:
        about = json.dumps(message["metadata"]).encode()
        head = head[:4] + len(about).to_bytes(4, "big") + about
    return (head + bytes(message["total_bytes"]))[: message["total_bytes"]]


@dataclass
class Asked:
    """A request that waits for its answer."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    answer: "asyncio.Future[web.StreamResponse | None]"

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Replay:
    """Plays `events` to one client; a context manager. `url` is where it listens."""

    events: list[dict[str, Any]]
    url: str = ""
    problems: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def pass_over(self) -> None:
        """Go on without the request that is due: no client of ours makes it."""
        self._loop.call_soon_threadsafe(self._asked.put_nowait, None)

    def wait_to_the_end(self) -> None:
        self._do(asyncio.wait_for(asyncio.shield(self._playing), PATIENCE))

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE * 2)

    async def _start(self) -> None:
        self._asked: asyncio.Queue[Asked | None] = asyncio.Queue()
        self._opened: asyncio.Queue[tuple[web.Request, web.WebSocketResponse]] = asyncio.Queue()
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._requests: dict[str, web.Request] = {}
        application = web.Application(client_max_size=2**30)
        application.router.add_get("/ws", self._socket)
        application.router.add_get("/api/ws", self._socket)
        application.router.add_route("*", "/{path:.*}", self._request)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self._playing = asyncio.create_task(self._play())

    async def _stop(self) -> None:
        self._playing.cancel()
        await asyncio.gather(self._playing, return_exceptions=True)
        await self._runner.cleanup()

    async def _play(self) -> None:
        for number, event in enumerate(self.events):
            try:
                await asyncio.wait_for(self._play_one(event), PATIENCE)
            except TimeoutError:
                about = event.get("path") or event.get("ws")
                self.problems.append(f"event {number} ({event['kind']} {about}) never got its turn")
                raise

    async def _play_one(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "http":
                await self._answer(event)
            case "ws_open":
                request, self._sockets[event["ws"]] = await self._opened.get()
                self._requests[event["ws"]] = request
                self._expect(request.query["clientId"] == socket_address(event)[1], "another client id")
            case "ws_text":
                await self._sockets[event["ws"]].send_json(event["message"])
            case "ws_binary":
                await self._sockets[event["ws"]].send_bytes(frame_of(event["message"]))
            case "ws_send":
                self._expect(await self._said.get() == event["message"], "another message through the websocket")
            case "ws_closed" if event.get("code") == 1006:
                self._cut(self._requests[event["ws"]])
            case "ws_closed" | "note":
                pass

    async def _answer(self, event: dict[str, Any]) -> None:
        asked = await self._asked.get()
        if asked is None:
            return
        problem = self._difference(asked, event)
        if problem:
            self.problems.append(f"{event['method']} {event['path']}: {problem}")
            asked.answer.set_result(web.Response(status=OUT_OF_TURN))
            return
        asked.answer.set_result(_recorded_response(event))

    def _difference(self, asked: Asked, event: dict[str, Any]) -> str:
        if (asked.method, asked.path) != (event["method"], event["path"]):
            return f"{asked.method} {asked.path} came instead"
        if "Origin" in asked.headers:
            return "an Origin header came, which ComfyUI refuses from strangers"
        if event["path"] == "/view" and asked.query != view_query(event.get("request_params", {})):
            return f"asked for {asked.query}"
        recorded = event.get("request_json")
        if not isinstance(recorded, dict):
            return ""
        if event["path"].endswith("/prompt"):
            wanted = {key: recorded[key] for key in ("prompt", "client_id", "extra_data") if key in recorded}
            sent = {key: value for key, value in asked.json().items() if key in wanted}
            return "" if sent == wanted or "prompt" not in recorded else "another graph, client id or extra_data"
        return "" if asked.json() == recorded else f"the body was {asked.json()}"

    def _cut(self, request: web.Request) -> None:
        if request.transport is not None:
            request.transport.abort()

    def _expect(self, truth: bool, problem: str) -> None:
        if not truth:
            self.problems.append(problem)

    async def _request(self, request: web.Request) -> web.StreamResponse:
        answer: asyncio.Future[web.StreamResponse | None] = self._loop.create_future()
        await self._asked.put(
            Asked(
                method=request.method,
                path=unquote(request.raw_path if request.path != "/view" else request.path),
                query=dict(request.query),
                headers=dict(request.headers),
                body=await request.read(),
                answer=answer,
            )
        )
        response = await answer
        if response is None:
            # The server was down at this point of the recording.
            self._cut(request)
            return web.Response()
        return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self._opened.put((request, socket))
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await self._said.put(json.loads(message.data))
        return socket


def _recorded_response(event: dict[str, Any]) -> web.StreamResponse | None:
    if event.get("status") is None:
        return None
    headers = {key: value for key, value in event.get("response_headers", {}).items() if key != "Content-Length"}
    if "response_json" in event:
        body = json.dumps(event["response_json"]).encode()
        headers.setdefault("Content-Type", "application/json; charset=utf-8")
    elif "response_bytes" in event:
        body = file_content(event)
    else:
        body = event.get("response_text", "").encode()
    return web.Response(status=event["status"], headers=headers, body=body)
