"""What the SSH tests need of a host, whoever plays it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from gpujobs.comfyui import ComfyUI, Timeouts
from gpujobs.ssh import HostConnection, Target
from tests.ssh.relay import Relay

MEGABYTE = 2**20


@dataclass(frozen=True)
class Host:
    """A running host. `comfy_port` is open to us, `closed_port` has no listener, `folder` is writable over SFTP."""

    target: Target
    comfy_port: int
    closed_port: int
    folder: Path

    def connect(self, *, timeout: float = 10.0) -> HostConnection:
        return HostConnection.open(self.target, timeout=timeout)

    @contextmanager
    def relayed(self) -> Iterator[tuple["Host", Relay]]:
        """The same host behind a wire that can be cut."""
        with Relay(self.target.port) as relay:
            yield replace(self, target=replace(self.target, port=relay.port)), relay

    def comfy(self, connection: HostConnection, timeout: Timeouts | None = None) -> ComfyUI:
        port = self.comfy_port
        return ComfyUI(
            f"http://127.0.0.1:{port}",
            connection.http(port),
            lambda: connection.channel(port),
            timeout=timeout or Timeouts(),
        )


class _Files(BaseHTTPRequestHandler):
    """As much of a ComfyUI as carrying files takes: what is uploaded can be viewed."""

    protocol_version = "HTTP/1.1"
    # Otherwise each answer waits for the acknowledgement of its headers.
    wbufsize = -1
    files: dict[str, bytes]

    def do_GET(self) -> None:
        if self.path.startswith("/view"):
            name = self.path.partition("filename=")[2].partition("&")[0]
            self._reply(self.files[name])
        else:
            self._reply(b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head, _, content = body.partition(b'filename="')[2].partition(b"\r\n\r\n")
        name = head.partition(b'"')[0].decode()
        self.files[name] = content.rpartition(b"\r\n--")[0]
        self._reply(json.dumps({"name": name, "subfolder": "", "type": "input"}).encode())

    def _reply(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def file_server() -> Iterator[int]:
    """The port of a small ComfyUI that only keeps files."""
    handler = type("Files", (_Files,), {"files": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
