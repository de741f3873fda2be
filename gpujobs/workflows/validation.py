"""Would ComfyUI take this graph? Checked against node facts, the answer of GET /object_info, and said in words.

Stricter than ComfyUI 0.2.4 itself: inputs a class does not have, values off the step, dead nodes and a second output
node are problems here, and values are not converted: a number sent as text is a mistake on our side.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from gpujobs.workflows.graphs import Graph, is_link, links, sources
from gpujobs.workflows.model_files import MODEL_FILES
from gpujobs.workflows.spec import FILE_INPUTS

# These classes look for the file themselves when the prompt arrives; their list is what lay in the input folder.
UPLOADED = frozenset(FILE_INPUTS.items())
# The lists that a host's disk decides.
DISK_LISTS = frozenset(loader for each in MODEL_FILES if each.listed for loader in each.loaders)
TYPES: Mapping[str, tuple[type, ...]] = {"INT": (int,), "FLOAT": (int, float), "STRING": (str,), "BOOLEAN": (bool,)}


def validate(graph: Graph, object_info: Mapping[str, Any], *, model_files: bool = False) -> list[str]:
    """Problems in words; none when the graph would be accepted and would give exactly one result.

    ``object_info``: {class: {"input": {"required", "optional"}, "output", "output_node"}}. With ``model_files``
    the names of model files are looked up in the host's lists too; without, a list the disk decides is not judged.
    """
    problems = [problem for node in graph for problem in _node_problems(graph, node, object_info, model_files)]
    problems += _cycle_problems(graph)
    return problems + _output_problems(graph, object_info)


def _node_problems(graph: Graph, node: str, object_info: Mapping[str, Any], model_files: bool) -> Iterator[str]:
    class_type = graph[node]["class_type"]
    where = f"{node} ({class_type})"
    if class_type not in object_info:
        yield f"{where}: there is no such node class"
        return
    declared = object_info[class_type]["input"]
    required, optional = declared.get("required", {}), declared.get("optional", {})
    given = graph[node]["inputs"]
    yield from (f"{where}: the required input {name} is missing" for name in required if name not in given)
    known = {**_inputs_of_choices(required, given), **optional, **required}
    for name, value in given.items():
        place = f"{where}: {name}"
        if name not in known:
            yield f"{place} is not an input of this class"
        elif is_link(value):
            yield from _link_problems(graph, place, known[name][0], value, object_info)
        elif (class_type, name) in UPLOADED or ((class_type, name) in DISK_LISTS and not model_files):
            yield from _type_problems(place, "STRING", value)
        else:
            yield from _value_problems(place, known[name], value)


def _inputs_of_choices(required: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs that come with a choice: VHS_VideoCombine lists a format as [name, [[input, type, options], ...]]."""
    inputs = {}
    for name, spec in required.items():
        for option in spec[0] if isinstance(spec[0], list) else ():
            if isinstance(option, list) and option[0] == given.get(name):
                inputs.update({each[0]: each[1:] for each in option[1]})
    return inputs


def _link_problems(
    graph: Graph, place: str, wanted: Any, link: list[Any], object_info: Mapping[str, Any]
) -> Iterator[str]:
    source, index = link
    if source not in graph:
        yield f"{place} is linked to {source}, which is not in the graph"
        return
    class_type = graph[source]["class_type"]
    outputs = object_info.get(class_type, {}).get("output")
    if outputs is None:
        return
    if not 0 <= index < len(outputs):
        yield f"{place} is linked to output {index} of {source} ({class_type}), which has {len(outputs)}"
    elif isinstance(wanted, list):
        yield f"{place} must be chosen from a list and is linked to {source}"
    elif "*" not in (wanted, outputs[index]) and wanted != outputs[index]:
        yield f"{place} wants {wanted} and is linked to {outputs[index]} of {source}"


def _value_problems(place: str, spec: list[Any], value: Any) -> Iterator[str]:
    wanted, options = spec[0], spec[1] if len(spec) > 1 and isinstance(spec[1], dict) else {}
    if isinstance(wanted, list):
        names = [option[0] if isinstance(option, list) else option for option in wanted]
        if value not in names:
            yield f"{place} is {value!r}, which is not in the list"
    elif wanted not in TYPES:
        yield f"{place} wants a link to {wanted} and has the value {value!r}"
    else:
        wrong_type = list(_type_problems(place, wanted, value))
        yield from wrong_type or _range_problems(place, options, value)


def _type_problems(place: str, wanted: str, value: Any) -> Iterator[str]:
    if not isinstance(value, TYPES[wanted]) or (isinstance(value, bool) and wanted != "BOOLEAN"):
        yield f"{place} wants {wanted} and is {value!r}"


def _range_problems(place: str, options: Mapping[str, Any], value: Any) -> Iterator[str]:
    if isinstance(value, str | bool):
        return
    low, high, step = options.get("min"), options.get("max"), options.get("step")
    if low is not None and value < low:
        yield f"{place} is {value}, below the least, {low}"
    if high is not None and value > high:
        yield f"{place} is {value}, above the most, {high}"
    if step and (Decimal(str(value)) - Decimal(str(low or 0))) % Decimal(str(step)):
        yield f"{place} is {value}, not in steps of {step}"


def _cycle_problems(graph: Graph) -> list[str]:
    return [
        f"{node} ({graph[node]['class_type']}): its own result flows back into it"
        for node in graph
        if any(node in sources(graph, source) for _, source, _ in links(graph, node))
    ]


def _output_problems(graph: Graph, object_info: Mapping[str, Any]) -> list[str]:
    outputs = [node for node in graph if object_info.get(graph[node]["class_type"], {}).get("output_node")]
    if not outputs:
        return ["there is no output node"]
    problems = [f"there are several output nodes: {', '.join(outputs)}"] if len(outputs) > 1 else []
    alive = set().union(*(sources(graph, node) for node in outputs))
    return problems + [f"{node} ({graph[node]['class_type']}): nothing uses it" for node in graph if node not in alive]
