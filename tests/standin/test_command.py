"""python -m gpujobs.standin: one line when ready, clean ends, plain words when it cannot start."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ARGUMENTS = [sys.executable, "-m", "gpujobs.standin", "--instances", "1"]


def begun(tmp_path: Path, client_key: Path, *more: str) -> "subprocess.Popen[str]":
    places = ["--root", str(tmp_path / "host"), "--authorized-key", str(client_key.with_suffix(".pub"))]
    return subprocess.Popen([*ARGUMENTS, *places, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_ends_on_a_signal(number: int, tmp_path: Path, client_key: Path) -> None:
    with begun(tmp_path, client_key) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said.keys() == {"ssh_port", "host_key", "username", "instances", "root"}
        assert said["host_key"].startswith("ssh-ed25519 ")
        process.send_signal(number)
        assert process.wait(timeout=10) == 0


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path, client_key: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with begun(tmp_path, client_key, "--ports", str(taken.getsockname()[1])) as process:
            _, said = process.communicate(timeout=15)
    assert process.returncode == 1
    assert said.startswith("The stand-in host cannot start: ")
    assert said.count("\n") == 1


def test_it_ends_with_its_parent(tmp_path: Path, client_key: Path) -> None:
    child = [
        *ARGUMENTS,
        *("--root", str(tmp_path / "host"), "--authorized-key", str(client_key.with_suffix(".pub"))),
        "--die-with-parent",
    ]
    parent_program = (
        "import subprocess, sys; child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE);"
        "child.stdout.readline(); print(child.pid, flush=True)"
    )
    parent = subprocess.run([sys.executable, "-c", parent_program, *child], capture_output=True, text=True, check=True)
    child_id = int(parent.stdout)
    deadline = time.monotonic() + 10
    while is_alive(child_id) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(child_id)


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    # A child that nobody has waited for is dead as well.
    status = Path(f"/proc/{process_id}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_it_knows_nothing_of_django() -> None:
    program = (
        "import sys, gpujobs.standin.__main__; sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
