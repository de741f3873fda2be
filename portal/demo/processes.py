"""Processes that are started, watched, and all stopped in the end, the children of their children included."""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self, cast

import psutil

from portal.embedded import dies_with_parent

# An RQ worker ends its job's process only when asked a second time.
ASKED = ((signal.SIGTERM, 5.0), (signal.SIGTERM, 3.0))
KILL_SECONDS = 5.0
# A process that ends this often within a minute is not started again.
ENDS_PER_MINUTE = 3


class ProcessError(Exception):
    """A process does not run as it should; the message is one sentence for the person at the terminal."""


@dataclass
class _Child:
    name: str
    command: Sequence[str | Path]
    pass_fds: tuple[int, ...]
    log: Path
    process: subprocess.Popen[bytes]
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=ENDS_PER_MINUTE))


class Processes:
    """What this process starts through it. Only the main thread may: on Linux children die with the thread."""

    def __init__(self, logs: Path, *, may_end_often: bool = False) -> None:
        """``may_end_often``: somebody ends them on purpose, so that is no reason to give up."""
        self._logs = logs
        self._may_end_often = may_end_often
        logs.mkdir(parents=True, exist_ok=True)
        self._children: list[_Child] = []
        self._bystanders = {child.pid for child in psutil.Process().children()}
        _adopt_orphans()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str | Path], *, pass_fds: tuple[int, ...] = ()) -> None:
        """Start a process whose output goes to its log, and start it again whenever `watch` finds it ended."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = _spawn(command, output, output, pass_fds)
        self._children.append(_Child(name, command, pass_fds, log, process))

    def start_to_hear(self, name: str, command: Sequence[str | Path]) -> None:
        """Start a process that will say on its standard output when it is ready; `hear` awaits that."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = _spawn(command, subprocess.PIPE, output, ())
        self._children.append(_Child(name, command, (), log, process))

    def hear(self, name: str, *, seconds: float = 30) -> str:
        """The first line it said. Raises ProcessError if it ended, or says nothing in time."""
        child = next(child for child in self._children if child.name == name)
        said = cast(IO[bytes], child.process.stdout)
        heard, _, _ = select.select([said], [], [], seconds)
        line = said.readline().decode() if heard else ""
        if not line:
            raise ProcessError(f"{name} did not start; its log is {child.log}{_last_line(child.log)}")
        return line

    def watch(self) -> None:
        """Start again what has ended; raises ProcessError when that happens too often. Call about once a second."""
        for child in self._children:
            if child.process.poll() is None:
                continue
            now = time.monotonic()
            too_often = len(child.ends) == ENDS_PER_MINUTE and now - child.ends[0] < 60
            if too_often and not self._may_end_often:
                raise ProcessError(f"{child.name} ends again and again; its log is {child.log}{_last_line(child.log)}")
            child.ends.append(now)
            with child.log.open("ab") as output:
                child.process = _spawn(child.command, output, output, child.pass_fds)
        self._bury_adopted()

    def stop(self) -> None:
        """Ask every process to end, ask again, then kill whatever is left of them and theirs."""
        asked = [child.process for child in reversed(self._children)]
        for sign, seconds in ASKED:
            for process in asked:
                process.send_signal(sign)
            asked = _still_running(asked, seconds)
        left = list(self._descendants())
        for victim in left:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        psutil.wait_procs(left, timeout=KILL_SECONDS)
        for child in self._children:
            if child.process.stdout:
                child.process.stdout.close()
        self._children.clear()

    def _descendants(self) -> Iterator[psutil.Process]:
        for child in psutil.Process().children():
            if child.pid not in self._bystanders:
                with suppress(psutil.NoSuchProcess):
                    yield from child.children(recursive=True)
                yield child

    def _bury_adopted(self) -> None:
        ours = {child.process.pid for child in self._children} | self._bystanders
        for process in psutil.Process().children():
            with suppress(psutil.NoSuchProcess, ChildProcessError):
                if process.pid not in ours and process.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(process.pid, os.WNOHANG)


def _spawn(
    command: Sequence[str | Path], output: IO[bytes] | int, errors: IO[bytes], pass_fds: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        pass_fds=pass_fds,
        # A session of its own: Ctrl-C in the terminal is ours to act on, in the right order.
        start_new_session=True,
        preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one prctl, bound beforehand
    )


def _still_running(processes: list[subprocess.Popen[bytes]], seconds: float) -> list[subprocess.Popen[bytes]]:
    """Wait this long for all of them together."""
    deadline = time.monotonic() + seconds
    running = []
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            running.append(process)
    return running


def _adopt_orphans() -> None:
    """On Linux a process whose parent ends becomes a child of ours instead of init's, so that we can find it."""
    if sys.platform == "linux":
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f": {lines[-1].strip()}" if lines else ""
