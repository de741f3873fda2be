"""The flaws listed for the seed's four graphs stay out of ours."""

from typing import Any

import pytest

from gpujobs.workflows import NODE_CLASSES_IN_USE, Workflow, get, names, node_facts
from gpujobs.workflows.graphs import Graph, sources
from gpujobs.workflows.parameters import Whole
from tests.workflows.requests import built, every_choice, images_of

each_workflow = pytest.mark.parametrize("workflow", [get(name) for name in names()], ids=names())


def nodes(graph: Graph, class_type: str) -> list[dict[str, Any]]:
    return [node["inputs"] for node in graph.values() if node["class_type"] == class_type]


def test_the_portrait_is_made_from_one_photo_and_a_pose_the_project_draws() -> None:
    portrait = get("portrait")
    assert [each.slot for each in portrait.inputs if each.required] == ["photo"]
    assert portrait.drawn({}, brought={"photo"}).keys() == {"pose"}
    assert portrait.drawn({}, brought={"photo", "pose"}) == {}


@each_workflow
def test_noise_alone_is_denoised_wholly(workflow: Workflow) -> None:
    graph = built(workflow)
    for sampler in nodes(graph, "KSampler"):
        assert graph[sampler["latent_image"][0]]["class_type"] == "EmptyLatentImage"
        assert sampler["denoise"] == 1.0
    for sampler in nodes(graph, "CogVideoSampler"):
        assert sampler["denoise_strength"] == 1.0


@pytest.mark.parametrize("name", ["portrait", "life_scene"])
def test_a_turbo_model_is_sampled_as_its_page_asks(name: str) -> None:
    """CFG 2, 4 to 8 steps, DPM++ SDE Karras and not 2M."""
    workflow = get(name)
    for steps in (4, 8):
        (sampler,) = nodes(built(workflow, {"steps": steps}), "KSampler")
        wanted = {"steps": steps, "cfg": 2.0, "sampler_name": "dpmpp_sde", "scheduler": "karras"}
        assert sampler.items() >= wanted.items()
    (allowed,) = [param for param in workflow.params if isinstance(param, Whole)]
    assert (allowed.low, allowed.high) == (4, 8)


@pytest.mark.parametrize("name", ["portrait", "life_scene"])
def test_a_faceid_lora_comes_with_its_adapter_and_the_right_faces(name: str) -> None:
    graph = built(get(name))
    (adapter,) = nodes(graph, "IPAdapterFaceID")
    (lora,) = nodes(graph, "LoraLoaderModelOnly")
    assert lora["lora_name"] == "ip-adapter-faceid-plusv2_sdxl_lora.safetensors"
    assert graph[adapter["ipadapter"][0]]["inputs"]["ipadapter_file"] == "ip-adapter-faceid-plusv2_sdxl.bin"
    assert graph[adapter["insightface"][0]]["inputs"]["model_name"] == "buffalo_l"
    assert "faceid_lora" in sources(graph, adapter["model"][0])


@each_workflow
def test_both_prompts_are_read_by_the_same_text_encoder(workflow: Workflow) -> None:
    graph = built(workflow)
    encoders = nodes(graph, "CLIPTextEncode")
    assert len({tuple(each["clip"]) for each in encoders}) <= 1
    loaders = [name for name, node in graph.items() if node["class_type"] == "CLIPLoader"]
    for each in nodes(graph, "CogVideoTextEncode"):
        assert sources(graph, each["clip"][0]) & set(loaders) == set(loaders)


@each_workflow
def test_all_trained_parts_of_a_graph_belong_to_one_base_model(workflow: Workflow) -> None:
    assert len({each.base for each in workflow.models if each.base}) <= 1


@each_workflow
def test_every_model_file_in_the_graph_is_in_the_models_table_and_the_other_way_round(workflow: Workflow) -> None:
    for params in every_choice(workflow):
        graph = built(workflow, params)
        wanted = {loader: set() for each in workflow.models for loader in each.loaders}
        for each in workflow.models_for(params):
            for loader in each.loaders:
                wanted[loader].add(each.file)
        for (class_type, name), files in wanted.items():
            used = {inputs[name].removeprefix("THUDM/") for inputs in nodes(graph, class_type)}
            assert used == files, params


@each_workflow
def test_every_loader_of_model_files_is_known_to_the_models_table(workflow: Workflow) -> None:
    known = {class_type for each in workflow.models for class_type, _ in each.loaders} | {"InstantIDFaceAnalysis"}
    loading = {each.name for each in workflow.node_classes if "Loader" in each.name or "AndLoad" in each.name}
    assert loading <= known


def test_three_photos_are_padded_to_one_square_before_they_meet() -> None:
    graph = built(get("life_scene"))
    sizes = set()
    for photo in ("photo_1", "photo_2", "photo_3"):
        (square,) = [each for each in nodes(graph, "ImageResize+") if each["image"] == [photo, 0]]
        assert square["method"] == "pad"
        sizes.add((square["width"], square["height"]))
    assert sizes == {(1024, 1024)}
    assert {photo for photo in images_of(get("life_scene")) if photo.startswith("photo")} <= sources(graph, "photos")
    for adapter in nodes(graph, "IPAdapterFaceID") + nodes(graph, "ApplyInstantIDAdvanced"):
        assert adapter["image"] == ["photos", 0]


def test_nothing_is_shown_instead_of_saved() -> None:
    assert not {"PreviewImage", "Display Any (rgthree)"} & set(NODE_CLASSES_IN_USE)


@pytest.mark.parametrize("shape", ["5x7", "3x4", "4x5", "square"])
def test_an_upright_picture_keeps_its_shape_and_its_ground_grows_to_the_frame(shape: str) -> None:
    graph = built(get("living_video"), {"shape": shape})
    width = graph["window"]["inputs"]["width"]
    left, right = (graph[f"{side}_stretched"]["inputs"]["width"] for side in ("left", "right"))
    assert left + width + right == graph["sampler"]["inputs"]["width"] == 720
    assert graph["right_edge"]["inputs"]["x"] + graph["right_edge"]["inputs"]["width"] == width
    cut = graph["cut_back"]["inputs"]
    assert (cut["x"], cut["width"], cut["height"]) == (left, width, 480)
    assert width % 8 == 0
    assert graph["sampler"]["inputs"]["image_cond_latents"] == ["first_frame", 0]
    assert "photo" in sources(graph, "first_frame")


def test_a_wide_picture_fills_the_frame() -> None:
    graph = built(get("living_video"), {"shape": "wide"})
    assert graph["first_frame"]["inputs"]["image"] == ["window", 0]
    assert graph["save"]["inputs"]["images"] == ["decode", 0]


def test_the_living_video_plays_at_the_rate_it_was_made_for() -> None:
    graph = built(get("living_video"))
    assert graph["sampler"]["inputs"]["num_frames"] == 49
    assert graph["save"]["inputs"]["frame_rate"] == 8


def test_decoding_is_tiled_and_no_seam_runs_through_a_face() -> None:
    """Tiles are 600 wide and meet from 480 to 600; the face is in the middle of the 720."""
    decode = built(get("living_video"))["decode"]["inputs"]
    assert decode["enable_vae_tiling"] is True
    assert decode["auto_tile_size"] is False
    seam = decode["tile_sample_min_width"] * (1 - decode["tile_overlap_factor_width"])
    assert seam >= 360 + 480 / 4
    assert decode["tile_sample_min_height"] == 480


def test_the_text_encoder_leaves_the_gpu_after_the_second_prompt_and_not_in_between() -> None:
    graph = built(get("living_video"))
    assert graph["positive"]["inputs"]["force_offload"] is False
    assert graph["negative"]["inputs"]["clip"] == ["positive", 1]
    assert graph["negative"]["inputs"]["force_offload"] is True


@each_workflow
def test_what_a_node_would_download_is_marked_so_that_it_is_looked_for_on_the_disk(workflow: Workflow) -> None:
    downloading = {"DownloadAndLoadCogVideoModel", "FILM VFI", "IPAdapterInsightFaceLoader"}
    for model in workflow.models:
        classes = {class_type for class_type, _ in model.loaders}
        assert model.fetches_when_missing == (bool(classes & downloading) or model.file == "antelopev2")
        assert model.listed != model.fetches_when_missing


def test_every_class_in_use_is_in_the_node_facts() -> None:
    assert set(NODE_CLASSES_IN_USE) <= node_facts().keys()
