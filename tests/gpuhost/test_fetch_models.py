"""The script that brings the model files: whole, with the right sum, and never past a licence unread."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.gpuhost.test_lists import HOST


class Files(BaseHTTPRequestHandler):
    contents: dict[str, bytes] = {}
    asked: list[tuple[str, str]] = []
    cut_short: set[str] = set()

    def do_GET(self) -> None:
        content, begins = self.contents[self.path], self.headers.get("Range", "")
        self.asked.append((self.path, begins))
        first = int(begins.removeprefix("bytes=").rstrip("-")) if begins else 0
        self.send_response(206 if begins else 200)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        half = len(content) // 2 if self.path in self.cut_short else len(content)
        self.cut_short.discard(self.path)
        self.wfile.write(content[first:half])

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Files.contents, Files.asked, Files.cut_short = {}, [], set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def a_model(name: str, files: list[dict[str, str]], **fields: Any) -> dict[str, Any]:
    free = {"licence": "MIT", "commercial_use": True, "alternative": "", "workflows": ["portrait"], "source": "a page"}
    return {"name": name, "files": files, **free, **fields}


def run(folder: Path, models: list[dict[str, Any]], *options: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(HOST / "fetch_models.py", folder)
    (folder / "needs.json").write_text(json.dumps({"models": models}))
    command = [sys.executable, folder / "fetch_models.py", folder / "app", *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_fetched_once_and_looked_at_again(site: str, tmp_path: Path) -> None:
    Files.contents["/a"] = b"weights"
    models = [a_model("a.bin", [{"path": "models/a.bin", "url": f"{site}/a", "sha256": sha256(b"weights")}])]
    assert run(tmp_path, models).returncode == 1
    assert run(tmp_path, models, "--fetch").returncode == 0
    assert (tmp_path / "app/models/a.bin").read_bytes() == b"weights"
    again = run(tmp_path, models, "--fetch", "--sums")
    assert (again.returncode, len(Files.asked)) == (0, 1)
    (tmp_path / "app/models/a.bin").write_bytes(b"other")
    assert "NOT the expected" in run(tmp_path, models, "--sums").stdout


def test_what_broke_off_goes_on_where_it_stopped(site: str, tmp_path: Path) -> None:
    Files.contents["/a"], Files.cut_short = b"0123456789", {"/a"}
    models = [a_model("a.bin", [{"path": "a.bin", "url": f"{site}/a", "sha256": ""}])]
    first = run(tmp_path, models, "--fetch")
    assert first.returncode == 1
    assert "broke off" in first.stdout
    assert not (tmp_path / "app/a.bin").exists()
    assert run(tmp_path, models, "--fetch").returncode == 0
    assert (tmp_path / "app/a.bin").read_bytes() == b"0123456789"
    assert Files.asked[-1] == ("/a", "bytes=5-")


def test_a_file_with_another_sum_is_not_kept(site: str, tmp_path: Path) -> None:
    Files.contents["/a"] = b"something else"
    models = [a_model("a.bin", [{"path": "a.bin", "url": f"{site}/a", "sha256": sha256(b"weights")}])]
    assert run(tmp_path, models, "--fetch").returncode == 1
    assert list((tmp_path / "app").iterdir()) == []


def test_parts_come_out_of_one_archive_whatever_folder_they_lie_in(site: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("faces/one.onnx", b"1")
        archive.writestr("faces/two.onnx", b"2")
    Files.contents["/faces.zip"] = packed.getvalue()
    files = [
        {"path": f"models/faces/{name}.onnx", "url": f"{site}/faces.zip", "sha256": sha256(content)}
        for name, content in (("one", b"1"), ("two", b"2"))
    ]
    assert run(tmp_path, [a_model("faces", files)], "--fetch").returncode == 0
    assert (tmp_path / "app/models/faces/two.onnx").read_bytes() == b"2"
    assert [path.name for path in (tmp_path / "app/models").iterdir()] == ["faces"]
    assert len(Files.asked) == 1


def test_a_licence_that_restricts_commercial_use_is_said_and_waits_to_be_read(site: str, tmp_path: Path) -> None:
    Files.contents["/a"] = b"weights"
    file = {"path": "a.bin", "url": f"{site}/a", "sha256": ""}
    models = [a_model("a.bin", [file], commercial_use=False, licence="research only", alternative="b.bin")]
    refused = run(tmp_path, models, "--fetch")
    assert refused.returncode == 1
    assert "a.bin: research only" in refused.stdout
    assert "instead: b.bin" in refused.stdout
    assert Files.asked == []
    assert run(tmp_path, models, "--fetch", "--licences-read").returncode == 0


def test_only_one_workflows_files_are_asked_for(site: str, tmp_path: Path) -> None:
    files = [{"path": "a.bin", "url": f"{site}/a", "sha256": ""}]
    assert run(tmp_path, [a_model("a.bin", files)], "--workflow", "portrait").returncode == 1
    unknown = run(tmp_path, [a_model("a.bin", files)], "--workflow", "nothing")
    assert "no such workflow" in unknown.stderr


def test_the_real_list_can_be_read_by_it(tmp_path: Path) -> None:
    listed = subprocess.run(
        [sys.executable, HOST / "fetch_models.py", tmp_path], check=False, capture_output=True, text=True, timeout=60
    )
    assert listed.returncode == 1
    assert listed.stdout.count(": missing (") == sum(
        len(model["files"]) for model in json.loads((HOST / "needs.json").read_text())["models"]
    )
