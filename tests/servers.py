"""PostgreSQL, Valkey and the environment of a test run, ready before Django reads its settings.

A plugin (``-p tests.servers`` in pyproject.toml) rather than a conftest: pytest-django reads the settings first.
With pytest-xdist the controller starts the servers once and its workers inherit their addresses.
A DATABASE_URL or REDIS_URL in the environment is used instead; from that Redis server, databases 1 and up are flushed.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from portal.demo import certificates
from portal.embedded import Postgres, ServerError, Valkey

_running = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    try:
        if worker is None:
            _start()
    except ServerError as error:
        raise pytest.UsageError(str(error)) from error
    number = 1 if worker is None else 2 + int(worker.removeprefix("gw"))
    os.environ["REDIS_URL"] = _with_database(os.environ["REDIS_URL"], number)
    os.environ["STORAGE_ROOT"] = str(Path(os.environ["TEST_DIRECTORY"]) / f"files-{worker or 'only'}")
    try:
        return (yield)
    except BaseException:  # the run ends here, and pytest_unconfigure is not called
        _running.close()
        raise


def pytest_unconfigure() -> None:
    _running.close()


def _start() -> None:
    # Not pytest's own temporary directory: as root, PostgreSQL's user must be able to enter this one.
    directory = Path(tempfile.mkdtemp(prefix="connectdream-test-"))
    directory.chmod(0o711)
    _running.callback(shutil.rmtree, directory, ignore_errors=True)
    os.environ["TEST_DIRECTORY"] = str(directory)
    # WhiteNoise warns in every test when what it serves from is not there.
    (directory / "static").mkdir()
    certificates.write(directory / "c2pa.pem", directory / "c2pa.key")
    if "DATABASE_URL" not in os.environ:
        database = _running.enter_context(Postgres(directory / "postgres", durable=False))
        os.environ["DATABASE_URL"] = database.url
    if "REDIS_URL" not in os.environ:
        os.environ["REDIS_URL"] = _running.enter_context(Valkey(directory / "valkey", durable=False)).url
    os.environ |= {
        "SECRET_KEY": "only for tests",
        "HTTPS": "no",
        "SECOND_FACTOR_REQUIRED": "no",
        "DEBUG": "no",
        "SITE_URL": "http://testserver",
        "STATIC_ROOT": str(directory / "static"),
        "C2PA_CERTIFICATE_FILE": str(directory / "c2pa.pem"),
        "C2PA_KEY_FILE": str(directory / "c2pa.key"),
        "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
    }


def _with_database(url: str, number: int) -> str:
    """The same server, another of its numbered databases; ``db`` in the query wins over a number in the path."""
    address, _, query = url.partition("?")
    return f"{address}?{urlencode(dict(parse_qsl(query)) | {'db': number})}"
