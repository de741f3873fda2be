"""The stand-in says what ComfyUI 0.2.4 said, recording by recording."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest

from gpujobs.standin import StandinHost

from . import replaying
from .conftest import Start
from .talking import Comfy

# Recorded with a CogVideoX wrapper whose nodes are not the ones that the host has.
OTHER_NODES = {"0.2.4-seed-VideoWork-cogvideox-2024-11-27"}
# The recorded server had these as empty files.
BROKEN = {
    "DreamShaperXL-v2_1-turboDPMSDE.safetensors",
    "boltningRealistic_hyperD.safetensors",
    "film_net_fp32.pt",
    "THUDM/CogVideoX-5b-I2V",
}


@pytest.mark.parametrize("name", [name for name in replaying.names() if name not in OTHER_NODES])
def test_it_answers_as_recorded(name: str, start: Start, client_key: Path) -> None:
    host = start(
        load_seconds=0.4,
        node_seconds={"ImageBlur": 0.6},
        broken_models=frozenset(BROKEN) if "-seed-" in name else frozenset(),
    )
    instance = host.instances[0]
    with tunnel(host, client_key) if "-ssh-" in name else here(instance.port) as port, Comfy(port) as comfy:
        replaying.Replay(replaying.load(name), instance, comfy).run()


@contextmanager
def here(port: int) -> Iterator[int]:
    yield port


@contextmanager
def tunnel(host: StandinHost, client_key: Path) -> Iterator[int]:
    """A local port that leads to the first instance through SSH."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def connect() -> tuple[asyncssh.SSHClientConnection, asyncssh.SSHListener]:
        known = asyncssh.import_known_hosts(f"[127.0.0.1]:{host.ssh_port} {host.host_key}\n")
        connection = await asyncssh.connect(
            "127.0.0.1", host.ssh_port, username=host.username, client_keys=[str(client_key)], known_hosts=known
        )
        return connection, await connection.forward_local_port("127.0.0.1", 0, "127.0.0.1", host.instances[0].port)

    async def leave(connection: asyncssh.SSHClientConnection) -> None:
        connection.close()
        await connection.wait_closed()

    connection, listener = asyncio.run_coroutine_threadsafe(connect(), loop).result(10)
    yield listener.get_port()
    asyncio.run_coroutine_threadsafe(leave(connection), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()
