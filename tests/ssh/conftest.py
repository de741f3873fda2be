from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture(params=[pytest.param("openssh", marks=pytest.mark.sshd)])
def host(request: pytest.FixtureRequest, keys: Path, tmp_path: Path) -> Host:
    openssh: OpenSSHServer = request.getfixturevalue("openssh")
    return host_of(openssh, keys, tmp_path)


def host_of(server: OpenSSHServer, keys: Path, folder: Path) -> Host:
    return Host(
        target=server.target(keys / "ed25519"),
        comfy_port=server.permit_open[0],
        closed_port=server.permit_open[1],
        folder=folder,
    )
