"""The client's side of a recorded conversation."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Self

import pytest
import requests

from gpujobs.comfyui import (
    ComfyUI,
    Event,
    Executed,
    Executing,
    ExecutionCached,
    ExecutionError,
    ExecutionInterrupted,
    ExecutionStart,
    ExecutionSuccess,
    FileGone,
    Follower,
    OutputFile,
    Preview,
    Progress,
    PromptRefused,
    Queued,
    Record,
    Refused,
    SocketClosed,
    Status,
    StoredFile,
    Timeouts,
    Unreachable,
)
from gpujobs.comfyui.follower import Socket
from tests.comfyui import replay
from tests.comfyui.replay import Replay

QUICK = Timeouts(connect=5, answer=5, file=5)

# Requests that only other programs make.
NOT_OURS = {
    "/embeddings",
    "/features",
    "/history_v2",
    "/internal/files/output",
    "/internal/folder_paths",
    "/internal/logs",
    "/jobs",
    "/models",
    "/models/checkpoints",
    "/nope",
    "/settings",
    "/users",
    "/view_metadata/checkpoints",
}


class Conversation:
    """Makes each recorded request with the client, and compares what comes of it with the recording."""

    def __init__(
        self, server: Replay, session: requests.Session, open_socket: Callable[[], Socket] | None = None
    ) -> None:
        self._server = server
        self._session = session
        self._open_socket = open_socket
        self._previews = any(event["kind"] == "ws_binary" for event in server.events)
        self._closing = ExitStack()
        self._followers: dict[str, tuple[Follower, Iterator[Event]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def play_all(self) -> None:
        for event in self._server.events:
            self._play(event)
        self._server.wait_to_the_end()
        assert self._server.problems == []

    def _play(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "http":
                self._ask(event)
            case "ws_open":
                path, client_id = replay.socket_address(event)
                follower = self._client(path).follow(client_id, previews=self._previews)
                self._closing.callback(follower.close)
                self._followers[event["ws"]] = follower, follower.events(timeout=5)
            case "ws_text" if (wanted := EVENTS.get(event["message"]["type"])) is not None:
                assert next(self._followers[event["ws"]][1]) == wanted(event["message"]["data"])
            case "ws_binary":
                self._see_preview(event)
            case "ws_closed" if event.get("code") == 1006:
                with pytest.raises(SocketClosed):
                    next(self._followers[event["ws"]][1])
            case "ws_closed":
                self._followers[event["ws"]][0].close()

    def _client(self, path: str) -> ComfyUI:
        prefix = "/api" if path.startswith("/api/") else ""
        return ComfyUI(self._server.url + prefix, self._session, self._open_socket, timeout=QUICK)

    def _see_preview(self, event: dict[str, Any]) -> None:
        message, about = event["message"], event["message"].get("metadata", {})
        preview = next(self._followers[event["ws"]][1])
        assert isinstance(preview, Preview)
        assert preview.data.startswith(bytes.fromhex(message.get("image_magic", "")))
        assert (preview.format, preview.node) == ("image/jpeg", about.get("node_id"))
        assert preview.prompt_id == about.get("prompt_id")

    def _ask(self, event: dict[str, Any]) -> None:
        if is_not_ours(event):
            self._server.pass_over()
            return
        client, path = self._client(event["path"]), event["path"].removeprefix("/api")
        if event.get("status") is None:
            with pytest.raises(Unreachable):
                client.queue()
            return
        words = path.partition("?")[0].split("/")
        PLAYERS[event["method"], words[1]](client, event, words[2:])


def is_not_ours(event: dict[str, Any]) -> bool:
    """Whether the client cannot be made to ask this; what it cannot ask cannot be misunderstood."""
    path = event["path"].partition("?")[0].removeprefix("/api")
    body = event.get("request_json")
    form = event.get("request_form", {})
    return (
        path in NOT_OURS
        # It asks /queue, which says more.
        or (event["method"], path) == ("GET", "/prompt")
        # It sends JSON, and only loopback's own headers.
        or bool(event.get("request_headers"))
        # It deletes what it names, never everything.
        or (isinstance(body, dict) and body.get("clear") is True)
        # It uploads to the input folder, under a plain name, and always a file.
        or "type" in form
        or "image (raw filename)" in form
        or any("/" in name for name in (form.get("image", ""),))
        or event.get("note") in ("no image field", "101 MiB (default --max-upload-size 100)")
        # It takes files as they are.
        or "preview" in event.get("request_params", {})
    )


def upload(client: ComfyUI, event: dict[str, Any], _: list[str]) -> None:
    form = event.get("request_form", {})
    name = form.get("image", "photo.png").removeprefix("<png ").removesuffix(">")

    def send() -> StoredFile:
        return client.upload(
            name, b"content", subfolder=form.get("subfolder", ""), overwrite=form.get("overwrite") == "true"
        )

    if event["status"] == 200:
        stored = send()
        assert vars(stored) == event["response_json"]
    else:
        with pytest.raises(Refused) as refusal:
            send()
        assert (refusal.value.status, refusal.value.body) == (event["status"], event["response_text"])


def prompt(client: ComfyUI, event: dict[str, Any], _: list[str]) -> None:
    body = event.get("request_json")
    body = body if isinstance(body, dict) else {}

    def send() -> Any:
        return client.prompt(
            body.get("prompt", {}), client_id=body.get("client_id"), extra_data=body.get("extra_data", {})
        )

    if event["status"] == 200:
        assert vars(send()) == event["response_json"]
        return
    with pytest.raises(PromptRefused) as caught:
        send()
    refusal, answer = caught.value, event.get("response_json")
    assert refusal.status == event["status"]
    if answer is None:
        assert "Internal Server Error" in refusal.message
        assert refusal.node_errors == {}
        return
    error = answer["error"]
    assert (error if isinstance(error, str) else error["message"].rstrip(".")) in refusal.message
    assert refusal.node_errors == (answer["node_errors"] or {})


def queue(client: ComfyUI, event: dict[str, Any], _: list[str]) -> None:
    answer, seen = event["response_json"], client.queue()
    assert seen.running == tuple(map(queued, answer["queue_running"]))
    assert seen.pending == tuple(sorted(map(queued, answer["queue_pending"]), key=lambda entry: entry.number))


def queued(entry: list[Any]) -> Queued:
    number, prompt_id, _graph, extra_data, *_ = entry
    return Queued(number, prompt_id, extra_data, extra_data.get("client_id"))


def history(client: ComfyUI, event: dict[str, Any], words: list[str]) -> None:
    answer = event["response_json"]
    if words:
        record = client.history(words[0])
        records = {} if record is None else {words[0]: record}
    else:
        _, _, limit = event["path"].partition("max_items=")
        records = client.histories(int(limit) if limit else None)
    assert list(records) == list(answer)
    for prompt_id, record in records.items():
        compare(record, answer[prompt_id])


def compare(record: Record, entry: dict[str, Any]) -> None:
    status = entry["status"]
    said = dict(status["messages"])
    assert record.prompt_id == entry["prompt"][1]
    assert record.extra_data == entry["prompt"][3]
    assert (record.status_str, record.completed) == (status["status_str"], status["completed"])
    assert record.interrupted == ("execution_interrupted" in said)
    assert (record.failure is None) == ("execution_error" not in said)
    if record.failure:
        assert record.failure.node_id == said["execution_error"]["node_id"]
        assert record.failure.exception_type == said["execution_error"]["exception_type"]
    assert record.started_at == said["execution_start"]["timestamp"]
    assert record.ended_at == status["messages"][-1][1]["timestamp"]
    for node, output in entry["outputs"].items():
        listed = [(key, item) for key, items in output.items() for item in items if isinstance(item, dict)]
        assert record.files(node) == [
            OutputFile(item["filename"], item["subfolder"], item["type"], key, item.get("format"))
            for key, item in listed
        ]


def view(client: ComfyUI, event: dict[str, Any], _: list[str]) -> None:
    query = replay.view_query(event.get("request_params", {}))
    file = OutputFile(query["filename"], query["subfolder"], query["type"])
    if event["status"] == 200:
        with client.view(file) as download:
            assert download.size == event["response_bytes"]
            assert b"".join(download) == replay.file_content(event)
        return
    with pytest.raises(FileGone if event["status"] == 404 else Refused), client.view(file):
        pass


def as_it_is(client: ComfyUI, event: dict[str, Any], words: list[str]) -> None:
    seen = client.object_info(*words) if "object_info" in event["path"] else client.system_stats()
    assert seen == event["response_json"]


def interrupt(client: ComfyUI, event: dict[str, Any], _: list[str]) -> None:
    client.interrupt((event.get("request_json") or {}).get("prompt_id"))


def delete(client: ComfyUI, event: dict[str, Any], _: list[str]) -> None:
    forget = client.delete_pending if event["path"] == "/queue" else client.delete_history
    forget(event["request_json"]["delete"])


def free(client: ComfyUI, event: dict[str, Any], _: list[str]) -> None:
    client.free(**event["request_json"])


PLAYERS: dict[tuple[str, str], Callable[[ComfyUI, dict[str, Any], list[str]], None]] = {
    ("POST", "upload"): upload,
    ("POST", "prompt"): prompt,
    ("GET", "queue"): queue,
    ("GET", "history"): history,
    ("GET", "view"): view,
    ("GET", "object_info"): as_it_is,
    ("GET", "system_stats"): as_it_is,
    ("POST", "interrupt"): interrupt,
    ("POST", "queue"): delete,
    ("POST", "history"): delete,
    ("POST", "free"): free,
}

# What is not here (progress_state, feature_flags) the client passes over.
EVENTS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "status": lambda data: Status(data["status"]["exec_info"]["queue_remaining"]),
    "execution_start": lambda data: ExecutionStart(data["prompt_id"], data["timestamp"]),
    "execution_cached": lambda data: ExecutionCached(data["prompt_id"], tuple(data["nodes"])),
    "executing": lambda data: Executing(data["node"], data.get("prompt_id")),
    "progress": lambda data: Progress(data["value"], data["max"], data["node"], data["prompt_id"]),
    "executed": lambda data: Executed(data["node"], data["output"] or {}, data["prompt_id"]),
    "execution_success": lambda data: ExecutionSuccess(data["prompt_id"], data["timestamp"]),
    "execution_error": lambda data: ExecutionError(
        data["prompt_id"],
        data["node_id"],
        data["node_type"],
        data["exception_type"],
        data["exception_message"].strip(),
    ),
    "execution_interrupted": lambda data: ExecutionInterrupted(data["prompt_id"], data["node_id"], data["node_type"]),
}
