"""What goes through a connection: HTTP, files, commands, several threads at once."""

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gpujobs.comfyui import Unreachable
from gpujobs.ssh import ChannelRefused, CommandFailed, HostConnection
from tests.comfyui import replay
from tests.comfyui.conversation import Conversation
from tests.comfyui.replay import Replay
from tests.ssh.hosts import MEGABYTE, Host
from tests.ssh.openssh import OpenSSHServer

CONTENT = os.urandom(5 * MEGABYTE)


@pytest.mark.sshd
@pytest.mark.parametrize("name", ["0.2.4-ksampler_progress", "0.2.4-upload_cases", "0.3.64-server_killed_midjob"])
def test_a_conversation_with_its_websocket_goes_through(
    name: str, tmp_path: Path, authorized: list[str], keys: Path
) -> None:
    with Replay(replay.load(name)) as server:
        port = int(server.url.rpartition(":")[2])
        with OpenSSHServer(tmp_path, authorized, [port]) as sshd:
            connection = HostConnection.open(sshd.target(keys / "ed25519"))
            with connection, Conversation(server, connection.http(port), partial(connection.channel, port)) as talk:
                talk.play_all()


def test_requests_share_one_channel(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    channel = HostConnection.channel
    monkeypatch.setattr(HostConnection, "channel", lambda self, port: opened.append(port) or channel(self, port))
    with host.connect() as connection:
        comfy = host.comfy(connection)
        for _ in range(5):
            comfy.system_stats()
    assert opened == [host.comfy_port]


def test_a_turn_is_not_held_up(host: Host) -> None:
    turns = []
    with host.connect() as connection:
        comfy = host.comfy(connection)
        for _ in range(20):
            started = time.monotonic()
            comfy.system_stats()
            turns.append(time.monotonic() - started)
    # Where Nagle's algorithm meets delayed acknowledgements, each takes 40 ms and more.
    assert min(turns) < 0.03


def test_proxies_of_the_environment_are_passed_by(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with host.connect() as connection:
        host.comfy(connection).system_stats()


def test_four_threads_carry_20_megabytes_each_way_at_once(host: Host) -> None:
    started = time.monotonic()
    with host.connect() as connection, ThreadPoolExecutor(4) as threads:
        comfy = host.comfy(connection)

        def there_and_back(number: int) -> bool:
            stored = comfy.upload(f"photo-{number}.png", io.BytesIO(CONTENT))
            with comfy.view(stored) as download:
                return b"".join(download) == CONTENT

        assert all(threads.map(there_and_back, range(4)))
    assert time.monotonic() - started < 30


def test_files_are_carried_by_sftp_from_several_threads(host: Host) -> None:
    with host.connect() as connection, ThreadPoolExecutor(3) as threads:

        def there_and_back(number: int) -> bool:
            path = str(host.folder / f"file-{number}")
            connection.sftp().putfo(io.BytesIO(CONTENT), path)
            back = io.BytesIO()
            connection.sftp().getfo(path, back, max_concurrent_prefetch_requests=64)
            connection.sftp().remove(path)
            with pytest.raises(FileNotFoundError):
                connection.sftp().stat(path)
            return back.getvalue() == CONTENT

        assert all(threads.map(there_and_back, range(3)))


def test_a_thread_keeps_its_sftp_client_and_gets_another_once_it_is_closed(host: Host) -> None:
    with host.connect() as connection:
        first = connection.sftp()
        assert connection.sftp() is first
        first.close()
        assert connection.sftp() is not first
        assert connection.sftp().listdir(str(host.folder)) is not None


def test_a_port_where_nothing_listens_is_refused(host: Host) -> None:
    with host.connect() as connection:
        with pytest.raises(ChannelRefused, match=str(host.closed_port)) as caught:
            connection.channel(host.closed_port)
        assert caught.value.port == host.closed_port
        assert connection.is_alive


def test_a_port_that_is_not_ours_is_refused(host: Host) -> None:
    with host.connect() as connection, pytest.raises(ChannelRefused):
        connection.channel(22)


def test_a_comfyui_that_is_down_is_unreachable_while_its_host_is_not(host: Host) -> None:
    with host.connect() as connection:
        comfy = replace(host, comfy_port=host.closed_port).comfy(connection)
        with pytest.raises(Unreachable) as caught:
            comfy.system_stats()
        assert not caught.value.maybe_received
        with pytest.raises(Unreachable):
            comfy.follow("c")
        assert connection.is_alive


@pytest.mark.sshd
class TestCommands:
    def test_a_command_ends_with_its_status_and_both_outputs(self, openssh_host: Host) -> None:
        with openssh_host.connect() as connection:
            finished = connection.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=10)
        assert (finished.rc, finished.stdout, finished.stderr) == (3, "out\n", "err\n")

    def test_an_argument_is_never_a_shell_word(self, openssh_host: Host) -> None:
        with openssh_host.connect() as connection:
            assert connection.run(["echo", "$HOME; 영정 'a' \"b\""], timeout=10).stdout == "$HOME; 영정 'a' \"b\"\n"

    def test_a_command_without_end_is_given_up(self, openssh_host: Host) -> None:
        started = time.monotonic()
        with openssh_host.connect() as connection:
            with pytest.raises(CommandFailed, match="sleep did not end"):
                connection.run(["sleep", "30"], timeout=1)
            assert connection.is_alive
        assert time.monotonic() - started < 10

    def test_endless_output_is_cut_and_does_not_block(self, openssh_host: Host) -> None:
        with openssh_host.connect() as connection:
            finished = connection.run(["head", "-c", "5000000", "/dev/zero"], timeout=20)
        assert (finished.rc, len(finished.stdout)) == (0, MEGABYTE)


def test_the_standin_answers_a_command_too(standin_host: Host) -> None:
    with standin_host.connect() as connection:
        finished = connection.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], timeout=10)
        assert (finished.rc, finished.stdout) == (0, "NVIDIA L4\n")
        assert connection.run(["no-such-command"], timeout=10).rc == 127
