"""What a ComfyUI answers, typed. Shapes as recorded from 0.2.4 and 0.3.64; what is unknown in them is left alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gpujobs.comfyui.errors import BadAnswer, PromptRefused

INTERRUPTED: Final = "execution_interrupted"
FAILED: Final = "execution_error"
SUCCEEDED: Final = "execution_success"
STARTED: Final = "execution_start"


@dataclass(frozen=True)
class StoredFile:
    """Where an upload was put: its name may be another than was asked for."""

    name: str
    subfolder: str
    type: str

    @property
    def path(self) -> str:
        """What a LoadImage node is given: the path below the input folder."""
        return f"{self.subfolder}/{self.name}" if self.subfolder else self.name


@dataclass(frozen=True)
class Accepted:
    """A queued prompt. A non-empty `node_errors` means that branches of the graph were dropped and will not run."""

    prompt_id: str
    number: int
    node_errors: dict[str, Any]


@dataclass(frozen=True)
class Queued:
    """A prompt in the queue; a lower `number` runs earlier."""

    number: float
    prompt_id: str
    extra_data: dict[str, Any]
    client_id: str | None


@dataclass(frozen=True)
class Queue:
    """What runs now, and what waits in the order in which it will run."""

    running: tuple[Queued, ...]
    pending: tuple[Queued, ...]

    def __len__(self) -> int:
        return len(self.running) + len(self.pending)


@dataclass(frozen=True)
class OutputFile:
    """A file that a node made. `list_key` is the list it stood in: images, gifs, ...; videos stand under gifs."""

    filename: str
    subfolder: str
    type: str
    list_key: str = "images"
    format: str | None = None


@dataclass(frozen=True)
class Failure:
    """Why a prompt failed, and in which node."""

    node_id: str
    node_type: str
    exception_type: str
    message: str


@dataclass(frozen=True)
class Record:
    """One prompt's entry in the history. It is written when the prompt is over, never before.

    `messages` are (event, data) in the order in which they happened. `outputs` maps node ids to what each node
    showed; after a failure it holds the nodes that had run.
    """

    prompt_id: str
    extra_data: dict[str, Any]
    status_str: str
    completed: bool
    messages: tuple[tuple[str, dict[str, Any]], ...]
    outputs: dict[str, dict[str, Any]]

    @property
    def interrupted(self) -> bool:
        return self._message(INTERRUPTED) is not None

    @property
    def failure(self) -> Failure | None:
        """None where it succeeded or was interrupted."""
        data = self._message(FAILED)
        if data is None:
            return None
        words = ("node_id", "node_type", "exception_type", "exception_message")
        return Failure(*(str(data.get(word, "")).strip() for word in words))

    @property
    def started_at(self) -> int | None:
        """Epoch milliseconds by the host's clock."""
        return self._time(STARTED)

    @property
    def ended_at(self) -> int | None:
        """Epoch milliseconds by the host's clock."""
        return self._time(SUCCEEDED, FAILED, INTERRUPTED)

    @property
    def cached_nodes(self) -> frozenset[str]:
        """Nodes that did not run because an earlier prompt had made the same."""
        data = self._message("execution_cached") or {}
        return frozenset(map(str, data.get("nodes", ())))

    def files(self, node_id: str) -> list[OutputFile]:
        """The files of one node, in order. A node's other outputs, texts among them, are passed over."""
        found = []
        for list_key, items in self.outputs.get(node_id, {}).items():
            for item in items if isinstance(items, list) else ():
                if isinstance(item, dict) and isinstance(item.get("filename"), str):
                    found.append(
                        OutputFile(
                            filename=item["filename"],
                            subfolder=str(item.get("subfolder", "")),
                            type=str(item.get("type", "output")),
                            list_key=list_key,
                            format=item.get("format"),
                        )
                    )
        return found

    def _message(self, *names: str) -> dict[str, Any] | None:
        return next((data for name, data in self.messages if name in names), None)

    def _time(self, *names: str) -> int | None:
        stamp = (self._message(*names) or {}).get("timestamp")
        return stamp if isinstance(stamp, int) else None


def parse_stored(answer: Any) -> StoredFile:
    match answer:
        case {"name": str(name), "subfolder": str(subfolder), "type": str(kind)}:
            return StoredFile(name, subfolder, kind)
    raise BadAnswer("the answer to an upload names no file")


def parse_accepted(answer: Any) -> Accepted:
    match answer:
        case {"prompt_id": str(prompt_id), "number": int() | float() as number}:
            return Accepted(prompt_id, int(number), _mapping(answer.get("node_errors")))
    raise BadAnswer("the answer to a prompt names no prompt")


def parse_refusal(status: int, answer: Any, text: str) -> PromptRefused:
    """`error` is an object or a plain string, `node_errors` an object or an empty list; a crash answers no JSON."""
    if not isinstance(answer, dict):
        return PromptRefused(status, " ".join(text.split())[:200] or "no reason given", {})
    error = answer.get("error")
    if isinstance(error, dict):
        words = (str(error.get("message", "")).rstrip("."), str(error.get("details", "")))
        message = ": ".join(word for word in words if word)
    else:
        message = str(error or "")
    return PromptRefused(status, message or "no reason given", _mapping(answer.get("node_errors")))


def parse_queue(answer: Any) -> Queue:
    match answer:
        case {"queue_running": list(running), "queue_pending": list(pending)}:
            # The server keeps what waits as a heap: only its first entry is in its place.
            in_order = sorted(map(_queued, pending), key=lambda queued: queued.number)
            return Queue(tuple(map(_queued, running)), tuple(in_order))
    raise BadAnswer("the answer to /queue is no queue")


def parse_histories(answer: Any) -> dict[str, Record]:
    if not isinstance(answer, dict):
        raise BadAnswer("the answer to /history is no history")
    return {prompt_id: _record(prompt_id, entry) for prompt_id, entry in answer.items()}


def _queued(entry: Any) -> Queued:
    match entry:
        case [int() | float() as number, str(prompt_id), _, dict(extra_data), *_]:
            client_id = extra_data.get("client_id")
            return Queued(number, prompt_id, extra_data, client_id if isinstance(client_id, str) else None)
    raise BadAnswer("an entry of the queue has another shape")


def _record(prompt_id: str, entry: Any) -> Record:
    match entry:
        case {"prompt": [_, _, _, dict(extra_data), *_], "outputs": dict(outputs)}:
            status = _mapping(entry.get("status"))
        case _:
            raise BadAnswer("an entry of the history has another shape")
    messages = tuple(
        (message[0], message[1])
        for message in status.get("messages", ())
        if len(message) == 2 and isinstance(message[0], str) and isinstance(message[1], dict)
    )
    return Record(
        prompt_id=prompt_id,
        extra_data=extra_data,
        status_str=str(status.get("status_str", "")),
        completed=status.get("completed") is True,
        messages=messages,
        outputs={node: _mapping(output) for node, output in outputs.items()},
    )


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
