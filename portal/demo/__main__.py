"""`python -m portal.demo` serves the demo until Ctrl-C; `python -m portal.demo smoke` makes one order and ends."""

import argparse
import errno
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psycopg.errors
from django.db import DatabaseError

from portal.demo import smoke
from portal.demo.house import BASE_DIR, DemoError, House, kept_secret, open_house
from portal.demo.processes import ProcessError
from portal.embedded import ServerError

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    for sign in ENDING:
        signal.signal(sign, _end)
    try:
        if options.command == "smoke":
            return smoke.run(options.json)
        _serve(options.directory.absolute(), options.port)
    except KeyboardInterrupt:
        _say("Stopped.")
    except (DemoError, ProcessError, ServerError) as problem:
        _say(str(problem), error=True)
        return 1
    except (OSError, DatabaseError) as problem:
        if not _is_full_disk(problem):
            raise
        _say("The disk is full; make room and start again.", error=True)
        return 1
    return 0


def _is_full_disk(problem: OSError | DatabaseError) -> bool:
    if isinstance(problem, OSError):
        return problem.errno in {errno.ENOSPC, errno.EDQUOT}
    return isinstance(problem.__cause__, psycopg.errors.DiskFull)


def _serve(directory: Path, port: int) -> None:
    started = time.monotonic()
    _say("Starting the servers, the stand-in GPU host, the workers and the portal …")
    with open_house(directory, port=port, step_seconds=0.1) as house:
        from portal.demo import story  # its models need Django set up, which the house does

        password = kept_secret(directory / "password", size=9)
        logins = story.seed_accounts(password)
        story.seed_fleet(house.standin)
        house.open()
        _say(f"Ready after {time.monotonic() - started:.1f} seconds.\n")
        _say(f"  Portal     {house.url}")
        for login in logins:
            _say(f"  {login.role:<10} {login.email}")
        _say(f"  Password   {password}  (for all of them)")
        _tell_sample_order(house)
        _say("\nCtrl-C stops everything.")
        while True:
            time.sleep(1)
            house.watch()


def _tell_sample_order(house: House) -> None:
    from portal.demo import story

    link = story.kept_link(house)
    if link is None:
        _say("\nMaking a sample order: three products, made, reviewed and handed over …")
        link = story.deliver_sample_order(house)
    _say(f"  Family     {link}")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m portal.demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["serve", "smoke"], default="serve")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--directory", type=Path, default=BASE_DIR / ".demo")
    parser.add_argument("--json", type=Path, help="smoke: where to write the figures")
    return parser.parse_args(arguments)


def _end(sign: int, frame: FrameType | None) -> None:
    """The first Ctrl-C begins the end; more of them do not disturb it."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    _say("\nStopping …")
    raise KeyboardInterrupt


def _say(line: str, *, error: bool = False) -> None:
    # The terminal may be gone: that must not keep anything from being stopped.
    with suppress(OSError):
        stream = sys.stderr if error else sys.stdout
        stream.write(line + "\n")
        stream.flush()


if __name__ == "__main__":
    sys.exit(main())
