"""One command on the host, with an end to its time and its output."""

import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import paramiko

from gpujobs.ssh.errors import CommandFailed

OUTPUT_LIMIT: Final = 1024 * 1024


@dataclass(frozen=True)
class Finished:
    """A command that ended: `rc` is its exit status (-1: killed by a signal); output beyond 1 MiB each is dropped."""

    rc: int
    stdout: str
    stderr: str


@contextmanager
def closed_after(channel: paramiko.Channel, seconds: float) -> Iterator[None]:
    """Close `channel` if the body takes longer: paramiko waits without end for the answer to a channel request."""
    timer = threading.Timer(seconds, channel.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def run(channel: paramiko.Channel, argv: list[str], *, timeout: float) -> Finished:
    """Run `argv` on a fresh session channel; raises CommandFailed where it does not start or does not end in time."""
    deadline = time.monotonic() + timeout
    name = argv[0]
    stdout = bytearray()
    stderr = bytearray()
    try:
        with closed_after(channel, timeout):
            channel.exec_command(shlex.join(argv))
            channel.shutdown_write()
        # Both streams are drained at once: a command blocks when nobody reads what it complains.
        listener = threading.Thread(target=_drain, args=(channel.recv_stderr, stderr), daemon=True)
        channel.settimeout(timeout)
        listener.start()
        in_time = _drain(channel.recv, stdout, deadline)
        listener.join(max(0.0, deadline - time.monotonic()))
        in_time = in_time and channel.status_event.wait(max(0.0, deadline - time.monotonic()))
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise CommandFailed(f"{name} did not start on the host") from error
    finally:
        channel.close()
    if not in_time:
        raise CommandFailed(f"{name} did not end within {timeout:g} s")
    return Finished(channel.exit_status, stdout.decode(errors="replace"), stderr.decode(errors="replace"))


def _drain(recv: Callable[[int], bytes], into: bytearray, deadline: float | None = None) -> bool:
    """Read to the end, keeping OUTPUT_LIMIT bytes. False where the time was over first."""
    while deadline is None or time.monotonic() < deadline:
        try:
            data = recv(OUTPUT_LIMIT)
        except TimeoutError:
            return False
        if not data:
            return True
        into += data[: OUTPUT_LIMIT - len(into)]
    return False
