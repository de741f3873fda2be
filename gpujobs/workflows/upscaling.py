"""The choice of upscaling model, shared by the print master and the longer video."""

from collections.abc import Mapping
from typing import Any

from gpujobs.workflows.graphs import Graph
from gpujobs.workflows.model_files import REALESRGAN, ULTRASHARP
from gpujobs.workflows.parameters import ANY, Choice

# The better one first. RealESRGAN may be used commercially, UltraSharp may not: who may not use it leaves it away.
UPSCALERS = {"ultrasharp": ULTRASHARP, "realesrgan": REALESRGAN}
UPSCALER = Choice(name="upscaler", options=(ANY, *UPSCALERS), default=ANY)


def choose_upscaler(graph: Graph, params: Mapping[str, Any]) -> None:
    graph["upscaler"]["inputs"]["model_name"] = UPSCALERS[params["upscaler"]].file
