"""A graph that ComfyUI would refuse, or that would give something else than one result, is caught and said in words."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gpujobs.workflows import get, node_facts, validate
from gpujobs.workflows.graphs import Graph
from tests.workflows.requests import built


@pytest.fixture
def graph() -> Graph:
    return built(get("portrait"))


def changed(node: str, **inputs: Any) -> Callable[[Graph], None]:
    return lambda graph: graph[node]["inputs"].update(inputs)


def test_the_graph_itself_is_sound(graph: Graph) -> None:
    assert validate(graph, node_facts()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda graph: graph["decode"].update(class_type="VAEDecodeTwice"), "there is no such node class"),
        (lambda graph: graph["decode"]["inputs"].pop("vae"), "the required input vae is missing"),
        (changed("decode", colour="red"), "colour is not an input of this class"),
        (changed("decode", vae=["checkpoint", 1]), "vae wants VAE and is linked to CLIP of checkpoint"),
        (changed("decode", vae=["checkpoint", 3]), "is linked to output 3 of checkpoint (CheckpointLoaderSimple)"),
        (changed("decode", vae=["checkpoint", -1]), "is linked to output -1"),
        (changed("decode", vae=["nobody", 0]), "is linked to nobody, which is not in the graph"),
        (changed("decode", vae="checkpoint"), "vae wants a link to VAE and has the value 'checkpoint'"),
        (changed("sampler", sampler_name="dpmpp_5m"), "sampler_name is 'dpmpp_5m', which is not in the list"),
        (changed("sampler", sampler_name=["latent", 0]), "must be chosen from a list and is linked to latent"),
        (changed("sampler", steps=0), "steps is 0, below the least, 1"),
        (changed("sampler", steps=10_001), "steps is 10001, above the most, 10000"),
        (changed("sampler", steps="8"), "steps wants INT and is '8'"),
        (changed("sampler", steps=8.0), "steps wants INT and is 8.0"),
        (changed("sampler", steps=True), "steps wants INT and is True"),
        (changed("sampler", denoise=1.5), "denoise is 1.5, above the most, 1.0"),
        (changed("latent", width=900), "width is 900, not in steps of 8"),
        (changed("faceid", weight=0.62), "weight is 0.62, not in steps of 0.05"),
        (changed("positive", text=7), "text wants STRING and is 7"),
        (changed("photo", image=7), "image wants STRING and is 7"),
        (changed("checkpoint", ckpt_name=7), "ckpt_name wants STRING and is 7"),
        (lambda graph: graph.pop("save"), "there is no output node"),
        (
            lambda graph: graph.update(again=copy.deepcopy(graph["save"])),
            "there are several output nodes: save, again",
        ),
        (
            lambda graph: graph.update(look={"class_type": "PreviewImage", "inputs": {"images": ["decode", 0]}}),
            "there are several output nodes: save, look",
        ),
        (
            lambda graph: graph.update(dead={"class_type": "VAELoader", "inputs": {"vae_name": "a.safetensors"}}),
            "dead (VAELoader): nothing uses it",
        ),
        (changed("faceid", model=["instantid", 0]), "its own result flows back into it"),
    ],
)
def test_a_mistake_is_said_in_words(graph: Graph, change: Callable[[Graph], Any], words: str) -> None:
    change(graph)
    problems = validate(graph, node_facts())
    assert any(words in problem for problem in problems), problems


def test_a_node_linked_to_itself_is_caught(graph: Graph) -> None:
    graph["faceid"]["inputs"]["model"] = ["faceid", 0]
    assert "faceid (IPAdapterFaceID): its own result flows back into it" in validate(graph, node_facts())


def test_a_mistake_in_an_input_that_came_with_a_choice_is_caught() -> None:
    graph = built(get("living_video"))
    graph["save"]["inputs"]["crf"] = 101
    assert validate(graph, node_facts()) == ["save (VHS_VideoCombine): crf is 101, above the most, 100"]
    graph["save"]["inputs"] |= {"crf": 19, "format": "image/gif"}
    assert "save (VHS_VideoCombine): crf is not an input of this class" in validate(graph, node_facts())


def test_model_files_are_looked_for_only_when_asked(graph: Graph) -> None:
    host = copy.deepcopy(node_facts())
    host["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0] = ["another.safetensors"]
    assert validate(graph, host) == []
    problems = validate(graph, host, model_files=True)
    assert any(problem.startswith("checkpoint (CheckpointLoaderSimple): ckpt_name is 'Dream") for problem in problems)


def test_a_host_with_another_wrapper_version_is_told_apart() -> None:
    """The CogVideoX wrapper of 2024-11-27 takes other inputs: ComfyUI drops the branch and calls it a success."""
    host = copy.deepcopy(node_facts())
    host["CogVideoSampler"]["input"]["required"] = {
        name: spec
        for name, spec in host["CogVideoSampler"]["input"]["required"].items()
        if name not in {"height", "width", "pipeline"}
    } | {"model": ["COGVIDEOMODEL"]}
    problems = validate(built(get("living_video")), host)
    assert "sampler (CogVideoSampler): the required input model is missing" in problems
    assert "sampler (CogVideoSampler): height is not an input of this class" in problems
