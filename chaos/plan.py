"""What goes wrong when: drawn from a seed, so that the same seed gives the same faults. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

# Instances as (host, place): two hosts, of three and of two.
PLACES = tuple((host, place) for host, count in ((0, 3), (1, 2)) for place in range(count))

# kind: (weight, what it strikes, how long it lasts in seconds; 0 is at once)
KINDS: dict[str, tuple[int, str, float]] = {
    # the instance
    "out of memory": (4, "instance", 0),
    "out of memory that wedges": (2, "instance", 0),
    "CUDA fault": (2, "instance", 0),
    "wedged process": (2, "instance", 0),
    # Its boot takes longer than the fleet waits before it looks.
    "wedged and slow to boot": (1, "instance", 16),
    "frozen process": (2, "instance", 6),
    "silent websocket": (3, "instance", 8),
    "dropped websocket": (3, "instance", 0),
    "lost answer to a prompt": (4, "instance", 0),
    "late history": (2, "instance", 6),
    "forgotten history": (2, "instance", 0),
    "host clock apart": (2, "instance", 15),
    "missing node": (1, "instance", 0),
    "missing model": (1, "instance", 0),
    "accepted without its output": (1, "instance", 0),
    "full disk at upload": (2, "instance", 0),
    "full disk at saving": (2, "instance", 0),
    "cut-off result": (3, "instance", 0),
    "missing result": (2, "instance", 0),
    "result gone before it is fetched": (3, "instance", 0),
    "restarted ComfyUI": (4, "instance", 2),
    "slowly restarted ComfyUI": (1, "instance", 18),
    "refused connections": (2, "instance", 4),
    "stray interrupt": (4, "instance", 0),
    # the way to a host
    "sshd killed": (2, "host", 3),
    "network cut": (3, "host", 0),
    "network frozen": (2, "host", 8),
    # Longer than a driver's lease.
    "network frozen for long": (1, "host", 30),
    # the portal
    "worker killed": (2, "host", 0),
    "horse killed": (2, "host", 0),
    "portal rebooted": (1, "portal", 0),
    "portal's disk full": (2, "portal", 8),
    "database connections cut": (2, "portal", 0),
    "PostgreSQL restarted": (1, "portal", 0),
    "Redis flushed": (2, "portal", 0),
    "Redis restarted": (1, "portal", 0),
    # somebody's wish
    "job cancelled": (8, "portal", 0),
}


@dataclass(frozen=True, kw_only=True)
class Deed:
    """``at`` seconds after the start; ``dice`` for whatever else it has to choose."""

    at: float
    kind: str
    host: int
    place: int
    lasts: float
    dice: int


def plan(seed: int, seconds: float, *, every: float = 4.0) -> list[Deed]:
    """Deeds about ``every`` seconds apart, of every kind where there is room for it."""
    return list(_drawn(random.Random(seed), seconds, every))  # noqa: S311  repeatable, and nothing secret


def _drawn(dice: random.Random, seconds: float, every: float) -> Iterator[Deed]:
    kinds = list(KINDS)
    # Each kind once, in some order; then by weight.
    first = dice.sample(kinds, len(kinds))
    at = every
    while at < seconds:
        kind = first.pop() if first else dice.choices(kinds, [KINDS[each][0] for each in kinds])[0]
        host, place = dice.choice(PLACES)
        yield Deed(at=round(at, 2), kind=kind, host=host, place=place, lasts=KINDS[kind][2], dice=dice.randrange(10**9))
        at += dice.uniform(0.5, 1.5) * every
