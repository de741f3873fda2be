"""What can be asked of a workflow, for the tests to go through."""

from collections.abc import Iterator
from itertools import chain, combinations, product
from typing import Any

from hypothesis import strategies as st

from gpujobs.workflows import Workflow
from gpujobs.workflows.graphs import Graph
from gpujobs.workflows.life_scene.scenes import SCENES
from gpujobs.workflows.life_scene.spec import LIFE_SCENE
from gpujobs.workflows.parameters import Choice, Decimal, Several, Whole

PREFIX = "portal/0f8b5c0a4f6e4d0e9a8f2c1b3d4e5f60/out"
FOLDER = "portal/0f8b5c0a4f6e4d0e9a8f2c1b3d4e5f60"
SEED = 20261122


def images_of(workflow: Workflow) -> dict[str, str]:
    return {each.slot: f"{FOLDER}/{each.slot}.{'mp4' if each.kind == 'video' else 'png'}" for each in workflow.inputs}


def built(workflow: Workflow, params: dict[str, Any] | None = None, **changes: Any) -> Graph:
    asked: dict[str, Any] = {"images": images_of(workflow), "seed": SEED, "output_prefix": PREFIX} | changes
    return workflow.build(params or {}, **asked)


def every_choice(workflow: Workflow) -> Iterator[dict[str, Any]]:
    """Every combination of enumerated parameters, lists included; numbers stay at their defaults."""
    choices = [param for param in workflow.params if isinstance(param, Choice)]
    for options in product(*(choice.options for choice in choices)):
        asked = dict(zip((choice.name for choice in choices), options, strict=True))
        for more in _every_list(workflow, asked):
            yield asked | more


def every_scene() -> list[dict[str, Any]]:
    """Every scene with every combination of what may be left out of it."""
    return [{"scene": scene} | without for scene in SCENES for without in _every_list(LIFE_SCENE, {"scene": scene})]


def _every_list(workflow: Workflow, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    lists = [param.name for param in workflow.params if isinstance(param, Several)]
    if not lists:
        yield {}
        return
    assert lists == ["without"]
    vetoes = tuple(SCENES[asked["scene"]].vetoes)
    for chosen in chain.from_iterable(combinations(vetoes, count) for count in range(len(vetoes) + 1)):
        yield {"without": list(chosen)}


def any_params(workflow: Workflow) -> st.SearchStrategy[dict[str, Any]]:
    """Any acceptable parameters, each there or left out."""
    kinds = {param.name: _values(param) for param in workflow.params if not isinstance(param, Several)}
    return st.fixed_dictionaries({}, optional=kinds)


def _values(param: Choice | Whole | Decimal) -> st.SearchStrategy[Any]:
    if isinstance(param, Choice):
        return st.sampled_from(param.options)
    if isinstance(param, Whole):
        return st.integers(param.low, param.high)
    count = round((param.high - param.low) / param.step)
    return st.integers(0, count).map(lambda step: round(param.low + step * param.step, 6))
