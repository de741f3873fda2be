"""Reshaping a graph in API form: {node id: {"class_type": str, "inputs": {name: value or [node id, output index]}}}."""

from typing import Any, TypeGuard

Graph = dict[str, dict[str, Any]]


def is_link(value: Any) -> TypeGuard[list[Any]]:
    """Whether an input's value is taken from another node's output; ComfyUI's own rule."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def links(graph: Graph, node: str) -> list[tuple[str, str, int]]:
    """(input name, node it comes from, output index) of every linked input of a node."""
    inputs = graph[node]["inputs"]
    return [(name, value[0], value[1]) for name, value in inputs.items() if is_link(value)]


def sources(graph: Graph, node: str) -> set[str]:
    """Every node whose work reaches this one, itself included; links to nowhere are passed over."""
    reached: set[str] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each not in reached and each in graph:
            reached.add(each)
            waiting.extend(source for _, source, _ in links(graph, each))
    return reached


def bypass(graph: Graph, node: str, through: str) -> None:
    """Take a node out of the way: whatever took its first output now takes what the node had at ``through``."""
    replacement = graph[node]["inputs"][through]
    for each in graph.values():
        for name, value in each["inputs"].items():
            if is_link(value) and value == [node, 0]:
                each["inputs"][name] = list(replacement)
    del graph[node]


def keep_only_sources_of(graph: Graph, node: str) -> None:
    """Drop what no longer leads to ``node``: a dead loader would still be loaded into the GPU's memory."""
    for dead in graph.keys() - sources(graph, node):
        del graph[dead]
