"""What is asked for when: drawn from a seed, each job from dice of its own, so that no delay changes the next. Pure."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID

HOMES = 4
WORKFLOWS = ("portrait",) * 5 + ("life_scene",) * 2 + ("living_video", "video_extend", "print_master")
# Of fifty jobs these must fail, each by the fault that its twist leads to.
TWISTS: Mapping[int, str] = MappingProxyType(
    {7: "no face", 19: "unreadable photo", 31: "seed that is refused", 43: "parameter that is refused"}
)
ENDS: Mapping[str, str] = MappingProxyType(
    {
        "no face": "no_face",
        "unreadable photo": "unreadable_photo",
        "seed that is refused": "invalid_graph",
        "parameter that is refused": "invalid_graph",
    }
)
# Every instance is told to refuse it.
REFUSED_SEED = 2**48 + 1


@dataclass(frozen=True, kw_only=True)
class Ask:
    """``at`` seconds after the start by that home; ``twist`` is empty or one of `ENDS`."""

    at: float
    key: UUID
    workflow: str
    home: int
    seed: int
    due: timedelta
    twist: str = ""


def asks(count: int, *, over: float, seed: int) -> list[Ask]:
    """``count`` of them within so many seconds, in their order."""
    return sorted(_drawn(count, over, seed), key=lambda ask: ask.at)


def _drawn(count: int, over: float, seed: int) -> Iterator[Ask]:
    for number in range(count):
        dice = random.Random(f"{seed} {number}")  # noqa: S311  repeatable, and nothing secret
        twist = TWISTS.get(number % 50, "")
        workflow = dice.choice(WORKFLOWS)
        chosen = dice.randrange(2**48)
        yield Ask(
            at=dice.uniform(0, over),
            key=UUID(int=dice.getrandbits(128), version=4),
            # Only of a portrait's photo it is certain that a node looks for a face in it.
            workflow="portrait" if twist else workflow,
            home=dice.randrange(HOMES),
            seed=REFUSED_SEED if twist == "seed that is refused" else chosen,
            due=timedelta(minutes=dice.choice([10, 30, 60, 240])),
            twist=twist,
        )
