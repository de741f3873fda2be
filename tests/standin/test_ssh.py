"""The stand-in's SSH server: who gets in, and to what."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest

from gpujobs.standin import StandinHost

from .conftest import Start

Errand = Callable[[asyncssh.SSHClientConnection], Awaitable[None]]


def run(host: StandinHost, key: Path, errand: Errand, *, username: str = "gpu") -> None:
    async def go() -> None:
        known = asyncssh.import_known_hosts(f"[127.0.0.1]:{host.ssh_port} {host.host_key}\n")
        async with asyncssh.connect(
            "127.0.0.1", host.ssh_port, username=username, client_keys=[str(key)], known_hosts=known
        ) as connection:
            await errand(connection)

    asyncio.run(go())


async def nothing(connection: asyncssh.SSHClientConnection) -> None:
    pass


def test_the_right_key_opens_it(start: Start, client_key: Path) -> None:
    run(start(), client_key, nothing)


def test_it_keeps_its_host_key_over_a_restart(start: Start) -> None:
    assert start().host_key == start().host_key
    assert start().host_key != start(root="another").host_key


def test_an_unknown_key_is_refused(start: Start, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    stranger.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    stranger.chmod(0o600)
    with pytest.raises(asyncssh.PermissionDenied):
        run(start(), stranger, nothing)


def test_another_user_is_refused(start: Start, client_key: Path) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        run(start(), client_key, nothing, username="root")


def test_a_password_is_not_asked_for(start: Start) -> None:
    host = start()

    async def go() -> None:
        await asyncssh.connect(
            "127.0.0.1", host.ssh_port, username="gpu", password="x", client_keys=None, known_hosts=None
        )

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(go())


def test_a_tunnel_reaches_each_instance(start: Start, client_key: Path) -> None:
    host = start(instances=2)

    async def errand(connection: asyncssh.SSHClientConnection) -> None:
        for instance in host.instances:
            reader, writer = await connection.open_connection("127.0.0.1", instance.port)
            writer.write(b"GET /prompt HTTP/1.0\r\n\r\n")
            assert b"queue_remaining" in await reader.read()

    run(host, client_key, errand)


@pytest.mark.parametrize("target", ["127.0.0.1", "example.invalid"])
def test_a_tunnel_reaches_nothing_else(target: str, start: Start, client_key: Path) -> None:
    host = start()

    async def errand(connection: asyncssh.SSHClientConnection) -> None:
        with pytest.raises(asyncssh.ChannelOpenError) as refusal:
            await connection.open_connection(target, host.ssh_port)
        assert refusal.value.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED

    run(host, client_key, errand)


def test_a_tunnel_to_an_instance_that_is_down_is_refused_by_its_port(start: Start, client_key: Path) -> None:
    host = start()
    host.instances[0].kill()

    async def errand(connection: asyncssh.SSHClientConnection) -> None:
        with pytest.raises(asyncssh.ChannelOpenError) as refusal:
            await connection.open_connection("127.0.0.1", host.instances[0].port)
        assert refusal.value.code == asyncssh.OPEN_CONNECT_FAILED

    run(host, client_key, errand)


def test_nothing_may_listen_on_the_host(start: Start, client_key: Path) -> None:
    async def errand(connection: asyncssh.SSHClientConnection) -> None:
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 9)

    run(start(), client_key, errand)


def test_files_have_the_absolute_paths_that_the_instance_tells(start: Start, client_key: Path) -> None:
    host = start()
    argv = host.instances[0].argv
    output = argv[argv.index("--output-directory") + 1]
    (host.instances[0].folders.output / "a.png").write_bytes(b"picture")

    async def errand(connection: asyncssh.SSHClientConnection) -> None:
        async with connection.start_sftp_client() as files:
            assert "a.png" in await files.listdir(output)
            async with files.open(f"{output}/a.png", "rb") as file:
                assert await file.read() == b"picture"
            await files.remove(f"{output}/a.png")
            await files.mkdir(f"{output}/portal")
            await files.rmdir(f"{output}/portal")
            assert (await files.statvfs(output)).bavail > 0

    run(host, client_key, errand)
    assert not (host.instances[0].folders.output / "a.png").exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../../../etc/passwd", "ssh_host_ed25519_key"])
def test_files_outside_the_host_are_out_of_reach(path: str, start: Start, client_key: Path) -> None:
    async def errand(connection: asyncssh.SSHClientConnection) -> None:
        async with connection.start_sftp_client() as files:
            with pytest.raises((asyncssh.SFTPPermissionDenied, asyncssh.SFTPNoSuchFile)):
                async with files.open(path, "rb") as file:
                    await file.read()

    run(start(), client_key, errand)


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("nvidia-smi --query-gpu=index,name,memory.total --format=csv,noheader,nounits", 0, "1, NVIDIA L4, 23034\n"),
        ("nvidia-smi --query-gpu=memory.free --format=csv,noheader", 0, "22576 MiB\n"),
        ("nvidia-smi --query-gpu=colour --format=csv", 2, "is not a valid field to query"),
        ("df -B1 --output=avail,size /", 0, "Avail 1B-blocks\n"),
        ("df -P", 0, "Filesystem 1K-blocks Used Available Use% Mounted on\n"),
        ("cat /etc/passwd", 127, ""),
        ("df; id", 127, ""),
        ("nvidia-smi", 127, ""),
    ],
)
def test_it_answers_two_commands_and_no_other(
    command: str, status: int, said: str, start: Start, client_key: Path
) -> None:
    async def errand(connection: asyncssh.SSHClientConnection) -> None:
        result = await connection.run(command)
        assert result.exit_status == status
        assert said in str(result.stdout)

    run(start(instances=2), client_key, errand)


def test_it_gives_no_shell(start: Start, client_key: Path) -> None:
    async def errand(connection: asyncssh.SSHClientConnection) -> None:
        result = await connection.run(None)
        assert result.exit_status == 1
        assert "no shell" in str(result.stderr)

    run(start(), client_key, errand)


def test_connections_can_be_cut(start: Start, client_key: Path) -> None:
    host = start()

    async def errand(connection: asyncssh.SSHClientConnection) -> None:
        await asyncio.to_thread(host.cut_connections)
        await asyncio.wait_for(connection.wait_closed(), 5)

    run(host, client_key, errand)
