"""A ComfyUI's HTTP and websocket, as little of them as the tests here need."""

import contextlib
import json
import queue
import threading
import time
from typing import Any, Self

import requests
import websocket

PATIENCE = 15.0


class Socket:
    """A websocket whose messages wait in a queue: dicts, or bytes for binary frames."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, timeout=PATIENCE, suppress_origin=True)
        self.heard: queue.Queue[Any] = queue.Queue()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, websocket.WebSocketException):
            while True:
                opcode, data = self._socket.recv_data()
                if opcode == websocket.ABNF.OPCODE_TEXT:
                    self.heard.put(json.loads(data))
                elif opcode == websocket.ABNF.OPCODE_BINARY:
                    self.heard.put(data)
                elif opcode == websocket.ABNF.OPCODE_CLOSE:
                    break
        self.heard.put(None)

    def next(self) -> Any:
        """The next message; None once the socket is closed. Raises queue.Empty after long silence."""
        return self.heard.get(timeout=PATIENCE)

    def until(self, event: str) -> list[dict[str, Any]]:
        """Every text message up to and with the first of this type."""
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1]["type"] != event:
            message = self.next()
            assert message is not None, f"closed before {event}: {seen}"
            if isinstance(message, dict):
                seen.append(message)
        return seen

    def send(self, message: Any) -> None:
        self._socket.send(json.dumps(message))

    def close(self) -> None:
        self._socket.close()
        self._thread.join(timeout=PATIENCE)


class Comfy:
    """One instance, by its port on loopback."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def socket(self, client_id: str = "", path: str = "/ws") -> Socket:
        query = f"?clientId={client_id}" if client_id else ""
        return Socket(f"{self.url.replace('http', 'ws', 1)}{path}{query}")

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=PATIENCE, **how)

    def get(self, path: str, **how: Any) -> Any:
        answer = self.ask("GET", path, **how)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None) -> requests.Response:
        return self.ask("POST", path, json=body)

    def upload(self, name: str, data: bytes, **form: str) -> Any:
        answer = self.ask("POST", "/upload/image", files={"image": (name, data)}, data=form)
        answer.raise_for_status()
        return answer.json()

    def prompt(self, graph: dict[str, Any], **body: Any) -> str:
        answer = self.post("/prompt", {"prompt": graph, **body})
        assert answer.status_code == 200, answer.text
        prompt_id: str = answer.json()["prompt_id"]
        return prompt_id

    def finished(self, prompt_id: str) -> dict[str, Any]:
        """The history record, as soon as there is one."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = self.get(f"/history/{prompt_id}")
            if found:
                record: dict[str, Any] = found[prompt_id]
                return record
            time.sleep(0.02)
        raise AssertionError(f"{prompt_id} never ended")

    def run(self, graph: dict[str, Any], **body: Any) -> dict[str, Any]:
        return self.finished(self.prompt(graph, **body))

    def faults(self, **faults: Any) -> None:
        answer = self.post("/standin/faults", faults)
        assert answer.status_code == 200, answer.text

    def ledger(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.get("/standin/ledger")
        return entries
