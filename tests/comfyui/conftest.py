import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from gpujobs.comfyui import ComfyUI
from gpujobs.ssh import HostConnection, Target
from gpujobs.standin.host import StandinHost
from tests.ssh.openssh import OpenSSHServer, make_key

# A real ComfyUI to hold the client against, with any checkpoint that fits EmptySD3LatentImage in its models folder.
REAL = os.environ.get("COMFYUI_URL")

ROADS = ["standin through its ssh"]
if REAL:
    ROADS += ["real", "real through sshd"]


@pytest.fixture(scope="module", params=ROADS)
def comfy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyUI]:
    """Every ComfyUI at hand, by every road to it."""
    folder = tmp_path_factory.mktemp("road")
    with ExitStack() as closing:
        if request.param == "real":
            session = closing.enter_context(requests.Session())
            session.trust_env = False
            yield ComfyUI(REAL or "", session)
            return
        public = make_key(folder / "key")
        if request.param == "real through sshd":
            port = urlsplit(REAL or "").port or 80
            target = closing.enter_context(OpenSSHServer(folder, [public], [port])).target(folder / "key")
        else:
            target, port = standin(closing, folder, public)
        connection = closing.enter_context(HostConnection.open(target))
        yield ComfyUI(f"http://127.0.0.1:{port}", connection.http(port), partial(connection.channel, port))


def standin(closing: ExitStack, folder: Path, public: str) -> tuple[Target, int]:
    (folder / "authorized_keys").write_text(public)
    host = closing.enter_context(StandinHost(folder / "host", folder / "authorized_keys", instances=1))
    target = Target(
        address="127.0.0.1",
        port=host.ssh_port,
        username=host.username,
        host_key=host.host_key,
        key_path=str(folder / "key"),
    )
    return target, host.instances[0].port
