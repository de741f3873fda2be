"""What the portal relies on, of the stand-in and, with COMFYUI_URL set, of a real ComfyUI."""

import io
import random
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from gpujobs.comfyui import (
    ComfyUI,
    Event,
    Executed,
    Executing,
    ExecutionCached,
    ExecutionInterrupted,
    ExecutionStart,
    ExecutionSuccess,
    FileGone,
    OutputFile,
    Preview,
    Progress,
    PromptRefused,
    Record,
    Refused,
    SocketSilent,
    Status,
)

PATIENCE = 60.0
Graph = dict[str, Any]


def picture(width: int = 64, height: int = 80) -> bytes:
    """A picture like no other: a server that has seen it before would answer from its cache."""
    content = io.BytesIO()
    Image.frombytes("RGB", (width, height), random.randbytes(width * height * 3)).save(content, "PNG")
    return content.getvalue()


def scaling(image: str, prefix: str) -> Graph:
    scale = {"image": ["1", 0], "upscale_method": "lanczos", "width": 96, "height": 120, "crop": "disabled"}
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": image}},
        "2": {"class_type": "ImageScale", "inputs": scale},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": prefix}},
    }


def sampling(comfy: ComfyUI, prefix: str, steps: int) -> Graph:
    loader = comfy.object_info("CheckpointLoaderSimple")["CheckpointLoaderSimple"]
    checkpoint = loader["input"]["required"]["ckpt_name"][0][0]
    sampler = {
        "model": ["4", 0],
        "positive": ["6", 0],
        "negative": ["7", 0],
        "latent_image": ["5", 0],
        "seed": random.randrange(2**48),
        "steps": steps,
        "cfg": 4.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1.0,
    }
    return {
        "3": {"class_type": "KSampler", "inputs": sampler},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}},
        "5": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 128, "height": 128, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "영정 사진"}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "bad"}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": prefix}},
    }


@pytest.fixture
def folder() -> str:
    return f"portal/{uuid.uuid4().hex}"


@pytest.fixture
def client_id() -> str:
    return uuid.uuid4().hex


@pytest.fixture(autouse=True)
def _idle(comfy: ComfyUI) -> Iterator[None]:
    """Nothing of one test runs on into the next."""
    yield
    queue = comfy.queue()
    comfy.delete_pending(queued.prompt_id for queued in queue.pending)
    if queue.running:
        comfy.interrupt()
        wait_for(lambda: not len(comfy.queue()))


def wait_for(look: Any) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (seen := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return seen


def events_of(comfy: ComfyUI, client_id: str, graph: Graph, *, previews: bool = False) -> tuple[Record, list[Event]]:
    """Run a graph to its end: its record, and what was said of it meanwhile."""
    heard: list[Event] = []
    with comfy.follow(client_id, previews=previews) as follower:
        accepted = comfy.prompt(graph, client_id=client_id, extra_data={"portal_attempt": client_id})
        assert accepted.node_errors == {}
        for event in follower.events(PATIENCE):
            heard.append(event)
            if event == Executing(None, accepted.prompt_id):
                break
    record = comfy.history(accepted.prompt_id)
    assert record is not None, "the history is written before the last message"
    return record, heard


def run(comfy: ComfyUI, graph: Graph) -> Record:
    return events_of(comfy, uuid.uuid4().hex, graph)[0]


def content_of(comfy: ComfyUI, file: OutputFile) -> bytes:
    with comfy.view(file) as download:
        return b"".join(download)


def test_a_picture_goes_there_is_scaled_and_comes_back(comfy: ComfyUI, folder: str, client_id: str) -> None:
    stored = comfy.upload("photo.png", picture(), subfolder=folder)
    assert (stored.name, stored.subfolder, stored.type) == ("photo.png", folder, "input")
    record, heard = events_of(comfy, client_id, scaling(stored.path, f"{folder}/out"))

    told = [event for event in heard if not isinstance(event, Status)]
    assert isinstance(told[0], ExecutionStart)
    assert told[1] == ExecutionCached(record.prompt_id, ())
    assert told[2:5] == [Executing(node, record.prompt_id) for node in ("1", "2", "3")]
    assert isinstance(told[5], Executed)
    assert isinstance(told[6], ExecutionSuccess)
    assert told[7:] == [Executing(None, record.prompt_id)]

    assert (record.status_str, record.completed, record.failure, record.interrupted) == ("success", True, None, False)
    assert record.extra_data["portal_attempt"] == client_id
    assert 0 <= (record.ended_at or 0) - (record.started_at or 0) < PATIENCE * 1000
    (file,) = record.files("3")
    assert (file.filename, file.subfolder, file.type) == ("out_00001_.png", folder, "output")
    with Image.open(io.BytesIO(content_of(comfy, file))) as image:
        assert (image.format, image.size) == ("PNG", (96, 120))


def test_another_picture_of_the_same_name_is_given_another(comfy: ComfyUI, folder: str) -> None:
    first, other = picture(), picture()
    assert comfy.upload("photo.png", first, subfolder=folder).name == "photo.png"
    assert comfy.upload("photo.png", io.BytesIO(first), subfolder=folder).name == "photo.png"
    assert comfy.upload("photo.png", other, subfolder=folder).name == "photo (1).png"
    stored = comfy.upload("photo.png", other, subfolder=folder, overwrite=True)
    assert stored.name == "photo.png"
    with comfy.view(stored) as download:
        assert download.size == len(other)
        assert b"".join(download) == other


def test_a_korean_name_stays_as_it_is(comfy: ComfyUI, folder: str) -> None:
    content = picture()
    stored = comfy.upload('영정 "사진".png', content, subfolder=folder)
    assert stored.name.startswith("영정 ")
    with comfy.view(stored) as download:
        assert b"".join(download) == content


def test_a_folder_outside_is_refused(comfy: ComfyUI) -> None:
    with pytest.raises(Refused) as caught:
        comfy.upload("photo.png", b"", subfolder="../../..")
    assert caught.value.status == 400


def test_a_file_that_is_too_large_is_refused_by_its_size(comfy: ComfyUI, folder: str) -> None:
    with pytest.raises(Refused) as caught:
        comfy.upload("large.mp4", bytes(101 * 2**20), subfolder=folder)
    assert caught.value.status == 413


def test_a_file_is_read_on_from_any_byte(comfy: ComfyUI, folder: str) -> None:
    content = picture(200, 200)
    stored = comfy.upload("photo.png", content, subfolder=folder)
    with comfy.view(stored, first_byte=70_000) as download:
        assert download.size == len(content) - 70_000
        assert b"".join(download) == content[70_000:]


def test_a_file_that_was_never_there_is_gone(comfy: ComfyUI, folder: str) -> None:
    with pytest.raises(FileGone), comfy.view(OutputFile("none.png", folder, "output")):
        pass


def test_steps_and_previews_are_told(comfy: ComfyUI, folder: str, client_id: str) -> None:
    record, heard = events_of(comfy, client_id, sampling(comfy, f"{folder}/out", steps=6), previews=True)
    steps = [event for event in heard if isinstance(event, Progress)]
    assert steps == [Progress(step, 6, "3", record.prompt_id) for step in range(1, 7)]
    previews = [event for event in heard if isinstance(event, Preview)]
    assert previews
    for preview in previews:
        assert preview.format == "image/jpeg"
        with Image.open(io.BytesIO(preview.data)) as image:
            assert image.format == "JPEG"
            image.load()
    (file,) = record.files("9")
    with Image.open(io.BytesIO(content_of(comfy, file))) as image:
        assert image.size == (128, 128)


def test_a_rerun_is_answered_from_the_cache_and_names_the_old_file(comfy: ComfyUI, folder: str) -> None:
    stored = comfy.upload("photo.png", picture(), subfolder=folder)
    graph = scaling(stored.path, f"{folder}/out")
    first, second = run(comfy, graph), run(comfy, graph)
    assert first.cached_nodes == frozenset()
    assert second.cached_nodes == {"1", "2", "3"}
    assert second.files("3") == first.files("3")


def test_the_queue_tells_what_runs_and_what_waits(comfy: ComfyUI, folder: str, client_id: str) -> None:
    sent = []
    for number in range(3):
        graph = sampling(comfy, f"{folder}/{number}", steps=10_000)
        extra = {"portal_attempt": f"attempt-{number}"}
        sent.append(comfy.prompt(graph, client_id=client_id, extra_data=extra).prompt_id)
    queue = wait_for(lambda: (seen := comfy.queue()).running and seen)
    assert [queued.prompt_id for queued in queue.running + queue.pending] == sent
    assert [queued.extra_data["portal_attempt"] for queued in queue.pending] == ["attempt-1", "attempt-2"]
    assert {queued.client_id for queued in queue.running + queue.pending} == {client_id}
    assert [comfy.history(prompt_id) for prompt_id in sent] == [None, None, None]

    # What runs is not taken back, and what is unknown does no harm.
    comfy.delete_pending([sent[1], sent[0], "unknown"])
    queue = comfy.queue()
    assert [queued.prompt_id for queued in queue.running + queue.pending] == [sent[0], sent[2]]
    assert comfy.history(sent[1]) is None


def test_an_interrupted_prompt_says_so(comfy: ComfyUI, folder: str, client_id: str) -> None:
    graph = sampling(comfy, f"{folder}/out", steps=10_000)
    with comfy.follow(client_id) as follower:
        prompt_id = comfy.prompt(graph, client_id=client_id, extra_data={}).prompt_id
        for event in follower.events(PATIENCE):
            if event == Progress(2, 10_000, "3", prompt_id):
                comfy.interrupt(prompt_id)
            if isinstance(event, ExecutionInterrupted):
                assert event == ExecutionInterrupted(prompt_id, "3", "KSampler")
            if event == Executing(None, prompt_id):
                break
    record = comfy.history(prompt_id)
    assert record is not None
    assert (record.interrupted, record.failure, record.completed, record.status_str) == (True, None, False, "error")
    assert record.files("9") == []
    assert len(comfy.queue()) == 0
    # An interrupt with nothing to hit hits nothing that comes after it.
    comfy.interrupt()
    assert run(comfy, sampling(comfy, f"{folder}/next", steps=2)).completed


def test_a_node_that_fails_is_named(comfy: ComfyUI, folder: str) -> None:
    stored = comfy.upload("photo.png", b"this is no picture", subfolder=folder)
    record = run(comfy, scaling(stored.path, f"{folder}/out"))
    assert (record.completed, record.interrupted, record.status_str) == (False, False, "error")
    assert record.failure is not None
    assert (record.failure.node_id, record.failure.node_type) == ("1", "LoadImage")
    assert record.failure.exception_type.endswith("UnidentifiedImageError")
    assert "cannot identify image file" in record.failure.message
    assert record.ended_at is not None


def broken(change: Any) -> Graph:
    graph = scaling("no-such-file.png", "out")
    del graph["1"]
    graph["2"]["inputs"]["image"] = ["4", 0]
    graph["4"] = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}
    change(graph)
    return graph


REFUSED = {
    "an unknown class": (lambda graph: graph["2"].update(class_type="NoSuchNode"), "NoSuchNode", set()),
    "no class": (lambda graph: graph["2"].pop("class_type"), "class_type", set()),
    "no output": (lambda graph: graph.pop("3"), "no outputs", set()),
    "a number out of bounds": (lambda graph: graph["2"]["inputs"].update(width=10**6), "failed validation", {"2"}),
    "a choice that is none": (lambda graph: graph["2"]["inputs"].update(crop="round"), "failed validation", {"2"}),
    "an input missing": (lambda graph: graph["2"]["inputs"].pop("width"), "failed validation", {"2"}),
    "a picture missing": (
        lambda graph: graph.update({"4": {"class_type": "LoadImage", "inputs": {"image": "no-such-file.png"}}}),
        "failed validation",
        {"4"},
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_graph_is_refused_with(comfy: ComfyUI, client_id: str, what: str) -> None:
    change, words, nodes = REFUSED[what]
    with pytest.raises(PromptRefused, match=words) as caught:
        comfy.prompt(broken(change), client_id=client_id, extra_data={})
    assert caught.value.status == 400
    assert set(caught.value.node_errors) == nodes
    assert len(comfy.queue()) == 0


def test_a_graph_that_is_half_good_is_accepted_with_its_errors(comfy: ComfyUI, folder: str, client_id: str) -> None:
    graph = broken(lambda graph: None)
    graph["3"]["inputs"]["filename_prefix"] = f"{folder}/out"
    graph["5"] = {"class_type": "LoadImage", "inputs": {"image": "no-such-file.png"}}
    graph["6"] = {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": f"{folder}/bad"}}
    accepted = comfy.prompt(graph, client_id=client_id, extra_data={})
    assert set(accepted.node_errors) == {"5"}
    record = wait_for(lambda: comfy.history(accepted.prompt_id))
    assert record.completed
    assert len(record.files("3")) == 1
    assert record.files("6") == []


def test_a_forgotten_prompt_leaves_no_record_but_its_file(comfy: ComfyUI, folder: str) -> None:
    stored = comfy.upload("photo.png", picture(), subfolder=folder)
    record = run(comfy, scaling(stored.path, f"{folder}/out"))
    assert list(comfy.histories(max_items=1)) == [record.prompt_id]
    assert record.prompt_id in comfy.histories()
    comfy.delete_history([record.prompt_id, "unknown"])
    assert comfy.history(record.prompt_id) is None
    assert content_of(comfy, record.files("3")[0])


def test_the_newer_of_two_sockets_hears(comfy: ComfyUI, folder: str, client_id: str) -> None:
    stored = comfy.upload("photo.png", picture(), subfolder=folder)
    with comfy.follow(client_id) as older:
        events_of(comfy, client_id, scaling(stored.path, f"{folder}/out"))
        heard: list[Event] = []
        with pytest.raises(SocketSilent):
            heard.extend(older.events(1))
        assert not any(isinstance(event, Executing) for event in heard)


def test_classes_and_the_command_line_are_told(comfy: ComfyUI) -> None:
    assert comfy.object_info("NoSuchNode") == {}
    assert comfy.object_info("SaveImage")["SaveImage"]["output_node"] is True
    assert {"LoadImage", "KSampler"} <= set(comfy.object_info())
    stats = comfy.system_stats()
    assert {"--input-directory", "--output-directory", "--temp-directory"} <= set(stats["system"]["argv"])
    assert stats["devices"]


def test_memory_is_freed_on_request(comfy: ComfyUI) -> None:
    comfy.free()
    assert comfy.queue().running == ()
