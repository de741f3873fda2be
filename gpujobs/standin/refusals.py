"""Refusals on demand, in the shapes in which ComfyUI 0.2.4 gives them (recording 0.2.4-validation_errors)."""

from collections.abc import Iterator
from typing import Any

from .facts import is_model_file
from .faults import Faults
from .validation import Graph, Reason, Verdict, refused


def on_demand(graph: Graph, faults: Faults) -> Verdict | None:
    """None where nothing is wrong that somebody asked for."""
    seeded = next((node_id for node_id, node in graph.items() if _has_seed(node, faults.refused_seed)), None)
    if seeded is not None:
        return _failed(graph, seeded, "value_bigger_than_max", "Value bigger than max", "seed")
    loader = next(_loaders(graph), None)
    if loader is None:
        return None
    node_id, name, file = loader
    if faults.take("missing_nodes"):
        message = f"Cannot execute because node {graph[node_id]['class_type']} does not exist."
        return refused("invalid_prompt", message, f"Node ID '#{node_id}'")
    details = f"{name}: '{file}' not in []"
    if faults.take("missing_models"):
        return _failed(graph, node_id, "value_not_in_list", "Value not in list", details)
    if faults.take("half_accepted"):
        failed = _failed(graph, node_id, "value_not_in_list", "Value not in list", details)
        return Verdict(outputs=[], node_errors=failed.node_errors)
    return None


def _has_seed(node: Any, seed: int | None) -> bool:
    return seed is not None and isinstance(node, dict) and node.get("inputs", {}).get("seed") == seed


def _loaders(graph: Graph) -> Iterator[tuple[str, str, str]]:
    for node_id, node in graph.items():
        inputs = node.get("inputs", {}) if isinstance(node, dict) else {}
        yield from ((node_id, name, value) for name, value in inputs.items() if is_model_file(value))


def _failed(graph: Graph, node_id: str, kind: str, message: str, details: str) -> Verdict:
    reason: Reason = {"type": kind, "message": message, "details": details, "extra_info": {}}
    node = {"errors": [reason], "dependent_outputs": [], "class_type": graph[node_id]["class_type"]}
    error = {
        "type": "prompt_outputs_failed_validation",
        "message": "Prompt outputs failed validation",
        "details": "",
        "extra_info": {},
    }
    return Verdict(outputs=[], error=error, node_errors={node_id: node})
