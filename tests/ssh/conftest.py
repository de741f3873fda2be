from collections.abc import Iterator
from pathlib import Path

import pytest

from gpujobs.ssh import Target
from gpujobs.standin.host import StandinHost
from tests.ssh.hosts import Host, file_server
from tests.ssh.openssh import OpenSSHServer, free_port, make_key


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the private keys `ed25519`, `rsa`, `ecdsa`, `locked` (passphrase "열쇠 1") and `stranger`."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ed25519", "rsa", "ecdsa", "stranger"):
        make_key(folder / name, "ed25519" if name == "stranger" else name)
    make_key(folder / "locked", passphrase="열쇠 1")
    return folder


@pytest.fixture(scope="session")
def authorized(keys: Path) -> list[str]:
    return [(keys / f"{name}.pub").read_text().strip() for name in ("ed25519", "rsa", "ecdsa", "locked")]


@pytest.fixture
def openssh(tmp_path: Path, authorized: list[str]) -> Iterator[OpenSSHServer]:
    """A real sshd with a file server behind it, the only port that it forwards to besides a closed one."""
    root = tmp_path / "sshd"
    root.mkdir()
    with file_server() as port, OpenSSHServer(root, authorized, [port, free_port()]) as server:
        yield server


@pytest.fixture
def openssh_host(openssh: OpenSSHServer, keys: Path, tmp_path: Path) -> Host:
    return Host(
        target=openssh.target(keys / "ed25519"),
        comfy_port=openssh.permit_open[0],
        closed_port=openssh.permit_open[1],
        folder=tmp_path,
    )


@pytest.fixture
def standin_host(tmp_path: Path, authorized: list[str], keys: Path) -> Iterator[Host]:
    """The stand-in's SSH server with one of its instances behind it."""
    (tmp_path / "authorized_keys").write_text("\n".join(authorized))
    closed = free_port()
    with StandinHost(
        tmp_path / "standin", tmp_path / "authorized_keys", instances=1, further_ports=[closed]
    ) as standin:
        yield Host(
            target=Target(
                address="127.0.0.1",
                port=standin.ssh_port,
                username=standin.username,
                host_key=standin.host_key,
                key_path=str(keys / "ed25519"),
            ),
            comfy_port=standin.instances[0].port,
            closed_port=closed,
            folder=standin.instances[0].folders.input,
        )


@pytest.fixture(params=[pytest.param("openssh_host", marks=pytest.mark.sshd), "standin_host"])
def host(request: pytest.FixtureRequest) -> Host:
    """Every host that plays an SSH server: what holds for one holds for the other."""
    played: Host = request.getfixturevalue(request.param)
    return played
