"""The demo as a person runs it: started, looked at, stopped, started again."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

# What a test run sets for itself; the demo brings its own.
OWN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "STORAGE_ROOT", "STATIC_ROOT", "SITE_URL", "EMAIL_BACKEND", "HTTPS")
LAST_LINE = "Ctrl-C stops everything."


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="connectdream-test-") as path:
        Path(path).chmod(0o711)
        yield Path(path)


def _demo(directory: Path, port: int) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in OWN}
    command = [sys.executable, "-m", "portal.demo", "--port", str(port), "--directory", str(directory / "demo")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


@contextmanager
def _killed_in_the_end(demo: subprocess.Popen[str]) -> Iterator[None]:
    """A demo that hangs must not outlive its test, nor keep it waiting for a line for ever."""
    timer = threading.Timer(240, demo.kill)
    timer.start()
    try:
        with demo:
            yield
    finally:
        timer.cancel()
        demo.kill()


def _until_it_serves(demo: subprocess.Popen[str]) -> dict[str, str]:
    """What it printed, by the first word of each line."""
    assert demo.stdout
    said: dict[str, str] = {}
    for line in demo.stdout:
        if line.strip() == LAST_LINE:
            return said
        first, _, rest = line.strip().partition(" ")
        said[first] = rest.strip()
    raise AssertionError(said)


def _stop(demo: subprocess.Popen[str]) -> None:
    """Ctrl-C, and nothing of it is left, its children's children included."""
    processes = psutil.Process(demo.pid).children(recursive=True)
    assert len(processes) > 6
    demo.send_signal(signal.SIGINT)
    assert demo.wait(40) == 0
    assert not [process for process in processes if process.is_running()]


def test_a_port_in_use_is_said_in_one_sentence(directory: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        demo = _demo(directory, port)
        said, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert said.splitlines()[-1].startswith(f"Port {port} cannot be had")


@pytest.mark.timeout(240)
def test_the_demo_leads_to_a_familys_link_and_is_the_same_when_started_again(directory: Path) -> None:
    first = _demo(directory, 0)
    with _killed_in_the_end(first):
        said = _until_it_serves(first)
        assert requests.get(said["Family"], timeout=10).status_code == 200
        assert requests.get(f"{said['Portal']}/accounts/login/", timeout=10).status_code == 200
        _stop(first)
    second = _demo(directory, 0)
    with _killed_in_the_end(second):
        again = _until_it_serves(second)
        assert "Making" not in again
        # Only the port is another.
        assert urlsplit(again["Family"]).path == urlsplit(said["Family"]).path
        assert requests.get(again["Family"], timeout=10).status_code == 200
        _stop(second)
