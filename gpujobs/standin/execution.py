"""Running one prompt after another, saying what ComfyUI 0.2.4 says in the order in which it says it."""

import threading
import time
from collections.abc import Callable
from typing import Any

from PIL import Image

# These modules register their node behaviours by being imported.
from . import image_nodes, output_nodes, sampling_nodes  # noqa: F401
from .canned import perform_canned
from .facts import INPUT_FILES, NodeFacts
from .faults import Faults
from .folders import Folders
from .jobqueue import Item, JobQueue
from .ledger import Ledger
from .nodes import perform
from .planning import Plan, is_link, signatures
from .run import Inputs, InterruptedRunError, KilledError, Made, NodeFailureError, Run
from .settings import Settings
from .values import Pictures

# Sends (event, data, client id); without a client id to every socket.
Send = Callable[[str, Any, str | None], None]


class Executor:
    """The thread that works through the queue. It dies with its process: kill() and nothing more is said."""

    def __init__(
        self,
        *,
        settings: Settings,
        facts: NodeFacts,
        folders: Folders,
        faults: Faults,
        queue: JobQueue,
        ledger: Ledger,
        send: Send,
    ) -> None:
        self.settings, self.facts, self.folders, self.faults = settings, facts, folders, faults
        self.queue, self.ledger, self.send = queue, ledger, send
        self.killed = threading.Event()
        self.interrupted = threading.Event()
        self.free_memory = threading.Event()
        self.client_id: str | None = None
        self.last_node_id: str | None = None
        self.cache: dict[str, Made] = {}
        self.loaded: list[str] = []
        self.temp_prefixes: dict[str, str] = {}
        self.thread = threading.Thread(target=self._work, name="standin-executor", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def kill(self) -> None:
        self.killed.set()

    def _work(self) -> None:
        while not self.killed.is_set():
            item = self.queue.get(timeout=0.2)
            try:
                if item is not None:
                    Execution(self, item).run()
            except KilledError:
                return
            if self.free_memory.is_set():
                self.free_memory.clear()
                self.cache.clear()
                self.loaded.clear()

    def signed(self, graph: dict[str, Any]) -> dict[str, str]:
        return signatures(graph, self._outside)

    def _outside(self, class_type: str, inputs: dict[str, Any]) -> str:
        """A file's content decides as well as its name."""
        names = [value for key, value in inputs.items() if (class_type, key) in INPUT_FILES and isinstance(value, str)]
        return "".join(self.folders.fingerprint(name) for name in names)


class Execution:
    """One prompt on its way through the nodes."""

    def __init__(self, executor: Executor, item: Item) -> None:
        self.prompt_id, self.graph, self.extra_data, self.outputs = item[1:]
        self.executor = executor
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.executed: list[str] = []
        self.signatures: dict[str, str] = {}
        self._perform = perform_canned if executor.settings.canned_result else perform
        self.context = Run(
            settings=executor.settings,
            facts=executor.facts,
            folders=executor.folders,
            faults=executor.faults,
            killed=executor.killed,
            interrupted=executor.interrupted,
            report=self._report_progress,
            prompt=self.graph,
            extra_data=self.extra_data,
            loaded=executor.loaded,
            temp_prefixes=executor.temp_prefixes,
        )

    def run(self) -> None:
        executor = self.executor
        executor.interrupted.clear()
        executor.client_id = self.extra_data.get("client_id")
        entry = executor.ledger.open(self.prompt_id, self.extra_data)
        outcome = "killed"
        try:
            outcome = self._run_nodes()
        finally:
            steps = self.context.sampler_steps
            executor.ledger.close(entry, outcome, nodes_run=len(self.executed), sampler_steps=steps)
        executor.last_node_id = None
        succeeded = outcome == "success"
        status = {
            "status_str": "success" if succeeded else "error",
            "completed": succeeded,
            "messages": [list(message) for message in self.messages],
        }
        executor.killed.wait(executor.faults.record_delay)
        outputs, meta = self._listed_files()
        executor.queue.finish({"outputs": outputs, "status": status, "meta": meta})
        if executor.client_id is not None:
            executor.send("executing", {"node": None, "prompt_id": self.prompt_id}, executor.client_id)

    def _run_nodes(self) -> str:
        executor = self.executor
        self._say("execution_start", {"prompt_id": self.prompt_id})
        self.signatures = executor.signed(self.graph)
        wanted = set(self.signatures.values())
        for signature in executor.cache.keys() - wanted:
            del executor.cache[signature]
        for gone in executor.temp_prefixes.keys() - self.graph.keys():
            del executor.temp_prefixes[gone]
        cached = [node_id for node_id, signature in self.signatures.items() if signature in executor.cache]
        self._say("execution_cached", {"nodes": cached, "prompt_id": self.prompt_id})
        plan = Plan(self.graph, executor.facts, self.outputs, cached)
        while (node_id := plan.next()) is not None:
            ended = self._run_node(node_id)
            if ended is not None:
                return ended
            plan.done(node_id)
        self._say("execution_success", {"prompt_id": self.prompt_id})
        return "success"

    def _run_node(self, node_id: str) -> str | None:
        """None when the node is done, else how the execution ended there."""
        executor, node = self.executor, self.graph[node_id]
        kept = executor.cache.get(self.signatures[node_id])
        if kept is not None:
            self._say_to_client("executed", {**self._names(node_id), "output": kept.ui})
            return None
        inputs = {name: self._value(value) for name, value in node["inputs"].items()}
        if executor.client_id is not None:
            executor.last_node_id = node_id
        self._say_to_client("executing", self._names(node_id))
        self.context.node_id, self.context.class_type = node_id, node["class_type"]
        try:
            self.context.check()
            made = self._perform(self.context, inputs)
        except InterruptedRunError:
            self._say("execution_interrupted", self._ended_at(node_id), broadcast=True)
            return "interrupted"
        except Exception as problem:  # noqa: BLE001 a node may raise anything; ComfyUI writes it down and goes on
            self._say("execution_error", self._ended_at(node_id) | self._described(problem, inputs))
            return "error"
        executor.cache[self.signatures[node_id]] = made
        if made.ui is not None:
            self._say_to_client("executed", {**self._names(node_id), "output": made.ui})
        self.executed.append(node_id)
        return None

    def _value(self, value: Any) -> Any:
        if not is_link(value):
            return value
        outputs = self.executor.cache[self.signatures[value[0]]].outputs
        return outputs[value[1]]

    def _names(self, node_id: str) -> dict[str, Any]:
        return {"node": node_id, "display_node": node_id}

    def _ended_at(self, node_id: str) -> dict[str, Any]:
        return {
            "prompt_id": self.prompt_id,
            "node_id": node_id,
            "node_type": self.graph[node_id]["class_type"],
            "executed": list(self.executed),
        }

    def _described(self, problem: Exception, inputs: Inputs) -> dict[str, Any]:
        kind = type(problem)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        return {
            "exception_message": str(problem),
            "exception_type": problem.exception_type if isinstance(problem, NodeFailureError) else name,
            "traceback": [],
            "current_inputs": {key: [_shown(value)] for key, value in inputs.items()},
            "current_outputs": list(self.graph),
        }

    def _listed_files(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """(outputs, meta) of every node whose files are known, those that ran before a failure included."""
        outputs: dict[str, Any] = {}
        meta: dict[str, Any] = {}
        for node_id, signature in self.signatures.items():
            made = self.executor.cache.get(signature)
            if made is not None and made.ui is not None:
                outputs[node_id] = made.ui
                meta[node_id] = {
                    "node_id": node_id,
                    "display_node": node_id,
                    "parent_node": None,
                    "real_node_id": node_id,
                }
        return outputs, meta

    def _say(self, event: str, data: dict[str, Any], *, broadcast: bool = False) -> None:
        """A message that the history keeps."""
        ahead = self.executor.settings.clock_ahead + self.executor.faults.clock_ahead
        stamped = {**data, "timestamp": int((time.time() + ahead) * 1000)}
        self.messages.append((event, stamped))
        if self.executor.client_id is not None or broadcast:
            self.executor.send(event, stamped, self.executor.client_id)

    def _say_to_client(self, event: str, data: dict[str, Any]) -> None:
        if self.executor.client_id is not None:
            self.executor.send(event, {**data, "prompt_id": self.prompt_id}, self.executor.client_id)

    def _report_progress(self, value: int, total: int, preview: Image.Image | None) -> None:
        """Without a client id these go to every socket, and name no node."""
        executor = self.executor
        data = {"value": value, "max": total, "prompt_id": self.prompt_id, "node": executor.last_node_id}
        executor.send("progress", data, executor.client_id)
        if preview is not None:
            executor.send("preview", preview, executor.client_id)


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, int | float | bool | str):
        return value
    return f"tensor of {value.count}" if isinstance(value, Pictures) else str(value)
