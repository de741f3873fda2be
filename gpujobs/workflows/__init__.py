"""The workflows a GPU host can be asked for, by name."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from gpujobs.workflows.life_scene.spec import LIFE_SCENE
from gpujobs.workflows.living_video.spec import LIVING_VIDEO
from gpujobs.workflows.packages import NodeClass, Package
from gpujobs.workflows.parameters import ParameterError
from gpujobs.workflows.portrait.spec import PORTRAIT
from gpujobs.workflows.print_master.spec import PRINT_MASTER
from gpujobs.workflows.spec import Input, Output, Workflow
from gpujobs.workflows.validation import validate
from gpujobs.workflows.video_extend.spec import VIDEO_EXTEND

__all__ = [
    "NODE_CLASSES_IN_USE",
    "Input",
    "NodeClass",
    "Output",
    "Package",
    "ParameterError",
    "Workflow",
    "get",
    "names",
    "node_facts",
    "validate",
]

WORKFLOWS = {each.name: each for each in (PORTRAIT, LIFE_SCENE, LIVING_VIDEO, VIDEO_EXTEND, PRINT_MASTER)}
NODE_CLASSES_IN_USE = tuple(sorted({each.name for workflow in WORKFLOWS.values() for each in workflow.node_classes}))


def get(name: str) -> Workflow:
    """Raises KeyError for a name that is not in `names`."""
    return WORKFLOWS[name]


def names() -> tuple[str, ...]:
    return tuple(WORKFLOWS)


@cache
def node_facts() -> dict[str, Any]:
    """ComfyUI 0.2.4's /object_info with the packages in use, trimmed: what a host should answer."""
    facts: dict[str, Any] = json.loads((Path(__file__).parent / "node_facts.json").read_text(encoding="utf-8"))
    return facts
