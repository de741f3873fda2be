"""What the client does where no recording goes: big files, broken answers, silence."""

import io
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from gpujobs.comfyui import (
    BadAnswer,
    ComfyUI,
    FileGone,
    OutputFile,
    Refused,
    SocketClosed,
    SocketSilent,
    Status,
    Timeouts,
    Unreachable,
)
from tests.comfyui.replay import OUT_OF_TURN, Replay
from tests.ssh.openssh import free_port

QUICK = Timeouts(connect=2, answer=1, file=1)
FILE = OutputFile("out.mp4", "portal", "output")
MEGABYTE = 2**20

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def comfyui_that(answer: Answer) -> Iterator[ComfyUI]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with requests.Session() as session:
            session.trust_env = False
            yield ComfyUI(f"http://127.0.0.1:{server.server_port}", session, timeout=QUICK)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reply(body: bytes, status: int = 200, headers: dict[str, str] | None = None, promised: int | None = None) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for key, value in (headers or {}).items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(promised or len(body)))
        request.end_headers()
        request.wfile.write(body)
        if promised:
            request.close_connection = True

    return answer


def test_a_large_file_is_never_whole_in_memory() -> None:
    size = 64 * MEGABYTE

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(size))
        request.end_headers()
        for _ in range(64):
            request.wfile.write(bytes(MEGABYTE))

    with comfyui_that(answer) as comfy, comfy.view(FILE) as download:
        tracemalloc.start()
        assert sum(map(len, download)) == size
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * MEGABYTE


def test_a_large_upload_is_never_whole_in_memory() -> None:
    seen = []

    class Zeros(io.RawIOBase):
        """64 MB of nothing, made as it is read."""

        def __init__(self) -> None:
            self._at = 0

        def seek(self, offset: int, whence: int = 0) -> int:
            self._at = offset + (64 * MEGABYTE if whence == 2 else 0)
            return self._at

        def tell(self) -> int:
            return self._at

        def read(self, size: int = -1) -> bytes:
            size = min(size, 64 * MEGABYTE - self._at)
            self._at += size
            return bytes(size)

    def answer(request: BaseHTTPRequestHandler) -> None:
        rest = int(request.headers["Content-Length"])
        seen.append(rest)
        while rest:
            rest -= len(request.rfile.read(min(rest, 65536)))
        reply(b'{"name": "a.mp4", "subfolder": "s", "type": "input"}')(request)

    with comfyui_that(answer) as comfy:
        tracemalloc.start()
        stored = comfy.upload("a.mp4", Zeros(), subfolder="s")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert stored.path == "s/a.mp4"
    assert seen[0] > 64 * MEGABYTE
    assert peak < 8 * MEGABYTE


def test_a_download_goes_on_where_it_broke_off() -> None:
    content = bytes(range(256)) * 100

    def answer(request: BaseHTTPRequestHandler) -> None:
        first = int((request.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        cut = content[first : first + 10_000]
        reply(cut, 206 if first else 200, promised=len(content) - first)(request)

    got = b""
    with comfyui_that(answer) as comfy:
        for _ in range(3):
            with suppress(Unreachable), comfy.view(FILE, first_byte=len(got)) as download:
                for chunk in download:
                    got += chunk
    assert got == content


def test_a_server_that_knows_no_ranges_is_read_from_the_start_and_skipped() -> None:
    with comfyui_that(reply(b"0123456789")) as comfy, comfy.view(FILE, first_byte=7) as download:
        assert download.size == 3
        assert b"".join(download) == b"789"


def test_a_missing_file_is_gone() -> None:
    with comfyui_that(reply(b"", 404)) as comfy, pytest.raises(FileGone), comfy.view(FILE):
        pass


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b"{}", b'{"queue_running": [[1]], "queue_pending": []}'])
def test_an_answer_without_sense_is_a_bad_answer(body: bytes) -> None:
    with comfyui_that(reply(body)) as comfy, pytest.raises(BadAnswer):
        comfy.queue()


def test_an_unexpected_status_is_a_refusal_with_its_words() -> None:
    with comfyui_that(reply(b"Bad Gateway", 502)) as comfy, pytest.raises(Refused, match="502") as caught:
        comfy.system_stats()
    assert caught.value.body == "Bad Gateway"


def test_a_redirect_is_not_followed() -> None:
    answer = reply(b"", 302, {"Location": "http://127.0.0.1:1/"})
    with comfyui_that(answer) as comfy, pytest.raises(Refused, match="302"):
        comfy.queue()


def test_a_history_entry_without_status_is_read() -> None:
    entry = {
        "prompt": [1, "p", {}, {"portal_attempt": "a"}, []],
        "outputs": {"9": {"text": "a caption"}},
        "status": None,
    }
    with comfyui_that(reply(json.dumps({"p": entry}).encode())) as comfy:
        record = comfy.history("p")
    assert record is not None
    assert record.extra_data == {"portal_attempt": "a"}
    assert not record.completed
    assert record.files("9") == record.files("10") == []


def test_a_server_that_is_down_is_unreachable_and_got_nothing() -> None:
    with requests.Session() as session:
        session.trust_env = False
        comfy = ComfyUI(f"http://127.0.0.1:{free_port()}", session, timeout=QUICK)
        with pytest.raises(Unreachable) as caught:
            comfy.prompt({}, client_id="c", extra_data={})
        assert not caught.value.maybe_received
        with pytest.raises(Unreachable):
            comfy.follow("c")


def test_a_server_that_never_answers_may_have_received() -> None:
    over = threading.Event()
    with comfyui_that(lambda _: over.wait(5) and None) as comfy:
        with pytest.raises(Unreachable) as caught:
            comfy.prompt({}, client_id="c", extra_data={})
        over.set()
    assert caught.value.maybe_received


@pytest.mark.parametrize("name", ["", "../x.png", "a/b.png", "a\\b.png", "a\0.png"])
def test_a_path_is_no_name_for_an_upload(name: str) -> None:
    with comfyui_that(reply(b"never asked")) as comfy, pytest.raises(ValueError, match="plain"):
        comfy.upload(name, b"")


def status(remaining: int) -> dict[str, object]:
    message = {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": remaining}}}}
    return {"kind": "ws_text", "ws": "ws", "message": message}


def test_silence_is_told_and_the_socket_is_used_on() -> None:
    # The server waits for a request between its two messages.
    between = {"kind": "http", "method": "GET", "path": "/queue", "status": 200, "response_json": {}}
    events = [{"kind": "ws_open", "ws": "ws", "url": "ws://x/ws?clientId=c"}, status(1), between, status(0)]
    with Replay(events) as server, requests.Session() as session:
        session.trust_env = False
        with ComfyUI(server.url, session, timeout=QUICK).follow("c") as follower:
            heard = follower.events(timeout=0.2)
            assert next(heard) == Status(1)
            with pytest.raises(SocketSilent):
                next(heard)
            server.pass_over()
            assert next(follower.events(timeout=5)) == Status(0)
        server.wait_to_the_end()
        assert server.problems == []


def test_a_follower_closed_by_another_thread_ends_its_reader() -> None:
    events = [{"kind": "ws_open", "ws": "ws", "url": "ws://x/ws?clientId=c"}]
    with Replay(events) as server, requests.Session() as session:
        session.trust_env = False
        follower = ComfyUI(server.url, session, timeout=QUICK).follow("c")
        closing = threading.Timer(0.2, follower.close)
        closing.start()
        with pytest.raises(SocketClosed):
            next(follower.events(timeout=5))
        closing.join()


def test_the_replay_notices_what_comes_out_of_turn() -> None:
    events = [{"kind": "http", "method": "GET", "path": "/queue", "status": 200, "response_json": {}}]
    with Replay(events) as server, requests.Session() as session:
        session.trust_env = False
        with pytest.raises(Refused) as caught:
            ComfyUI(server.url, session, timeout=QUICK).system_stats()
        assert caught.value.status == OUT_OF_TURN
        assert server.problems == ["GET /queue: GET /system_stats came instead"]
