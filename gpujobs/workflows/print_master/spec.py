"""The approved picture with four times the pixels a side, for printing.

A portrait of 896x1152 becomes 3584x4608: real pixels for 11x14 inches at 300 dpi (3300x4200). The node works in
tiles of 512, halves them when memory runs out, and changes nothing of the face: no sampler runs. Part of a plain
Lanczos enlargement is mixed in, since the model alone draws skin sharper than it was.
"""

from collections.abc import Mapping
from typing import Any

from gpujobs.workflows.graphs import Graph
from gpujobs.workflows.model_files import REALESRGAN, ULTRASHARP
from gpujobs.workflows.parameters import Decimal
from gpujobs.workflows.spec import Input, Output, Workflow
from gpujobs.workflows.upscaling import UPSCALER, choose_upscaler

SCALE = 4
TILE, OVERLAP = 512, 32


def tiles(width: int, height: int) -> int:
    """Tiles of the upscaling node for a picture of that size, as ComfyUI 0.2.4 counts them."""

    def along(length: int) -> int:
        return 1 if length <= TILE else -(-(length - OVERLAP) // (TILE - OVERLAP))

    return along(width) * along(height)


def fill(graph: Graph, params: Mapping[str, Any]) -> None:
    choose_upscaler(graph, params)
    graph["mixed"]["inputs"]["blend_factor"] = params["detail"]


PRINT_MASTER = Workflow(
    name="print_master",
    about="The approved picture at four times its width and height, ready to be cut for printing.",
    params=(UPSCALER, Decimal(name="detail", low=0.5, high=1.0, step=0.05, default=0.8)),
    inputs=(Input(slot="photo"),),
    outputs=(Output(node="save", kind="image"),),
    models=(ULTRASHARP, REALESRGAN),
    min_vram_mb=6_000,
    weight=12,
    progress_node="enlarged",
    count_steps=lambda params: tiles(896, 1152),
    fill=fill,
)
