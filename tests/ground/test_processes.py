"""The demo's processes: nothing of them is left, whatever they are and however they behave."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from portal.demo import processes
from portal.demo.processes import ProcessError, Processes

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
# Leaves behind a grandchild in a session of its own that does not listen either, as an RQ worker's job may.
LEAVING_SOMEONE = f"""
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], start_new_session=True).pid, flush=True)
time.sleep(float(sys.argv[1]))
"""


def _start_and_hear(running: Processes, name: str, command: list[str]) -> str:
    running.start_to_hear(name, command)
    return running.hear(name)


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ASKED", ((signal.SIGTERM, 0.5), (signal.SIGTERM, 0.5)))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Processes]:
    with Processes(tmp_path) as running:
        yield running


def _python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_process_that_does_not_listen_is_killed(running: Processes) -> None:
    _start_and_hear(running, "stubborn", _python(STUBBORN))
    process = running._children[0].process
    running.stop()
    assert process.poll() is not None


def test_a_grandchild_in_a_session_of_its_own_is_killed_too(running: Processes) -> None:
    grandchild = int(_start_and_hear(running, "parent", _python(LEAVING_SOMEONE, "600")))
    running.stop()
    assert not psutil.pid_exists(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to an ancestor")
def test_a_grandchild_whose_parent_has_ended_is_killed_too(running: Processes) -> None:
    grandchild = int(_start_and_hear(running, "parent", _python(LEAVING_SOMEONE, "0")))
    running._children[0].process.wait(10)
    running.stop()
    assert not psutil.pid_exists(grandchild)


def test_those_that_were_there_before_are_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as bystander:
        with Processes(tmp_path) as running:
            running.start("sleep", ["sleep", "600"])
        assert bystander.poll() is None
        bystander.kill()


def test_a_process_that_ended_is_started_again(running: Processes) -> None:
    running.start("sleep", ["sleep", "600"])
    first = running._children[0].process
    first.kill()
    first.wait()
    running.watch()
    second = running._children[0].process
    assert second.pid != first.pid
    assert second.poll() is None


def test_a_process_that_ends_again_and_again_is_given_up_with_its_last_words(running: Processes) -> None:
    running.start("broken", ["sh", "-c", "echo no such luck; exit 3"])

    def given_up() -> bool:
        running._children[0].process.wait()
        running.watch()
        return False

    with pytest.raises(ProcessError, match=r"^broken ends again and again; its log is .*broken\.log: no such luck$"):
        _until(given_up)


def test_a_process_that_should_speak_first_and_does_not_is_named(running: Processes) -> None:
    with pytest.raises(ProcessError, match=r"^mute did not start; its log is .*: why not$"):
        _start_and_hear(running, "mute", ["sh", "-c", "echo why not >&2; exit 1"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_kill_9_of_the_program_itself_ends_what_it_started(tmp_path: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from portal.demo.processes import Processes
running = Processes(Path(sys.argv[1]))
running.start("sleep", ["sleep", "600"])
print(running._children[0].process.pid, flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    _until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
