"""What this host's ComfyUI knows: its node classes, and the model files in its folders."""

import copy
import json
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from gpujobs.workflows.model_files import MODEL_FILES

WORKFLOWS = Path(__file__).resolve().parents[1] / "workflows"
MODEL_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".onnx", ".gguf", ".pkl")
# Inputs that list the files of ComfyUI's input folder: (class, input).
INPUT_FILES = {
    ("LoadImage", "image"),
    ("LoadImageMask", "image"),
    ("VHS_LoadVideo", "video"),
    ("VHS_LoadVideoFFmpeg", "video"),
}

Spec = list[Any]


@cache
def recorded_classes() -> dict[str, Any]:
    text = (WORKFLOWS / "node_facts.json").read_text(encoding="utf-8")
    facts: dict[str, Any] = json.loads(text)
    return facts


def shipped_graphs() -> Iterable[dict[str, Any]]:
    for path in sorted(WORKFLOWS.glob("*/graph*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def is_model_file(value: object) -> bool:
    return isinstance(value, str) and value.lower().endswith(MODEL_SUFFIXES)


class NodeFacts:
    """The node classes of one host. It has all model files that the product's own graphs name, less the absent."""

    def __init__(self, *, absent_models: Collection[str] = ()) -> None:
        self._classes = copy.deepcopy(recorded_classes())
        for graph in shipped_graphs():
            for node in graph.values():
                self._install_models(node)
        # Lists that are written into a node's code stay as they are, whatever lies on the disk.
        gone = set(absent_models) - {model.file for model in MODEL_FILES if not model.listed}
        for name in self._classes:
            for spec in self.inputs(name).values():
                if isinstance(spec[0], list):
                    spec[0] = [each for each in spec[0] if not isinstance(each, str) or each not in gone]

    def _install_models(self, node: dict[str, Any]) -> None:
        if node["class_type"] not in self._classes:
            return
        specs = self.inputs(node["class_type"])
        for name, value in node["inputs"].items():
            options = specs[name][0] if name in specs else None
            if is_model_file(value) and isinstance(options, list) and value not in options:
                options.append(value)

    def __contains__(self, class_type: object) -> bool:
        return class_type in self._classes

    def inputs(self, class_type: str) -> dict[str, Spec]:
        """Input name -> [type or list of choices, options], required ones first, in the class's order."""
        given = self._classes[class_type]["input"]
        return {**given.get("required", {}), **given.get("optional", {})}

    def is_required(self, class_type: str, name: str) -> bool:
        return name in self._classes[class_type]["input"].get("required", {})

    def returns(self, class_type: str) -> list[str]:
        types: list[str] = self._classes[class_type]["output"]
        return types

    def is_output(self, class_type: str) -> bool:
        return bool(self._classes[class_type]["output_node"])

    def object_info(self, class_type: str, input_files: list[str]) -> dict[str, Any]:
        """One class as GET /object_info gives it; the input folder's files are read anew each time."""
        info: dict[str, Any] = copy.deepcopy(self._classes[class_type])
        info["description"] = ""
        for group in ("required", "optional"):
            for name, spec in info["input"].get(group, {}).items():
                if (class_type, name) in INPUT_FILES:
                    spec[0] = input_files
        return info

    def all_object_info(self, input_files: list[str]) -> dict[str, Any]:
        return {name: self.object_info(name, input_files) for name in self._classes}

    def models(self, loader: str, name: str) -> list[str]:
        choices: list[str] = self.inputs(loader)[name][0]
        return choices
