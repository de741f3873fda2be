"""Real RQ workers as processes of their own, as `manage.py rqworker` starts them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
from django.conf import settings as django_settings

from gpujobs import tasks

ROOT = Path(__file__).resolve().parents[1]


def database_url() -> str:
    """The test's own database, as a process outside must name it."""
    db = django_settings.DATABASES["default"]
    options = urlencode({"host": db["HOST"], **({"port": db["PORT"]} if db["PORT"] else {})})
    user = quote(db["USER"]) + (f":{quote(db['PASSWORD'])}" if db["PASSWORD"] else "")
    return f"postgresql://{user}@/{db['NAME']}?{options}"


@contextmanager
def worker(queue: str = "gpu", *, settings: str = "portal.settings") -> Iterator["subprocess.Popen[bytes]"]:
    """A worker of one queue; asked to stop when the block ends, and gone after it."""
    environment = os.environ | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": settings}
    process = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), "rqworker", queue], env=environment, cwd=ROOT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            # How soon it stops is asked where that is the question; a disk that stalls is none of a test's faults.
            process.wait(timeout=120)


def horse_of(process: "subprocess.Popen[bytes]") -> psutil.Process:
    (horse,) = psutil.Process(process.pid).children()
    return horse


def reconcile_until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    """What rq cron does every ten seconds, more often."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        tasks.reconcile()
        time.sleep(0.5)
