"""An SMS service on loopback that does what it is told and keeps what it took."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Gateway:
    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    @property
    def taken(self) -> list[dict[str, Any]]:
        return [body for body, status in zip(self.asked, self._answered, strict=True) if status == 200]

    @contextmanager
    def open(self) -> Iterator["Gateway"]:
        gateway, self._answered = self, []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                gateway.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                gateway.headers.append(dict(self.headers))
                status = gateway.statuses.pop(0) if gateway.statuses else 200
                gateway._answered.append(status)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """The test's output says nothing of requests."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/send"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
