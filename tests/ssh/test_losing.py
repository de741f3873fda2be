"""A host that goes away, with and without a word: nobody waits longer than agreed."""

import io
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gpujobs.comfyui import StoredFile, Timeouts, Unreachable
from gpujobs.ssh import CommandFailed, ConnectionLost, connection
from tests.ssh.hosts import MEGABYTE, Host
from tests.ssh.openssh import OpenSSHServer

CONTENT = os.urandom(20 * MEGABYTE)
BRIEF = Timeouts(connect=1, answer=1, file=1)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


@pytest.fixture
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CHANNEL_TIMEOUT", 1.0)
    monkeypatch.setattr(connection, "SFTP_TIMEOUT", 1.0)


def wait_until(truth: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not truth():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.sshd
def test_a_server_killed_in_the_middle_of_a_download_is_a_loss(openssh: OpenSSHServer, openssh_host: Host) -> None:
    host = openssh_host
    with host.connect() as road:
        comfy = host.comfy(road)
        stored = comfy.upload("large.mp4", CONTENT)
        with comfy.view(stored) as download, within(5):
            next(download)
            openssh.kill()
            with pytest.raises(Unreachable, match="lost"):
                b"".join(download)
        assert not road.is_alive
        with pytest.raises(ConnectionLost):
            road.channel(host.comfy_port)
        with pytest.raises(Unreachable) as caught:
            comfy.queue()
        assert not caught.value.maybe_received


@pytest.mark.sshd
def test_a_server_killed_in_the_middle_of_an_sftp_transfer_is_a_loss(
    openssh: OpenSSHServer, openssh_host: Host
) -> None:
    class Killing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 5 * MEGABYTE:
                openssh.kill()
            return super().read(size)

    with openssh_host.connect() as road, within(5), pytest.raises(ConnectionLost):
        road.sftp().putfo(Killing(CONTENT), str(openssh_host.folder / "large"))


def test_a_cut_wire_ends_every_thread_that_waits(host: Host) -> None:
    with host.relayed() as (host, wire), host.connect() as road, within(10):
        errors: list[Exception] = []

        def wait_for_bytes() -> None:
            try:
                channel = road.channel(host.comfy_port)
                channel.recv(1)
            except OSError as error:
                errors.append(error)

        threads = [threading.Thread(target=wait_for_bytes) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        wire.cut()
        for thread in threads:
            thread.join(5)
        assert [type(error) for error in errors] == [ConnectionLost] * 4
        wait_until(lambda: not road.is_alive)


@pytest.mark.usefixtures("_brief")
def test_a_host_that_falls_silent_is_not_waited_for(host: Host) -> None:
    with host.relayed() as (host, wire), host.connect(timeout=1) as road:
        comfy = host.comfy(road, BRIEF)
        stored = comfy.upload("large.mp4", CONTENT)
        sftp = road.sftp()
        with comfy.view(stored) as download:
            next(download)
            wire.freeze()
            with within(5), pytest.raises(Unreachable):
                b"".join(download)
        with within(5), pytest.raises(Unreachable):
            comfy.queue()
        with within(5), pytest.raises(ConnectionLost):
            sftp.listdir(str(host.folder))
        with within(5), pytest.raises(ConnectionLost):
            road.sftp()
        with within(5), pytest.raises((CommandFailed, ConnectionLost)):
            road.run(["true"], timeout=1)
        wire.cut()


@pytest.mark.usefixtures("_brief")
def test_an_upload_into_silence_is_not_waited_for(host: Host) -> None:
    with host.relayed() as (host, wire), host.connect(timeout=1) as road:
        comfy = host.comfy(road, BRIEF)
        comfy.system_stats()
        wire.freeze()
        with within(10), pytest.raises(Unreachable):
            comfy.upload("large.mp4", CONTENT)
        wire.cut()


def test_an_answer_after_the_time_is_not_taken_for_another(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SFTP_TIMEOUT", 0.5)
    with host.relayed() as (host, wire), host.connect() as road:
        sftp = road.sftp()
        wire.freeze()
        with pytest.raises(ConnectionLost):
            sftp.listdir(str(host.folder))
        wire.thaw()
        (host.folder / "there").write_bytes(b"content")
        assert road.sftp() is not sftp
        assert "there" in road.sftp().listdir(str(host.folder))


def test_an_idle_connection_keeps_itself_alive(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "KEEPALIVE", 1)
    with host.relayed() as (host, wire), host.connect() as road:
        before = wire.bytes_from_client
        wait_until(lambda: wire.bytes_from_client > before)
        assert road.is_alive


def test_the_wire_gives_up_on_a_dead_host_and_delays_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []
    connect_tcp = connection.connect_tcp

    def remember(address: str, port: int, timeout: float) -> socket.socket:
        made.append(connect_tcp(address, port, timeout))
        return made[-1]

    monkeypatch.setattr(connection, "connect_tcp", remember)
    with host.connect():
        assert made[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert made[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == connection.SILENCE_MS


def test_a_closed_connection_opens_nothing(host: Host) -> None:
    road = host.connect()
    stored = StoredFile("any.png", "", "input")
    comfy = host.comfy(road)
    road.close()
    road.close()
    with pytest.raises(ConnectionLost):
        road.sftp()
    with pytest.raises(Unreachable), comfy.view(stored):
        pass
