"""Makes a recording's requests again and holds every answer and every websocket message against what was recorded.

What cannot be the same is made the same first: ids, times, numbers, temp names, counters in file names, folders.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from gpujobs.standin.instance import Instance

from . import making
from .talking import Comfy, Socket

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"
PHOTO = base64.b64encode(making.png()).decode()
# Answers that tell of the recorded machine: their keys must be the same, not their values.
ABOUT_THE_MACHINE = ("/system_stats", "/models", "/object_info/", "/history?max_items", "/embeddings")
NOT_SERVED = ("/internal/",)
UNORDERED = {"executed", "current_outputs", "nodes"}


def names() -> list[str]:
    return sorted(path.stem for path in RECORDINGS.glob("0.2.4-*.json"))


def load(name: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))["events"]
    return events


class Replay:
    def __init__(self, events: list[dict[str, Any]], instance: Instance, comfy: Comfy) -> None:
        self.events, self.instance, self.comfy = in_order_of_cause(events), instance, comfy
        self.sockets: dict[str, Socket] = {}
        self.ids: dict[str, str] = {}
        self.counters: dict[str, int] = {}
        self.first_numbers: dict[str, float] = {}
        self.last_body = b""

    def run(self) -> None:
        self._prepare()
        for index, event in enumerate(self.events):
            try:
                self._play(event)
            except AssertionError as difference:
                raise AssertionError(f"event {index}: {difference}") from difference

    def _prepare(self) -> None:
        """The files that lay there already, and the cache that an earlier scenario had filled."""
        (self.instance.folders.home / "outside.txt").write_text("not an image")
        uploaded = {(event.get("response_json") or {}).get("name") for event in self.events if is_upload(event)}
        graphs = [event["request_json"]["prompt"] for event in self.events if has_graph(event)]
        for graph in graphs:
            for node in graph.values():
                name = node.get("inputs", {}).get("video") or node.get("inputs", {}).get("image")
                if isinstance(name, str) and "missing" not in name and not name.startswith(("<", "not-", "../")):
                    path = self.instance.folders.input / name
                    if name not in uploaded and name.endswith(".mp4"):
                        making.mp4(path, 12)
                    elif name not in uploaded:
                        path.write_bytes(making.png())
        if first_cached(self.events):
            graph = json.loads(json.dumps(graphs[0]))
            graph["3"]["inputs"] |= {"seed": 7, "steps": 1}
            self.comfy.run(graph)

    def _play(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "ws_open":
                self._open(event)
            case "ws_send":
                self.sockets[event["ws"]].send(event["message"])
            case "ws_text" | "ws_binary":
                self._hear(event)
            case "ws_closed":
                if event.get("code") is None:
                    self.sockets.pop(event["ws"]).close()
            case "http":
                self._ask(event)
            case "note":
                self._happen(event["text"])

    def _open(self, event: dict[str, Any]) -> None:
        client_id = next((e["request_json"].get("client_id", "") for e in self.events if has_graph(e)), "")
        url = urlsplit(event.get("url", f"/ws?clientId={client_id}"))
        self.sockets[event["ws"]] = self.comfy.socket(url.query.partition("=")[2], url.path)

    def _hear(self, event: dict[str, Any]) -> None:
        wanted = event["message"]
        heard = self.sockets[event["ws"]].next()
        # How many steps were heard before something else is a matter of time.
        while not is_step(wanted, event) and (isinstance(heard, bytes) or (heard and heard["type"] == "progress")):
            heard = self.sockets[event["ws"]].next()
        if event["kind"] == "ws_binary":
            while not isinstance(heard, bytes):
                assert heard is not None
                assert heard["type"] == "progress", heard
                heard = self.sockets[event["ws"]].next()
            assert heard[:10].hex() == wanted["head_hex"][:20]
            return
        while isinstance(heard, bytes):
            heard = self.sockets[event["ws"]].next()
        self._compare(wanted, heard)

    def _happen(self, text: str) -> None:
        removed = re.match(r"removed ComfyUI/(?:lanes/\d+/)?(output/\S+)", text)
        if removed:
            (self.instance.folders.home / removed[1]).unlink()
        elif text == "SIGKILL":
            self.instance.kill()
        elif text == "restarted":
            self.instance.boot()
        elif text.startswith("output file deleted"):
            (self.instance.folders.output / "order/same_00001_.png").unlink()

    def _ask(self, event: dict[str, Any]) -> None:
        path = self._with_my_ids(event["path"])
        if path.startswith(NOT_SERVED):
            return
        if event.get("status") is None:
            with pytest.raises(requests.ConnectionError):
                self.comfy.ask(event["method"], path)
            return
        answer = self.comfy.ask(event["method"], path, **self._request(event))
        assert answer.status_code == event["status"], f"{path}: {answer.status_code} {answer.text[:300]}"
        self.last_body = answer.content if "response_bytes" in event else self.last_body
        recorded_type = event.get("response_headers", {}).get("Content-Type")
        if recorded_type:
            assert answer.headers["Content-Type"] == recorded_type, path
        disposition = event.get("response_headers", {}).get("Content-Disposition")
        if disposition and "temp" not in disposition:
            assert self._counted(named(answer)) == re.sub(r"_\d{5}", "_#", named_in(disposition)), path
        if "response_head_hex" in event:
            assert answer.content[:4].hex() == event["response_head_hex"][:8]
        if "response_text" in event and event["status"] != 206:
            assert answer.text == event["response_text"], path
        if event["status"] == 206:
            assert len(answer.content) == int(event["response_headers"]["Content-Length"])
        if "response_json" in event:
            self._compare_answer(path, event, answer.json())

    def _compare_answer(self, path: str, event: dict[str, Any], answered: Any) -> None:
        wanted = event["response_json"]
        if is_about_the_machine(path):
            assert_same_keys(wanted, answered, path)
            return
        if isinstance(answered, dict) and "prompt_id" in answered:
            self.ids[wanted["prompt_id"]] = answered["prompt_id"]
        self._compare(wanted, answered)

    def _request(self, event: dict[str, Any]) -> dict[str, Any]:
        if is_upload(event):
            return {
                "data": form(event, self.last_body),
                "headers": {"Content-Type": f"multipart/form-data; boundary={EDGE}"},
            }
        if event["method"] == "POST" and "JSON" in event.get("note", ""):
            return {"data": b"not json"}
        request: dict[str, Any] = {"params": self._params(event), "headers": dict(event.get("request_headers", {}))}
        if "127.0.0.1" in request["headers"].get("Origin", ""):
            request["headers"]["Origin"] = self.comfy.url
        body = event.get("request_json")
        if isinstance(body, str):
            body = {"prompt": {"last_node_id": 3, "nodes": []}}
        if body is not None:
            request["json"] = self._with_my_ids(self._in_recorded_order(body))
        return request

    def _params(self, event: dict[str, Any]) -> dict[str, Any]:
        """A temp file's name has letters of chance in it: take the one that lies there."""
        params = dict(event.get("request_params", {}))
        if params.get("type") == "temp":
            files = sorted(self.instance.folders.temp.glob("*.png"))
            params["filename"] = files[-1].name if files else params["filename"]
        return params

    def _in_recorded_order(self, body: dict[str, Any]) -> dict[str, Any]:
        """ComfyUI looks at output nodes in an order of chance; the recorded one is kept by sending them in it."""
        graph = body.get("prompt")
        if not isinstance(graph, dict):
            return body
        records = [
            record
            for event in self.events
            if "/history/" in event.get("path", "")
            for record in (event.get("response_json") or {}).values()
            if record["prompt"][2].keys() == graph.keys()
        ]
        order = records[0]["prompt"][4] if len(records) == 1 else []
        if len(records) > 1:
            order = next((r["prompt"][4] for r in records if r["prompt"][2] == graph), [])
        ordered = {**{key: graph[key] for key in graph if key not in order}, **{key: graph[key] for key in order}}
        return {**body, "prompt": ordered}

    def _with_my_ids(self, value: Any) -> Any:
        text = json.dumps(value, ensure_ascii=False).replace("../../../../etc/passwd", "../outside.txt")
        for recorded, mine in self.ids.items():
            text = text.replace(recorded, mine)
        return json.loads(re.sub(r"<base64 PNG \d+ chars>", PHOTO, text))

    def _compare(self, wanted: Any, heard: Any) -> None:
        mine, recorded = self._levelled(heard, mine=True), self._levelled(self._with_my_ids(wanted), mine=False)
        assert mine == recorded, f"\nrecorded: {recorded}\nhere:     {mine}"

    def _levelled(self, value: Any, *, mine: bool, key: str = "") -> Any:
        if key in {"timestamp", "traceback", "current_inputs", "exception_message"}:
            return self._worded(value) if key == "exception_message" else None
        if key in {"number"} and value is not None:
            return self._relative("mine" if mine else "recorded", value)
        if isinstance(value, dict):
            levelled = {k: self._levelled(v, mine=mine, key=k) for k, v in value.items()}
            if levelled.keys() >= {"value", "max", "node"}:
                levelled["value"] = None
            return levelled
        if isinstance(value, list):
            if key == "prompt" and len(value) == 5:
                number = self._relative("mine" if mine else "recorded", value[0])
                rest = [self._levelled(each, mine=mine) for each in value[1:4]]
                return [number, *rest, sorted(value[4])]
            if key == "dependent_outputs" or key in UNORDERED:
                return sorted(map(str, value))
            if key == "queue_pending":
                value = sorted(value, key=lambda item: item[0])
            if key in {"queue_pending", "queue_running"}:
                return [self._levelled(item, mine=mine, key="prompt") for item in value]
            return [self._levelled(each, mine=mine) for each in value]
        return self._counted(value) if isinstance(value, str) else value

    def _relative(self, whose: str, number: float) -> float:
        """Numbers count prompts since the start; the recorded server had seen others before."""
        first = self.first_numbers.setdefault(whose, abs(number))
        return abs(number) - first

    def _counted(self, text: str) -> str:
        text = re.sub(r"(ComfyUI_temp_)[a-z]{5}", r"\1#", text)
        return re.sub(r"_\d{5}", "_#", text)

    def _worded(self, text: str) -> str:
        """One line, folders as recorded; what could not be downloaded has many words for it."""
        text = text.replace(str(self.instance.folders.home), "ComfyUI").split("\n")[0]
        return "no snapshot" if "snapshot folder" in text else text.strip()


def in_order_of_cause(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An answer was written down when it was complete, which may be after the first message that it caused."""
    ordered: list[dict[str, Any]] = []
    for event in events:
        place = len(ordered)
        if event["kind"] == "http" and event["path"] == "/prompt" and event["method"] == "POST":
            while place and is_queue_growing(ordered[place - 1]):
                place -= 1
        ordered.insert(place, event)
    return ordered


def is_queue_growing(event: dict[str, Any]) -> bool:
    if event["kind"] != "ws_text" or event["message"]["type"] != "status":
        return False
    status = event["message"]["data"]
    return "sid" not in status and status["status"]["exec_info"]["queue_remaining"] == 1


EDGE = "----standin-edge"


def form(event: dict[str, Any], last_body: bytes) -> bytes:
    """The multipart body by hand, so that a file name goes out byte for byte as it was recorded."""
    fields = dict(event.get("request_form", {}))
    note, answer = event.get("note", ""), event.get("response_json") or {}
    raw = fields.pop("image (raw filename)", None)
    asked = fields.pop("image", None)
    if "no image field" in note:
        name = None
    elif raw is not None:
        name = raw
    elif "101 MiB" in note:
        name = "big.png"
    elif answer:
        name = answer["name"].replace(" (1)", "") if "other bytes" in note else answer["name"]
    else:
        name = quote(asked or "x.png", safe="")
    parts = [
        f'--{EDGE}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()
    ]
    if name is not None:
        escaped = name.replace("\\", "\\\\")
        head = f'--{EDGE}\r\nContent-Disposition: form-data; name="image"; filename="{escaped}"\r\n'
        parts.append(f"{head}Content-Type: image/png\r\n\r\n".encode() + content(name, note, last_body) + b"\r\n")
    if not parts:
        parts = [f'--{EDGE}\r\nContent-Disposition: form-data; name="type"\r\n\r\ninput\r\n'.encode()]
    return b"".join(parts) + f"--{EDGE}--\r\n".encode()


def content(name: str, note: str, last_body: bytes) -> bytes:
    if "101 MiB" in note:
        return bytes(101 * 1024 * 1024)
    if name == "broken.png":
        return b"this is not an image"
    if name.endswith(".mp4"):
        return last_body
    return making.png((200, 10, 10)) if "other bytes" in note or "overwrite" in note else making.png()


def is_upload(event: dict[str, Any]) -> bool:
    return str(event.get("path", "")).endswith("/upload/image")


def has_graph(event: dict[str, Any]) -> bool:
    body = event.get("request_json")
    return isinstance(body, dict) and isinstance(body.get("prompt"), dict)


def first_cached(events: list[dict[str, Any]]) -> list[str]:
    """The nodes that the first prompt found in the cache, told by a socket or by the history."""
    for event in events:
        if event["kind"] == "ws_text" and event["message"]["type"] == "execution_cached":
            nodes: list[str] = event["message"]["data"]["nodes"]
            return nodes
        if "/history/" in event.get("path", "") and event.get("response_json"):
            (record,) = event["response_json"].values()
            return next(data["nodes"] for kind, data in record["status"]["messages"] if kind == "execution_cached")
    return []


def is_step(wanted: dict[str, Any], event: dict[str, Any]) -> bool:
    return event["kind"] == "ws_binary" or wanted["type"] == "progress"


def is_about_the_machine(path: str) -> bool:
    return path.removeprefix("/api").startswith(ABOUT_THE_MACHINE)


def named_in(disposition: str) -> str:
    return disposition.split('"')[1]


def named(answer: requests.Response) -> str:
    return named_in(answer.headers["Content-Disposition"]).encode("latin-1").decode()


def assert_same_keys(wanted: Any, answered: Any, path: str) -> None:
    assert type(answered) is type(wanted), path
    if isinstance(wanted, dict) and not path.startswith("/history"):
        assert answered.keys() - {"description"} >= wanted.keys() - {"description"}, path
        for key in wanted:
            assert_same_keys(wanted[key], answered[key], path)
