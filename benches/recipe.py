"""What is asked for again and again: a workflow, with parameters that make each job another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gpujobs import workflows
from gpujobs.workflows.graphs import Graph
from gpujobs.workflows.parameters import Whole
from gpujobs.workflows.spec import Input, Output, Workflow

# The sampler steps of the portraits that are asked for; the shortest that the workflow takes for the quick ones.
STEPS, FEW_STEPS = 8, 4


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """``params`` and ``quick`` are given the job's number; quick ones take half the time at most."""

    workflow: str
    params: Callable[[int], Mapping[str, Any]]
    quick: Callable[[int], Mapping[str, Any]]

    def graph(self, number: int, photo: str, prefix: str) -> Graph:
        """As a bare client sends it, with the one photo in every slot."""
        workflow = workflows.get(self.workflow)
        images = {each.slot: photo for each in workflow.inputs if each.required or each.drawn}
        return workflow.build(self.params(number), images=images, seed=number, output_prefix=prefix)


PORTRAIT = Recipe(
    workflow="portrait", params=lambda number: {"steps": STEPS}, quick=lambda number: {"steps": FEW_STEPS}
)

# For a ComfyUI of which nothing is known: core nodes, no model, no GPU. How often the picture is enlarged and brought
# back decides how long it takes; the width is another each time, or the answer would come from the cache. From about 50
# times on, ComfyUI 0.2.4 spends seconds on naming the chain's nodes for its cache, and answers late meanwhile.
SCALING = "bench_scaling"
WIDTHS, LARGEST_ROUNDS = 64, 30
SMALL, LARGE = (896, 1152), (2688, 3456)


class _Scaling(Workflow):
    @cached_property
    def graph(self) -> Graph:
        return {
            "photo": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
            "save": {"class_type": "SaveImage", "inputs": {"images": ["photo", 0], "filename_prefix": ""}},
        }


def _fill(graph: Graph, params: Mapping[str, Any]) -> None:
    last = "photo"
    for number in range(params["rounds"]):
        for name, (width, height) in (("large", LARGE), ("small", SMALL)):
            width += params["width"] if name == "large" else 0
            scale = {"image": [last, 0], "upscale_method": "lanczos", "width": width, "height": height}
            last = f"{name}_{number}"
            graph[last] = {"class_type": "ImageScale", "inputs": scale | {"crop": "disabled"}}
    graph["save"]["inputs"]["images"] = [last, 0]


def add_scaling() -> None:
    """Make the workflow known in this process; a product would have it in `gpujobs.workflows`."""
    workflows.WORKFLOWS[SCALING] = _Scaling(
        name=SCALING,
        about="A picture enlarged and brought back, for measuring.",
        params=(
            Whole(name="rounds", low=1, high=LARGEST_ROUNDS, default=1),
            Whole(name="width", low=0, high=WIDTHS - 1, default=0),
        ),
        inputs=(Input(slot="photo"),),
        outputs=(Output(node="save", kind="image"),),
        models=(),
        min_vram_mb=0,
        weight=2,
        progress_node="save",
        count_steps=lambda params: 1,
        fill=_fill,
    )


def scaling(rounds: int) -> Recipe:
    def params(number: int) -> Mapping[str, Any]:
        return {"rounds": rounds, "width": number % WIDTHS}

    def quick(number: int) -> Mapping[str, Any]:
        return {"rounds": max(1, rounds // 2), "width": number % WIDTHS}

    return Recipe(workflow=SCALING, params=params, quick=quick)
