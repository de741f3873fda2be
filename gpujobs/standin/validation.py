"""POST /prompt's judgement of a graph: ComfyUI 0.2.4's errors, shape for shape (recording 0.2.4-validation_errors)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .facts import NodeFacts, Spec

Graph = dict[str, Any]
Reason = dict[str, Any]
# Asks a node class what it thinks of its own constant inputs: (class, inputs) -> [(input name, complaint)].
CustomCheck = Callable[[str, dict[str, Any]], list[tuple[str, str]]]

# These classes judge all their inputs themselves, so ranges and choices are not checked for them: an unknown video
# format is accepted and fails at run time.
JUDGES_ITSELF = {"VHS_VideoCombine"}
# These judge one input themselves: the file must exist, whatever the list of choices says.
JUDGED_INPUTS = {
    "LoadImage": "image",
    "LoadImageMask": "image",
    "VHS_LoadVideo": "video",
    "VHS_LoadVideoFFmpeg": "video",
}
CONVERSIONS: dict[str, Callable[[Any], Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


@dataclass(frozen=True)
class Verdict:
    """outputs: the output nodes that will run. Without any, error holds the refusal."""

    outputs: list[str]
    error: dict[str, Any] | None = None
    node_errors: dict[str, Any] | list[Any] = field(default_factory=dict)


def refused(kind: str, message: str, details: str = "") -> Verdict:
    error = {"type": kind, "message": message, "details": details, "extra_info": {}}
    return Verdict(outputs=[], error=error, node_errors=[])


def judge(graph: Graph, facts: NodeFacts, custom_check: CustomCheck) -> Verdict:
    """Converts constants in place, as ComfyUI does (12 becomes 12.0 where a FLOAT is wanted).

    Raises TypeError or AttributeError for a graph that is not made of nodes; the server answers that with 500, as
    ComfyUI does. An empty one of whatever kind has no outputs.
    """
    if not graph:
        return refused("prompt_no_outputs", "Prompt has no outputs")
    output_nodes = []
    for node_id, node in graph.items():
        if "class_type" not in node:
            message = "Cannot execute because a node is missing the class_type property."
            return refused("invalid_prompt", message, f"Node ID '#{node_id}'")
        if node["class_type"] not in facts:
            message = f"Cannot execute because node {node['class_type']} does not exist."
            return refused("invalid_prompt", message, f"Node ID '#{node_id}'")
        if facts.is_output(node["class_type"]):
            output_nodes.append(node_id)
    if not output_nodes:
        return refused("prompt_no_outputs", "Prompt has no outputs")
    return _Judgement(graph, facts, custom_check).of(output_nodes)


class _Judgement:
    def __init__(self, graph: Graph, facts: NodeFacts, custom_check: CustomCheck) -> None:
        self.graph = graph
        self.facts = facts
        self.custom_check = custom_check
        self.reasons: dict[str, list[Reason]] = {}
        self.valid: dict[str, bool] = {}
        self.entered: set[str] = set()

    def of(self, output_nodes: list[str]) -> Verdict:
        good: list[str] = []
        said: list[str] = []
        node_errors: dict[str, Any] = {}
        for node_id in output_nodes:
            try:
                valid = self.node(node_id)
            except (KeyError, IndexError, TypeError, ValueError, AttributeError) as problem:
                valid = False
                self._note_exception(node_id, "exception_during_validation", "Exception when validating node", problem)
            if valid:
                good.append(node_id)
                continue
            said += [f"{reason['message']}: {reason['details']}" for reason in self.reasons[node_id]]
            self._blame(node_errors, node_id)
        if good:
            return Verdict(outputs=good, node_errors=node_errors)
        error = {
            "type": "prompt_outputs_failed_validation",
            "message": "Prompt outputs failed validation",
            "details": "\n".join(said),
            "extra_info": {},
        }
        return Verdict(outputs=[], error=error, node_errors=node_errors)

    def _blame(self, node_errors: dict[str, Any], output_node: str) -> None:
        for node_id, reasons in self.reasons.items():
            if not reasons:
                continue
            entry = node_errors.setdefault(
                node_id,
                {"errors": reasons, "dependent_outputs": [], "class_type": self.graph[node_id]["class_type"]},
            )
            entry["dependent_outputs"].append(output_node)

    def _note_exception(self, node_id: str, kind: str, message: str, problem: Exception, **extra: Any) -> None:
        info = {**extra, "exception_type": type(problem).__name__, "traceback": []}
        self.reasons[node_id] = [{"type": kind, "message": message, "details": str(problem), "extra_info": info}]
        self.valid[node_id] = False

    def node(self, node_id: str) -> bool:
        """A node inside a cycle is invalid without a reason, as recorded."""
        if node_id in self.valid:
            return self.valid[node_id]
        if node_id in self.entered:
            return False
        self.entered.add(node_id)
        node = self.graph[node_id]
        class_type, inputs = node["class_type"], node["inputs"]
        reasons: list[Reason] = []
        upstream_valid = True
        for name, spec in self.facts.inputs(class_type).items():
            if name not in inputs:
                if self.facts.is_required(class_type, name):
                    reasons.append(_reason("required_input_missing", "Required input is missing", name, name))
            elif isinstance(inputs[name], list):
                upstream_valid &= self._link(name, spec, inputs[name], reasons)
            else:
                reason = self._constant(class_type, name, spec, inputs)
                if reason:
                    reasons.append(reason)
        for name, complaint in self.custom_check(class_type, inputs):
            message = "Custom validation failed for node"
            reasons.append(_reason("custom_validation_failed", message, f"{name} - {complaint}", name))
        self.reasons[node_id] = reasons
        self.valid[node_id] = upstream_valid and not reasons
        return self.valid[node_id]

    def _link(self, name: str, spec: Spec, link: list[Any], reasons: list[Reason]) -> bool:
        """False when the node linked to is invalid. Raises KeyError or IndexError for a link to nothing."""
        config = _config(spec)
        if len(link) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            info: dict[str, Any] = {"input_config": config, "received_value": link}
            reasons.append(_reason("bad_linked_input", message, name, name, **info))
            return True
        source, slot = link
        received = _slot(self.facts.returns(self.graph[source]["class_type"]), slot)
        if not _fits(received, spec[0]):
            info = {"input_config": config, "received_type": received, "linked_node": link}
            details = f"{name}, {received} != {spec[0]}"
            reasons.append(
                _reason("return_type_mismatch", "Return type mismatch between linked nodes", details, name, **info)
            )
            return True
        try:
            return self.node(source)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as problem:
            info = {"input_name": name, "input_config": config, "exception_message": str(problem), "linked_node": link}
            message = "Exception when validating inner node"
            self._note_exception(source, "exception_during_inner_validation", message, problem, **info)
            return False

    def _constant(self, class_type: str, name: str, spec: Spec, inputs: dict[str, Any]) -> Reason | None:
        kind, config = spec[0], _config(spec)
        convert = CONVERSIONS.get(kind) if isinstance(kind, str) else None
        if convert:
            try:
                inputs[name] = convert(inputs[name])
            except (TypeError, ValueError) as problem:
                message = f"Failed to convert an input value to a {kind} value"
                info: dict[str, Any] = {"received_value": inputs[name], "exception_message": str(problem)}
                details = f"{name}, {inputs[name]}, {problem}"
                return _reason("invalid_input_type", message, details, name, input_config=config, **info)
        value = inputs[name]
        if class_type in JUDGES_ITSELF or JUDGED_INPUTS.get(class_type) == name:
            return None
        options = config[1]
        if "min" in options and value < options["min"]:
            message = f"Value {value} smaller than min of {options['min']}"
            return _reason("value_smaller_than_min", message, name, name, input_config=config, received_value=value)
        if "max" in options and value > options["max"]:
            message = f"Value {value} bigger than max of {options['max']}"
            return _reason("value_bigger_than_max", message, name, name, input_config=config, received_value=value)
        if isinstance(kind, list) and value not in kind:
            # Long lists are not sent back.
            many = len(kind) > 20
            shown = f"(list of length {len(kind)})" if many else str(kind)
            info = {"input_config": None if many else config, "received_value": value}
            return _reason("value_not_in_list", "Value not in list", f"{name}: '{value}' not in {shown}", name, **info)
        return None


def _config(spec: Spec) -> list[Any]:
    return [spec[0], spec[1] if len(spec) > 1 else {}]


def _slot(returns: list[str], slot: int) -> str:
    """Raises IndexError in the words of the tuple that ComfyUI looks into."""
    if slot >= len(returns):
        raise IndexError("tuple index out of range")
    return returns[slot]


def _fits(received: str, wanted: Any) -> bool:
    return "*" in (received, wanted) or received == wanted


def _reason(kind: str, message: str, details: str, input_name: str, **info: Any) -> Reason:
    return {"type": kind, "message": message, "details": details, "extra_info": {"input_name": input_name, **info}}
