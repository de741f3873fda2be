"""Whatever may be asked becomes a graph that ComfyUI takes, with our photos, our seed and our prefix in it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpujobs.workflows import ParameterError, Workflow, get, names, node_facts, validate
from gpujobs.workflows.graphs import Graph, sources
from gpujobs.workflows.parameters import Choice, Decimal, Several, Whole
from tests.workflows.requests import FOLDER, PREFIX, SEED, any_params, built, every_choice, images_of

each_workflow = pytest.mark.parametrize("workflow", [get(name) for name in names()], ids=names())


def texts(graph: Graph) -> list[str]:
    return [value for node in graph.values() for value in node["inputs"].values() if isinstance(value, str)]


@each_workflow
def test_every_combination_of_choices_becomes_a_graph_that_would_be_accepted(workflow: Workflow) -> None:
    for params in every_choice(workflow):
        assert validate(built(workflow, params), node_facts()) == [], params


@each_workflow
@given(data=st.data(), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_any_numbers_within_bounds_do_too(workflow: Workflow, data: st.DataObject, seed: int) -> None:
    params = data.draw(any_params(workflow))
    assert validate(built(workflow, params, seed=seed), node_facts()) == []


@each_workflow
def test_every_file_handed_in_reaches_the_result(workflow: Workflow) -> None:
    graph = built(workflow)
    (output,) = workflow.outputs
    for slot, name in images_of(workflow).items():
        assert name in graph[slot]["inputs"].values()
        assert slot in sources(graph, output.node)


@each_workflow
def test_the_seed_reaches_every_sampler(workflow: Workflow) -> None:
    samplers = [node for node in built(workflow).values() if "Sampler" in node["class_type"]]
    assert bool(samplers) == (workflow.name not in {"video_extend", "print_master"})
    assert all(node["inputs"]["seed"] == SEED for node in samplers)


@each_workflow
def test_the_one_output_has_our_prefix_and_stays_in_the_output_folder(workflow: Workflow) -> None:
    graph = built(workflow)
    ends = [name for name, node in graph.items() if node_facts()[node["class_type"]]["output_node"]]
    assert ends == [output.node for output in workflow.outputs]
    (end,) = ends
    assert graph[end]["inputs"]["filename_prefix"] == PREFIX
    assert graph[end]["class_type"] == {"image": "SaveImage", "video": "VHS_VideoCombine"}[workflow.outputs[0].kind]
    assert graph[end]["inputs"].get("save_output", True) is True


@each_workflow
def test_a_video_carries_no_copy_of_its_prompt(workflow: Workflow) -> None:
    for node in built(workflow).values():
        assert node["inputs"].get("save_metadata", False) is False


@each_workflow
def test_building_twice_gives_the_same_and_leaves_the_workflow_alone(workflow: Workflow) -> None:
    before = repr(workflow.graph)
    first = built(workflow)
    assert built(workflow) == first
    first.clear()
    assert repr(workflow.graph) == before


@each_workflow
def test_the_progress_bar_belongs_to_a_node_of_the_graph(workflow: Workflow) -> None:
    assert workflow.progress_node in built(workflow)
    assert workflow.steps({}) >= 1


@each_workflow
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_text_of_a_user_ever_reaches_the_graph(workflow: Workflow, data: st.DataObject) -> None:
    """Odd letters, so that a match cannot be one of our own words."""
    text = data.draw(st.text(alphabet="ㄱ홍※;$\\'\"%{}<>", min_size=1, max_size=12))
    field = data.draw(st.sampled_from([param.name for param in workflow.params] + [text]))
    value = data.draw(st.sampled_from([text, [text], {"text": text}, (text,)]))
    with pytest.raises(ParameterError):
        built(workflow, {field: value})


@each_workflow
@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "portal/../x.png",
        "a\\b.png",
        "홍길동.png",
        "photo.png [output]",
        "photo.png\n",
        "",
        "photo",
        "%date%.png",
    ],
)
def test_a_file_name_that_no_upload_of_ours_gives_is_refused(workflow: Workflow, name: str) -> None:
    slot = workflow.inputs[0].slot
    with pytest.raises(ParameterError) as refused:
        built(workflow, images=images_of(workflow) | {slot: name})
    assert refused.value.field == slot


def test_a_name_the_host_changed_because_it_was_taken_is_fine() -> None:
    workflow = get("living_video")
    name = f"{FOLDER}/photo (1).png"
    assert built(workflow, images={"photo": name})["photo"]["inputs"]["image"] == name


@each_workflow
def test_a_missing_and_an_unknown_file_are_refused(workflow: Workflow) -> None:
    for slot in images_of(workflow):
        left = {each: name for each, name in images_of(workflow).items() if each != slot}
        with pytest.raises(ParameterError) as refused:
            built(workflow, images=left)
        assert refused.value.field == slot
    with pytest.raises(ParameterError) as refused:
        built(workflow, images=images_of(workflow) | {"another": f"{FOLDER}/another.png"})
    assert refused.value.field == "another"


@each_workflow
@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, True, "7", None])
def test_a_seed_out_of_bounds_is_refused(workflow: Workflow, seed: Any) -> None:
    with pytest.raises(ParameterError) as refused:
        built(workflow, seed=seed)
    assert refused.value.field == "seed"


@each_workflow
@pytest.mark.parametrize("prefix", ["", "/out", "../out", "portal/%date%", "a b", "영정", "out/"])
def test_a_prefix_that_is_not_plain_is_refused(workflow: Workflow, prefix: str) -> None:
    with pytest.raises(ParameterError) as refused:
        built(workflow, output_prefix=prefix)
    assert refused.value.field == "output_prefix"


def wrong_values(param: Choice | Several | Whole | Decimal) -> list[Any]:
    if isinstance(param, Choice):
        return ["", param.options[0] + " ", param.options[0] + "x", None, 1, [param.options[0]]]
    if isinstance(param, Several):
        return ["", param.options[0], [param.options[0], "x"], [1], None, {param.options[0]: 1}]
    if isinstance(param, Whole):
        return [param.low - 1, param.high + 1, float(param.low), str(param.low), True, None]
    off_step = param.low + param.step / 2
    return [param.low - param.step, param.high + param.step, off_step, float("nan"), float("inf"), "1", True, None]


@each_workflow
def test_every_parameter_refuses_what_is_out_of_bounds(workflow: Workflow) -> None:
    for param in workflow.params:
        for value in wrong_values(param):
            with pytest.raises(ParameterError) as refused:
                workflow.clean({param.name: value})
            assert refused.value.field == param.name


@each_workflow
def test_what_is_left_out_gets_its_default_and_cleaning_again_changes_nothing(workflow: Workflow) -> None:
    cleaned = workflow.clean({})
    assert cleaned.keys() == {param.name for param in workflow.params}
    assert workflow.clean(cleaned) == cleaned


def test_an_unknown_workflow_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        get("nothing")
