"""One ComfyUI instance of the host: its port, its folders and the lives of its process."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from aiohttp import web

from .control import control_routes
from .facts import NodeFacts
from .faults import Faults
from .folders import Folders
from .ledger import Ledger
from .process import Process
from .server import application
from .settings import Settings

LOOPBACK = "127.0.0.1"


class Instance:
    """The a... methods run on the host's event loop; the others may be called from any thread and wait for it."""

    def __init__(self, index: int, home: Path, port: int, settings: Settings, facts: NodeFacts) -> None:
        self.index = index
        self.port = port
        self.settings = settings
        self.facts = facts
        self.folders = Folders(home)
        self.faults = Faults()
        self.ledger = Ledger()
        # "POST /prompt" -> how often it was asked, by anyone, since the instance was made.
        self.requests: Counter[str] = Counter()
        self.process: Process | None = None
        self._runner: web.AppRunner | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def argv(self) -> list[str]:
        """ComfyUI puts a folder named temp into --temp-directory; the other two are taken as they are."""
        home = self.folders.home
        return [
            "main.py",
            *("--listen", LOOPBACK, "--port", str(self.port), "--disable-auto-launch"),
            *("--preview-method", "latent2rgb", "--cuda-device", str(self.index)),
            *("--input-directory", str(self.folders.input), "--output-directory", str(self.folders.output)),
            *("--temp-directory", str(home)),
        ]

    async def aboot(self) -> None:
        """Raises OSError if the port is taken."""
        self._loop = asyncio.get_running_loop()
        self.folders.lay_models(self.settings.absent_models)
        self.process = Process(
            settings=self.settings,
            facts=self.facts,
            folders=self.folders,
            faults=self.faults,
            ledger=self.ledger,
            argv=self.argv,
        )
        self.process.start()
        await self._alisten()
        self.process.argv = self.argv

    async def _alisten(self) -> None:
        if self.process is None:
            return
        further = control_routes(self) if self.settings.control else []
        app = application(self.process, self.folders.home / "web", self._misbehave, further)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/standin/"):
            self.requests[f"{request.method} /{request.path.split('/')[1]}"] += 1
            while self.faults.frozen:
                await asyncio.sleep(0.05)
            if self.faults.answer_delay:
                await asyncio.sleep(self.faults.answer_delay)
        response: web.StreamResponse = await handler(request)
        return response

    async def _aclose_port(self) -> None:
        runner, self._runner = self._runner, None
        if self.process is not None:
            self.process.sockets.drop()
        if runner is not None:
            await runner.cleanup()

    async def akill(self) -> None:
        """As SIGKILL: the queue, the history and the running job are gone, connections break."""
        process, self.process = self.process, None
        if process is not None:
            process.die()
        await self._aclose_port()
        if process is not None:
            await asyncio.to_thread(process.executor.thread.join, 5)

    async def arestart(self, down: float = 0.0) -> None:
        """Killed, `down` seconds of refused connections, then a new life in the same folders."""
        await self.akill()
        await asyncio.sleep(max(down, self.faults.boot_seconds))
        self.faults.boot_seconds = 0.0
        self.faults.heal()
        await self.aboot()

    async def arefuse(self, seconds: float) -> None:
        """The process goes on, but nobody can connect to it for a while."""
        await self._aclose_port()
        await asyncio.sleep(seconds)
        await self._alisten()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Starts it on the running loop and keeps hold of it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _wait_for(self, coroutine: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            raise RuntimeError("the host is not running")
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    def kill(self) -> None:
        self._wait_for(self.akill())

    def boot(self) -> None:
        self._wait_for(self.aboot())

    def restart(self, down: float = 0.0) -> None:
        self._wait_for(self.arestart(down))

    def forget_sockets(self) -> None:
        async def forget() -> None:
            if self.process is not None:
                self.process.sockets.forget()

        self._wait_for(forget())

    def drop_sockets(self) -> None:
        async def drop() -> None:
            if self.process is not None:
                self.process.sockets.drop()

        self._wait_for(drop())
