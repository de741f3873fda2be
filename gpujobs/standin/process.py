"""One life of a ComfyUI process: what a restart takes away (queue, history, cache, sockets, the prompt counter)."""

import asyncio
import sys
import uuid
from typing import Any

from .execution import Executor
from .facts import NodeFacts
from .faults import Faults
from .folders import Folders
from .jobqueue import JobQueue
from .ledger import Ledger
from .refusals import on_demand
from .settings import Settings
from .sockets import Sockets
from .validation import JUDGED_INPUTS, Verdict, judge


class Process:
    def __init__(
        self, *, settings: Settings, facts: NodeFacts, folders: Folders, faults: Faults, ledger: Ledger, argv: list[str]
    ) -> None:
        self.settings, self.facts, self.folders, self.faults, self.ledger = settings, facts, folders, faults, ledger
        self.argv = argv
        self.number = 0
        self.dead = False
        self.sockets = Sockets(asyncio.get_running_loop(), faults)
        self.queue = JobQueue(faults, self._queue_changed)
        self.executor = Executor(
            settings=settings,
            facts=facts,
            folders=folders,
            faults=faults,
            queue=self.queue,
            ledger=ledger,
            send=self.send,
        )

    def start(self) -> None:
        self.folders.make()
        self.executor.start()

    def die(self) -> None:
        self.dead = True
        self.executor.kill()
        self.sockets.die()

    def send(self, event: str, data: Any, client_id: str | None) -> None:
        if not self.dead:
            self.sockets.send(event, data, client_id)

    def queue_info(self) -> dict[str, Any]:
        return {"exec_info": {"queue_remaining": self.queue.remaining()}}

    def _queue_changed(self) -> None:
        self.send("status", {"status": self.queue_info()}, None)

    def judge(self, graph: dict[str, Any]) -> Verdict:
        return on_demand(graph, self.faults) or judge(graph, self.facts, self._complaints)

    def _complaints(self, class_type: str, inputs: dict[str, Any]) -> list[tuple[str, str]]:
        """The nodes that load a file look for it; '../' is not kept out, as in ComfyUI."""
        name = JUDGED_INPUTS.get(class_type)
        if name is None or not isinstance(inputs.get(name), str) or self.folders.input_file(inputs[name]).exists():
            return []
        kind = "video" if name == "video" else "image"
        return [(name, f"Invalid {kind} file: {inputs[name]}")]

    def next_number(self, body: dict[str, Any]) -> float:
        """Smaller runs sooner. A refused prompt uses up a number as well."""
        if "number" in body:
            return float(body["number"])
        number = -self.number if body.get("front") else self.number
        self.number += 1
        return number

    def enqueue(self, number: float, body: dict[str, Any], outputs: list[str]) -> str:
        extra_data = body.get("extra_data", {})
        if "client_id" in body:
            extra_data["client_id"] = body["client_id"]
        prompt_id = str(uuid.uuid4())
        self.queue.put((number, prompt_id, body["prompt"], extra_data, outputs))
        return prompt_id

    def system_stats(self) -> dict[str, Any]:
        megabyte = 1024 * 1024
        total = self.settings.gpu_memory_mb * megabyte
        free = total - (6_200 * megabyte if self.executor.loaded else 420 * megabyte)
        device = {
            "name": f"cuda:0 {self.settings.gpu_name} : cudaMallocAsync",
            "type": "cuda",
            "index": 0,
            "vram_total": total,
            "vram_free": max(0, free),
            "torch_vram_total": 0,
            "torch_vram_free": 0,
        }
        system = {
            "os": "posix",
            "ram_total": 32 * 1024 * megabyte,
            "ram_free": 24 * 1024 * megabyte,
            "comfyui_version": "v0.2.4",
            "python_version": sys.version,
            "pytorch_version": "2.5.1+cu124",
            "embedded_python": False,
            "argv": self.argv,
        }
        return {"system": system, "devices": [device]}
