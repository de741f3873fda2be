"""What a workflow is: a graph in API form and everything the portal must know to fill it in and to run it."""

import copy
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from gpujobs.workflows.graphs import Graph, keep_only_sources_of
from gpujobs.workflows.model_files import ModelFile
from gpujobs.workflows.packages import NODE_CLASSES, NodeClass
from gpujobs.workflows.parameters import ANY, Choice, Param, ParameterError

Kind = Literal["image", "video"]
SEED_LIMIT = 2**64

# The input of each file-loading class that takes the name of an uploaded file.
FILE_INPUTS = {"LoadImage": "image", "VHS_LoadVideo": "video"}

# What ComfyUI's /upload/image answers for names the portal chooses, " (1)" for a name already taken included.
STORED_NAME = re.compile(r"(?:[\w-]+/)*[\w-][\w.-]*(?: \(\d+\))?\.[A-Za-z0-9]{2,4}", re.ASCII)
# No "%" (SaveImage expands dates and node values), no dot, nothing absolute.
OUTPUT_PREFIX = re.compile(r"[\w-]+(?:/[\w-]+)*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Input:
    """A file to upload before the prompt is sent. The node that loads it has the slot's name as its id.

    ``drawn``: the workflow has a file of its own for the slot when the job brings none, see `Workflow.drawn`.
    """

    slot: str
    required: bool = True
    kind: Kind = "image"
    drawn: bool = False


@dataclass(frozen=True, kw_only=True)
class Output:
    """``count`` files of a kind that ``node`` must have in history; anything less is a failure.

    By the job's parameters each has at least so many ``pixels``, and a video so many ``frames`` and ``seconds``.
    """

    node: str
    kind: Kind
    count: int = 1
    pixels: Callable[[Mapping[str, Any]], int] = lambda params: 1
    frames: Callable[[Mapping[str, Any]], int] = lambda params: 1
    seconds: Callable[[Mapping[str, Any]], float] = lambda params: 0


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """One kind of work.

    ``fill`` writes cleaned parameters into a copy of the graph; `check` looks at those that depend on each other.
    ``progress_node`` is the node whose bar is shown. ``weight`` is a rough number of GPU seconds on an NVIDIA L4.
    """

    name: str
    about: str
    params: tuple[Param, ...]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    models: tuple[ModelFile, ...]
    min_vram_mb: int
    weight: float
    progress_node: str
    count_steps: Callable[[Mapping[str, Any]], int]
    fill: Callable[[Graph, Mapping[str, Any]], None]
    check: Callable[[Mapping[str, Any]], None] = lambda params: None
    draw: Callable[[str, Mapping[str, Any]], bytes] | None = None

    @cached_property
    def graph(self) -> Graph:
        """The graph as written, with every branch; `build` gives the one to send."""
        graph: Graph = json.loads((Path(__file__).parent / self.name / "graph.json").read_text(encoding="utf-8"))
        return graph

    @property
    def node_classes(self) -> tuple[NodeClass, ...]:
        """Every class the graph can ask for, with the package it comes from."""
        return tuple(NODE_CLASSES[name] for name in sorted({node["class_type"] for node in self.graph.values()}))

    def clean(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter, typed and within bounds, defaults filled in. Raises `ParameterError`."""
        known = {param.name: param for param in self.params}
        for name in params:
            if name not in known:
                raise ParameterError(str(name), f"is not a parameter of {self.name}")
        cleaned = {name: param.clean(params.get(name, param.default)) for name, param in known.items()}
        self.check(cleaned)
        return cleaned

    def settled(self, params: Mapping[str, Any], lacking: Collection[str] = ()) -> dict[str, Any]:
        """`clean`, with each `ANY` settled: the first option with all its files on the host; ``lacking`` are the paths
        of those that are not there. Raises `ParameterError`."""
        wanted = self.clean(params)
        absent = {each.only_if for each in self.models if each.path in lacking}
        for param in self.params:
            if isinstance(param, Choice) and wanted[param.name] == ANY:
                options = [option for option in param.options if option != ANY]
                wanted[param.name] = next((each for each in options if (param.name, each) not in absent), options[0])
        return wanted

    def steps(self, params: Mapping[str, Any]) -> int:
        """How many progress messages the ``progress_node`` sends from start to end. Raises `ParameterError`."""
        return self.count_steps(self.clean(params))

    def models_for(self, params: Mapping[str, Any]) -> tuple[ModelFile, ...]:
        """The model files these parameters load. Raises `ParameterError`."""
        wanted = self.settled(params)
        return tuple(each for each in self.models if each.only_if is None or wanted[each.only_if[0]] == each.only_if[1])

    def drawn(self, params: Mapping[str, Any], brought: Collection[str]) -> dict[str, bytes]:
        """PNG files to upload beside the job's own: the slots it did not bring and the workflow can draw."""
        if self.draw is None:
            return {}
        wanted = self.clean(params)
        slots = [each.slot for each in self.inputs if each.drawn and each.slot not in brought]
        return {slot: self.draw(slot, wanted) for slot in slots}

    def build(
        self,
        params: Mapping[str, Any],
        *,
        images: Mapping[str, str],
        seed: int,
        output_prefix: str,
        lacking: Collection[str] = (),
    ) -> Graph:
        """The graph to send as /prompt's ``prompt``.

        ``images`` are {slot: name as the host answered it to the upload}, ``lacking`` as in `settled`. Raises
        `ParameterError` for anything the workflow does not take; the message is for the log, nothing in it was checked
        for a reader's eyes.
        """
        wanted = self.settled(params, lacking)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEED_LIMIT:
            raise ParameterError("seed", "must be a whole number from 0 to 2**64 - 1")
        if not OUTPUT_PREFIX.fullmatch(output_prefix):
            raise ParameterError("output_prefix", "must be plain path segments")
        graph = copy.deepcopy(self.graph)
        self.fill(graph, wanted)
        self._place_files(graph, images)
        for node in graph.values():
            if "seed" in node["inputs"]:
                node["inputs"]["seed"] = seed
        (output,) = self.outputs
        graph[output.node]["inputs"]["filename_prefix"] = output_prefix
        keep_only_sources_of(graph, output.node)
        return graph

    def _place_files(self, graph: Graph, images: Mapping[str, str]) -> None:
        slots = {each.slot: each for each in self.inputs}
        for slot in images:
            if slot not in slots:
                raise ParameterError(slot, f"is not an input of {self.name}")
        for slot, each in slots.items():
            name = images.get(slot)
            if name is None:
                if each.required or each.drawn:
                    raise ParameterError(slot, "is missing")
                continue
            if not STORED_NAME.fullmatch(name):
                raise ParameterError(slot, "must be a name the host gave to an upload")
            graph[slot]["inputs"][FILE_INPUTS[graph[slot]["class_type"]]] = name
