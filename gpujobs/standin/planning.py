"""In which order a graph's nodes run, and which of them need not run again."""

import hashlib
import json
from collections.abc import Callable, Collection
from typing import Any

from .facts import NodeFacts

Graph = dict[str, Any]


def links(node: dict[str, Any]) -> list[tuple[str, int]]:
    return [(value[0], value[1]) for value in node["inputs"].values() if is_link(value)]


def is_link(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


class Plan:
    """The nodes still to run. next() names the one ComfyUI 0.2.4 would run next; done() strikes it off.

    The order is visible on the websocket, so it is kept: nodes are found depth first from the outputs, last input
    first; of those that are ready an output goes first, then what feeds an output at once, then at one remove, then
    the one found first.
    """

    def __init__(self, graph: Graph, facts: NodeFacts, outputs: list[str], cached: Collection[str]) -> None:
        self.is_output = {node_id: facts.is_output(node["class_type"]) for node_id, node in graph.items()}
        self.waiting: dict[str, set[str]] = {}
        self.feeds: dict[str, list[str]] = {}
        for output in outputs:
            self._find(graph, output, cached)

    def _find(self, graph: Graph, output: str, cached: Collection[str]) -> None:
        stack, found_links = [output], []
        while stack:
            node_id = stack.pop()
            if node_id in self.waiting:
                continue
            self.waiting[node_id] = set()
            self.feeds[node_id] = []
            for source, _ in links(graph[node_id]):
                if source in graph and source not in cached:
                    stack.append(source)
                    found_links.append((source, node_id))
        for source, node_id in found_links:
            self.waiting[node_id].add(source)
            if node_id not in self.feeds[source]:
                self.feeds[source].append(node_id)

    def next(self) -> str | None:
        ready = [node_id for node_id, blockers in self.waiting.items() if not blockers]
        rules: list[Callable[[str], bool]] = [
            self.is_output.__getitem__,
            lambda node_id: any(self.is_output[fed] for fed in self.feeds[node_id]),
            lambda node_id: any(self.is_output[far] for fed in self.feeds[node_id] for far in self.feeds[fed]),
            lambda node_id: True,
        ]
        return next((node_id for rule in rules for node_id in ready if rule(node_id)), None)

    def done(self, node_id: str) -> None:
        del self.waiting[node_id]
        for fed in self.feeds.pop(node_id):
            self.waiting[fed].discard(node_id)


def signatures(graph: Graph, changed: Callable[[str, dict[str, Any]], str]) -> dict[str, str]:
    """Node id -> a hash of everything that decides its result; node ids themselves play no part.

    changed(class, inputs) adds what lies outside the graph, such as the hash of an input file.
    """
    known: dict[str, str] = {}

    def sign(node_id: str) -> str:
        if node_id not in known:
            node = graph[node_id]
            parts: list[Any] = [node["class_type"], changed(node["class_type"], node["inputs"])]
            for name, value in sorted(node["inputs"].items()):
                linked = is_link(value) and value[0] in graph
                parts.append([name, "link", sign(value[0]), value[1]] if linked else [name, "is", value])
            known[node_id] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return known[node_id]

    for node_id in graph:
        # A branch that validation dropped may hang in the air or run in a circle; it is never looked up.
        known[node_id] = known.get(node_id) or (sign(node_id) if _is_sound(graph, node_id) else "")
    return {node_id: known[node_id] for node_id in graph}


def _is_sound(graph: Graph, node_id: str) -> bool:
    stack: list[tuple[str, frozenset[str]]] = [(node_id, frozenset())]
    while stack:
        each, above = stack.pop()
        if each not in graph or each in above:
            return False
        stack += [(source, above | {each}) for source, _ in links(graph[each])]
    return True
