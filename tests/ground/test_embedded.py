"""The servers of the demo and the tests: they keep their data, survive SIGKILL, and leave the machine as it was."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from portal import embedded
from portal.embedded import Postgres, ServerError, Valkey


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that any user may pass through, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="connectdream-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def _postgres(directory: Path) -> Postgres:
    return Postgres(directory / "postgres", durable=False)


def _pid(server: embedded._Server) -> int:
    assert server._process
    return server._process.pid


def _write_rows(url: str, rows: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (row int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, %s)", [rows])


def _rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row
    return int(row[0])


def test_postgresql_18_keeps_its_data_over_a_restart(directory: Path) -> None:
    with _postgres(directory) as server:
        _write_rows(server.url, 3)
    with _postgres(directory) as server, psycopg.connect(server.url) as connection:
        assert connection.info.server_version // 10000 == 18
        assert _rows(server.url) == 3


def test_valkey_keeps_its_data_over_a_restart(directory: Path) -> None:
    with Valkey(directory) as server, redis.Redis.from_url(server.url) as client:
        client.set("name", "김철수")
    with Valkey(directory) as server, redis.Redis.from_url(server.url) as client:
        assert client.get("name") == "김철수".encode()


def test_no_process_is_left_after_stopping(directory: Path) -> None:
    with _postgres(directory) as database, Valkey(directory / "valkey") as queue:
        started = [psutil.Process(_pid(server)) for server in (database, queue)]
        started += [child for process in started for child in process.children(recursive=True)]
        assert len(started) > 2
    assert not any(process.is_running() for process in started)


def test_postgresql_starts_again_after_its_own_kill_9(directory: Path) -> None:
    with Postgres(directory / "postgres") as server:
        _write_rows(server.url, 3)
        os.kill(_pid(server), signal.SIGKILL)
    with Postgres(directory / "postgres") as server:
        assert _rows(server.url) == 3


def test_both_start_again_after_a_kill_9_of_the_program_that_started_them(directory: Path) -> None:
    program = """
import sys
from portal.embedded import Postgres, Valkey
with Postgres(sys.argv[1] + "/postgres") as database, Valkey(sys.argv[1] + "/valkey") as queue:
    print(database.url, queue.url, flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", program, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        database_url, redis_url = parent.stdout.readline().split()
        _write_rows(database_url, 5)
        with redis.Redis.from_url(redis_url) as client:
            client.set("kept", "yes")
            client.execute_command("WAITAOF", 1, 0, 5000)
        parent.kill()
    with Postgres(directory / "postgres") as database, Valkey(directory / "valkey") as queue:
        assert _rows(database.url) == 5
        with redis.Redis.from_url(queue.url) as client:
            assert client.get("kept") == b"yes"


def test_a_stale_process_id_that_now_belongs_to_someone_else_is_no_obstacle(directory: Path) -> None:
    with _postgres(directory) as server:
        note = directory / "postgres" / "data" / "postmaster.pid"
        written = note.read_text()
    note.write_text(written.replace(written.split("\n", 1)[0], str(os.getpid()), 1))
    with _postgres(directory) as server:
        assert psycopg.connect(server.url).closed == 0


def test_a_second_run_in_the_same_directory_is_refused_in_a_sentence(directory: Path) -> None:
    with Valkey(directory), pytest.raises(ServerError, match="in use by another run"), Valkey(directory):
        pass


def test_no_user_is_made_and_no_directory_is_opened(tmp_path: Path) -> None:
    """The wheel's own wrapper does both as root; a directory that only root may enter shows it."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    # The file itself, not a look-up: a user made in it would show.
    users, modes = Path("/etc/passwd").read_bytes(), _modes(closed)
    try:
        with _postgres(closed) as server:
            _write_rows(server.url, 1)
            owner = psutil.Process(_pid(server)).username()
        with _postgres(closed) as server:
            assert _rows(server.url) == 1
        assert Path("/etc/passwd").read_bytes() == users
        assert _modes(closed) == modes
        assert owner in ({"postgres", "nobody"} if os.geteuid() == 0 else {pwd.getpwuid(os.geteuid()).pw_name})
    finally:
        note = closed / "postgres" / "elsewhere"
        if note.exists():
            shutil.rmtree(note.read_text())


def _modes(directory: Path) -> dict[Path, int]:
    return {path: stat.S_IMODE(path.stat().st_mode) for path in (directory, *directory.parents)}


def test_a_socket_path_too_long_for_the_system_is_put_elsewhere(directory: Path) -> None:
    deep = directory / ("long-" * 12) / ("longer-" * 9)
    with Valkey(deep) as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()
        borrowed = server._socket.parent
        assert deep not in borrowed.parents
    assert not borrowed.exists()


def test_a_platform_without_a_wheel_is_told_what_to_set(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ServerError, match="set DATABASE_URL to a server of your own"), _postgres(directory):
        pass
    with pytest.raises(ServerError, match="set REDIS_URL to a server of your own"), Valkey(directory):
        pass


def test_a_full_disk_is_said_in_a_sentence(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = directory / "wheel" / "pginstall18"
    (programs / "bin").mkdir(parents=True)
    for name in ("initdb", "postgres"):
        program = programs / "bin" / name
        program.write_text("#!/bin/sh\necho 'could not write file: No space left on device' >&2\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setattr(embedded, "_postgres_programs", lambda: programs)
    with pytest.raises(ServerError, match=r"^The disk that holds .* is full; make room and start again\.$"):
        _postgres(directory).__enter__()
