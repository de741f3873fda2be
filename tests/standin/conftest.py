"""A stand-in host for a test, and the key that opens it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gpujobs.standin import Settings, StandinHost

Start = Callable[..., StandinHost]


@pytest.fixture
def client_key(tmp_path: Path) -> Path:
    key = asyncssh.generate_private_key("ssh-ed25519")
    path = tmp_path / "id"
    path.write_bytes(key.export_private_key())
    path.chmod(0o600)
    (tmp_path / "id.pub").write_bytes(key.export_public_key())
    return path


@pytest.fixture
def start(tmp_path: Path, client_key: Path) -> Iterator[Start]:
    """start(instances=1, **settings): a running host with its control routes on."""
    with ExitStack() as hosts:

        def begin(*, instances: int = 1, root: str = "host", **settings: Any) -> StandinHost:
            host = StandinHost(
                tmp_path / root,
                client_key.with_suffix(".pub"),
                instances=instances,
                settings=Settings(**{"step_seconds": 0.002, "control": True, **settings}),
            )
            return hosts.enter_context(host)

        yield begin
