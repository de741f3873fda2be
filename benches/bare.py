"""What a program can do that has nothing but a websocket, and what the seed's page did: the measures to go by."""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import requests

from benches.house import Standin
from benches.recipe import PORTRAIT, Recipe
from gpujobs.comfyui import ComfyUI, Executing, Follower
from gpujobs.ssh import HostConnection, Target

SEED_POLL_SECONDS = 10.0


@dataclass
class Served:
    """By prompt id, epoch seconds: when it was asked for, when its result's last byte was in hand."""

    asked: dict[str, float] = field(default_factory=dict)
    in_hand: dict[str, float] = field(default_factory=dict)
    # Its own, below the input directory of the host.
    folder: str = ""


class Work:
    """So many jobs, no two alike, for as many clients as want to share them."""

    def __init__(self, count: int, recipe: Recipe = PORTRAIT) -> None:
        # On the host, right in its output directory: with it everything of ours can be removed.
        self.folder, self._recipe = f"bench-{uuid4().hex}", recipe
        self._seeds = iter(range(1, count + 1))
        self._lock = threading.Lock()

    def next_graph(self, photo: str) -> dict[str, object] | None:
        with self._lock:
            seed = next(self._seeds, None)
        if seed is None:
            return None
        return self._recipe.graph(seed, photo, f"{self.folder}/{seed}")


@contextmanager
def over_ssh(standin: Standin, round_trip: int) -> Iterator[HostConnection]:
    target = Target(
        address=standin.address,
        port=standin.wires[round_trip],
        username=standin.username,
        host_key=standin.host_key,
        key_path=str(standin.key_path),
    )
    with HostConnection.open(target) as connection:
        yield connection


def through(connection: HostConnection, port: int) -> ComfyUI:
    return ComfyUI(f"http://127.0.0.1:{port}", connection.http(port), lambda: connection.channel(port))


def straight(port: int) -> ComfyUI:
    session = requests.Session()
    session.trust_env = False
    return ComfyUI(f"http://127.0.0.1:{port}", session)


def keep_ahead(comfy: ComfyUI, work: Work, picture: bytes, *, ahead: int) -> Served:
    """Keep so many prompts waiting behind the one that runs; results come home on a thread of their own.

    With ``ahead`` 0 the next is sent once the one before is in hand.
    """
    client = uuid4().hex
    served = Served(folder=client)
    photo = f"{client}/photo.png"
    comfy.upload("photo.png", picture, subfolder=client)
    ended: queue.Queue[str | None] = queue.Queue()

    def send() -> bool:
        graph = work.next_graph(photo)
        if graph is None:
            return False
        asked_at = time.time()
        served.asked[comfy.prompt(graph, client_id=client, extra_data={}).prompt_id] = asked_at
        return True

    def collect() -> None:
        while prompt_id := ended.get():
            fetch(comfy, prompt_id, served)

    with comfy.follow(client) as follower:
        collector = threading.Thread(target=collect)
        collector.start()
        waiting = sum(send() for _ in range(1 + ahead))
        for prompt_id in _ends(follower):
            if not ahead:
                fetch(comfy, prompt_id, served)
            waiting += send() - 1
            if ahead:
                ended.put(prompt_id)
            if not waiting:
                break
        ended.put(None)
        collector.join()
    return served


def as_the_seed(comfy: ComfyUI, work: Work, picture: bytes) -> Served:
    """Send one, ask /history every 10 seconds until it is there, fetch it; then the next."""
    folder = uuid4().hex
    served = Served(folder=folder)
    comfy.upload("photo.png", picture, subfolder=folder)
    while graph := work.next_graph(f"{folder}/photo.png"):
        asked_at = time.time()
        prompt_id = comfy.prompt(graph, client_id=folder, extra_data={}).prompt_id
        served.asked[prompt_id] = asked_at
        while comfy.history(prompt_id) is None:
            time.sleep(SEED_POLL_SECONDS)
        fetch(comfy, prompt_id, served)
    return served


def fetch(comfy: ComfyUI, prompt_id: str, served: Served) -> None:
    record = comfy.history(prompt_id)
    if record is None:
        raise RuntimeError(f"{prompt_id} has ended and is not in the history")
    for file in record.files("save"):
        with comfy.view(file) as chunks:
            for _chunk in chunks:
                pass
    served.in_hand[prompt_id] = time.time()


def _ends(follower: Follower) -> Iterator[str]:
    for event in follower.events(timeout=120):
        if isinstance(event, Executing) and event.node is None and event.prompt_id:
            yield event.prompt_id
