"""What a ComfyUI tells through its websocket, typed. Only for progress: the history says what really happened."""

import json
from dataclasses import dataclass
from typing import Any, Final, TypeAlias


@dataclass(frozen=True)
class Status:
    """How many prompts the server has, running and waiting; it is about none of them."""

    queue_remaining: int
    prompt_id: None = None


@dataclass(frozen=True)
class ExecutionStart:
    prompt_id: str | None
    timestamp: int | None


@dataclass(frozen=True)
class ExecutionCached:
    """The nodes that will not run because their results are at hand."""

    prompt_id: str | None
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Executing:
    """A node begins; None: the prompt is over and its history is written.

    `prompt_id` is None in the reminder that a reconnected socket gets.
    """

    node: str | None
    prompt_id: str | None


@dataclass(frozen=True)
class Progress:
    """Step `value` of `max` within one node."""

    value: int
    max: int
    node: str | None
    prompt_id: str | None


@dataclass(frozen=True)
class Executed:
    """A node that shows something is done; `output` is as in the history."""

    node: str
    output: dict[str, Any]
    prompt_id: str | None


@dataclass(frozen=True)
class ExecutionSuccess:
    """Every node ran. The history may still be empty; `Executing(None)` follows once it is not."""

    prompt_id: str | None
    timestamp: int | None


@dataclass(frozen=True)
class ExecutionError:
    prompt_id: str | None
    node_id: str
    node_type: str
    exception_type: str
    message: str


@dataclass(frozen=True)
class ExecutionInterrupted:
    prompt_id: str | None
    node_id: str
    node_type: str


@dataclass(frozen=True)
class Preview:
    """A rough picture of what a sampler is at. Only newer versions say whose it is."""

    format: str
    data: bytes
    prompt_id: str | None = None
    node: str | None = None


Event: TypeAlias = (
    Status
    | ExecutionStart
    | ExecutionCached
    | Executing
    | Progress
    | Executed
    | ExecutionSuccess
    | ExecutionError
    | ExecutionInterrupted
    | Preview
)

PREVIEW: Final = 1
PREVIEW_WITH_METADATA: Final = 4
FORMATS: Final = {1: "image/jpeg", 2: "image/png"}


def parse_text(text: str) -> Event | None:
    """The event of a text frame; None for what is unknown, as newer versions and custom nodes send it."""
    try:
        message = json.loads(text)
    except ValueError:
        return None
    match message:
        case {"type": str(kind), "data": dict(data)}:
            return _event(kind, data)
    return None


def _event(kind: str, data: dict[str, Any]) -> Event | None:
    prompt_id = data.get("prompt_id")
    match kind, data:
        case "status", {"status": {"exec_info": {"queue_remaining": int(remaining)}}}:
            return Status(remaining)
        case "execution_start", _:
            return ExecutionStart(prompt_id, data.get("timestamp"))
        case "execution_cached", {"nodes": list(nodes)}:
            return ExecutionCached(prompt_id, tuple(map(str, nodes)))
        case "executing", {"node": node}:
            return Executing(node, prompt_id)
        case "progress", {"value": int() | float() as value, "max": int() | float() as maximum}:
            return Progress(int(value), int(maximum), data.get("node"), prompt_id)
        case "executed", {"node": node, "output": output}:
            # A node with nothing to show still reports, with null.
            return Executed(str(node), output or {}, prompt_id)
        case "execution_success", _:
            return ExecutionSuccess(prompt_id, data.get("timestamp"))
        case "execution_error", _:
            words = ("node_id", "node_type", "exception_type", "exception_message")
            return ExecutionError(prompt_id, *(str(data.get(word, "")).strip() for word in words))
        case "execution_interrupted", _:
            return ExecutionInterrupted(prompt_id, str(data.get("node_id", "")), str(data.get("node_type", "")))
    return None


def parse_binary(frame: bytes) -> Preview | None:
    """The preview of a binary frame: a 4-byte type, then for type 1 a 4-byte picture format and the picture.

    Type 4 has instead the 4-byte length of a JSON text, the text, and the picture. Numbers are big-endian.
    """
    kind, second, rest = int.from_bytes(frame[:4], "big"), int.from_bytes(frame[4:8], "big"), frame[8:]
    if kind == PREVIEW and rest:
        return Preview(FORMATS.get(second, "application/octet-stream"), rest)
    if kind == PREVIEW_WITH_METADATA and len(rest) > second:
        try:
            about = json.loads(rest[:second])
        except ValueError:
            return None
        match about:
            case {"image_type": str(form)}:
                return Preview(form, rest[second:], about.get("prompt_id"), about.get("node_id"))
    return None
