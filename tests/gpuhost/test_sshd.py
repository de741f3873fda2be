"""What the portal's key may do on a host that was set up with deploy/gpu-host/, tried on a real sshd."""

import io
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import paramiko
import pytest

from gpujobs import hosts, queueing
from gpujobs.looking import Gpu, disk_free_mb, gpus_of
from gpujobs.models import Attempt, GpuHost, Job
from gpujobs.ssh import ChannelRefused, HostConnection, Target
from gpujobs.standin import StandinHost
from tests.gpuhost.test_lists import HOST
from tests.gpujobs.fleet import QUICK, Fleet, ended, wait_until
from tests.gpujobs.making import a_job
from tests.ssh.openssh import OpenSSHServer, free_port, make_key

pytestmark = pytest.mark.sshd

AROUND = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {root}/host_key
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
Subsystem sftp /usr/lib/openssh/sftp-server
SetEnv PATH={root}/bin:/usr/bin:/bin
LogLevel VERBOSE
Include {root}/portal.conf
"""
PROGRAMS = {
    "nvidia-smi": 'echo "0, NVIDIA A10G, 23028"; echo "1, NVIDIA A10G, 23028"',
    "sudo": "printf '%s\\n' \"$*\"",
    "logger": ":",
}
OPEN_PORTS = range(8188, 8196)


@contextmanager
def a_host(root: Path, ports: list[int] | None = None) -> Iterator[Target]:
    """An sshd with our drop-in. With ``ports`` those are forwarded to in the place of ComfyUI's own."""
    server = OpenSSHServer(root, [make_key(root / "key")])
    rules = (HOST / "sshd-portal.conf").read_text()
    for ours, here in {
        "Match User gpu": f"Match User {server.username}",
        "/etc/ssh/portal_keys/%u": f"{root}/authorized_keys",
        "/usr/local/lib/portal-gate": str(HOST / "portal-gate"),
    }.items():
        assert rules.count(ours) == 1
        rules = rules.replace(ours, here)
    if ports:
        open_ports = " ".join(f"127.0.0.1:{port}" for port in OPEN_PORTS)
        assert open_ports in rules
        rules = rules.replace(open_ports, " ".join(f"127.0.0.1:{port}" for port in ports))
    (root / "portal.conf").write_text(rules)
    (root / "sshd_config").write_text(AROUND.format(port=server.port, root=root))
    (root / "bin").mkdir()
    for name, script in PROGRAMS.items():
        program = root / "bin" / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    with server:
        yield server.target(root / "key")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[HostConnection]:
    with a_host(tmp_path) as target, HostConnection.open(target) as connection:
        yield connection


def listening() -> socket.socket:
    """On one of ComfyUI's ports, whichever is free here."""
    for port in OPEN_PORTS:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            continue
    raise RuntimeError("all of ComfyUI's ports are taken on this machine")


def test_comfyuis_ports_are_open_and_no_others(connection: HostConnection) -> None:
    with listening() as server:
        port = server.getsockname()[1]
        channel = connection.channel(port)
        accepted, _ = server.accept()
        with accepted:
            channel.sendall(b"hello")
            assert accepted.recv(5) == b"hello"
    for closed in (22, 5432, 8187, 8196, free_port()):
        with pytest.raises(ChannelRefused, match="prohibited"):
            connection.channel(closed)


def test_nothing_else_is_forwarded(connection: HostConnection) -> None:
    transport = connection._transport
    with pytest.raises(paramiko.ChannelException):
        transport.open_channel("direct-tcpip", ("localhost.localdomain", 8188), ("127.0.0.1", 0), timeout=5)
    with pytest.raises(paramiko.SSHException):
        transport.request_port_forward("127.0.0.1", 0)


def test_the_portal_learns_what_it_asks(connection: HostConnection, tmp_path: Path) -> None:
    assert gpus_of(connection) == [
        Gpu(index=0, name="NVIDIA A10G", memory_mb=23028),
        Gpu(index=1, name="NVIDIA A10G", memory_mb=23028),
    ]
    assert (disk_free_mb(connection, str(tmp_path)) or 0) > 0


def test_the_restart_command_of_the_guide_runs_and_names_one_unit(connection: HostConnection) -> None:
    guide = (HOST / "README.md").read_text(encoding="utf-8")
    assert '--restart "sudo -n systemctl restart comfyui@{index}.service"' in guide
    finished = connection.run(["sudo", "-n", "systemctl", "restart", "comfyui@1.service"], timeout=10)
    assert finished.stdout == "-n /usr/bin/systemctl restart comfyui@1.service\n"


@pytest.mark.parametrize(
    "command",
    [
        ["id"],
        ["sh", "-c", "id"],
        ["nvidia-smi"],
        ["nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits", "-L"],
        ["df", "-B1", "--output=avail", "/tmp; id"],
        ["df", "-B1", "--output=avail", "/tmp", "/etc"],
        ["df", "-B1", "--output=avail", "/$(id)"],
        ["sudo", "-n", "systemctl", "restart", "ssh.service"],
        ["sudo", "-n", "systemctl", "restart", "comfyui@1.service", "ssh.service"],
        ["sudo", "-n", "systemctl", "stop", "comfyui@1.service"],
        ["scp", "-t", "/tmp"],
        ["/usr/lib/openssh/sftp-server", "-d", "/"],
    ],
)
def test_any_other_command_is_refused(connection: HostConnection, command: list[str]) -> None:
    finished = connection.run(command, timeout=10)
    assert (finished.rc, finished.stdout) == (126, "")
    assert "may not" in finished.stderr


def test_there_is_no_shell_and_no_terminal(connection: HostConnection) -> None:
    channel = connection._transport.open_session(timeout=5)
    with pytest.raises(paramiko.SSHException):
        channel.get_pty()
    channel = connection._transport.open_session(timeout=5)
    channel.invoke_shell()
    assert channel.recv_exit_status() == 126


def test_files_can_be_found_and_removed_and_neither_read_nor_written(
    connection: HostConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "portal" / "attempt"
    folder.mkdir(parents=True)
    (folder / "photo.png").write_bytes(b"a face")
    sftp = connection.sftp()
    assert sftp.listdir(str(folder)) == ["photo.png"]
    assert sftp.stat(str(folder / "photo.png")).st_size == 6
    with pytest.raises(PermissionError):
        sftp.open(str(folder / "photo.png"))
    for forbidden in (
        lambda: sftp.putfo(io.BytesIO(b"x"), str(folder / "new")),
        lambda: sftp.rename(str(folder / "photo.png"), str(folder / "other.png")),
        lambda: sftp.mkdir(str(folder / "sub")),
        lambda: sftp.chmod(str(folder), 0o777),
        lambda: sftp.symlink("/etc", str(folder / "link")),
    ):
        with pytest.raises(PermissionError):
            forbidden()
    sftp.remove(str(folder / "photo.png"))
    sftp.rmdir(str(folder))
    assert not folder.exists()


def test_many_threads_have_their_sessions_at_once(connection: HostConnection) -> None:
    with ExitStack() as closing:
        channels = [connection._transport.open_session(timeout=10) for _ in range(40)]
        for channel in channels:
            closing.callback(channel.close)
            channel.invoke_subsystem("sftp")
        assert len(channels) == 40


@pytest.mark.django_db(transaction=True)
def test_a_portrait_is_made_through_it_and_nothing_stays(tmp_path: Path, settings: object) -> None:
    settings.GPUJOBS_MAY_RUN = "tests.gpujobs.making.everybody_may"  # type: ignore[attr-defined]
    (tmp_path / "sshd").mkdir()
    public = tmp_path / "standin.pub"
    public.write_text(make_key(tmp_path / "standin_key"))
    with StandinHost(tmp_path / "host", public, instances=1, settings=QUICK) as standin:
        port = standin.instances[0].port
        with a_host(tmp_path / "sshd", [port]) as target:
            host = GpuHost(
                name="hardened",
                address=target.address,
                port=target.port,
                username=target.username,
                host_key=target.host_key,
                key_path=target.key_path,
            )
            restart = "sudo -n systemctl restart comfyui@{index}.service"
            (instance,) = hosts.add(host, [port], restart=restart)
            fleet = Fleet(standin, host, [instance])
            job = a_job("portrait")
            queueing.submit([job])
            with fleet.driven():
                wait_until(ended(job), 90)
                wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
            assert Job.objects.get().state == "succeeded"
            assert fleet.residue() == []
            assert hosts.restart(instance).stdout == "-n /usr/bin/systemctl restart comfyui@0.service\n"
