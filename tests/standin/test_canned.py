"""A stand-in that draws nothing, for measuring whoever drives it."""

from pathlib import Path
from typing import Any

import pytest

from gpujobs import workflows
from tests.standin.conftest import Start
from tests.standin.making import face_png, mp4, png, sampled
from tests.standin.talking import Comfy


def portrait(comfy: Comfy, photo: bytes) -> dict[str, Any]:
    """The record of a portrait made from that photo."""
    comfy.upload("photo.png", photo)
    comfy.upload("pose.png", png())
    images = {"photo": "photo.png", "pose": "pose.png"}
    return comfy.run(workflows.get("portrait").build({}, images=images, seed=1, output_prefix="t/out"))


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "result.png"
    path.write_bytes(png((1, 2, 3), (32, 32)))
    return path


def test_a_canned_result_is_given_by_every_output_and_the_steps_are_still_told(start: Start, result: Path) -> None:
    with Comfy(start(canned_result=result).instances[0].port) as comfy:
        socket = comfy.socket("me")
        record = comfy.run(sampled(steps=4), client_id="me")
        told = [message for message in socket.until("execution_success") if message["type"] == "progress"]
        socket.close()
        (listed,) = next(iter(record["outputs"].values()))["images"]
        answer = comfy.ask("GET", "/view", params=listed)
    assert [each["data"]["value"] for each in told] == [1, 2, 3, 4]
    assert answer.content == result.read_bytes()


def test_the_control_counts_what_an_instance_was_asked(start: Start) -> None:
    with Comfy(start().instances[0].port) as comfy:
        comfy.get("/queue")
        comfy.get("/queue")
        comfy.get("/history/none")
        assert comfy.get("/standin/requests") == {"GET /queue": 2, "GET /history": 1}


def test_a_canned_video_is_listed_under_gifs_with_a_picture_beside_it(
    start: Start, tmp_path: Path, result: Path
) -> None:
    video = tmp_path / "result.mp4"
    mp4(video, frames=4)
    instance = start(canned_result=result, canned_video=video).instances[0]
    with Comfy(instance.port) as comfy:
        comfy.upload("photo.png", png())
        graph = workflows.get("living_video").build({}, images={"photo": "photo.png"}, seed=1, output_prefix="t/out")
        (listed,) = comfy.run(graph)["outputs"]["save"]["gifs"]
        assert comfy.ask("GET", "/view", params=listed).content == video.read_bytes()
    left = sorted(path.name for path in (instance.folders.output / "t").iterdir())
    assert left == ["out_00001.mp4", "out_00001.png"]


def test_a_photo_without_a_face_is_refused_where_nothing_is_drawn(start: Start, result: Path) -> None:
    with Comfy(start(canned_result=result).instances[0].port) as comfy:
        kind, said = portrait(comfy, png())["status"]["messages"][-1]
    assert (kind, said["exception_message"]) == ("execution_error", "InsightFace: No face detected.")
    with Comfy(start(canned_result=result, root="other").instances[0].port) as comfy:
        assert portrait(comfy, face_png())["status"]["completed"]


def test_a_full_disk_and_a_cut_or_missing_or_vanished_file_strike_canned_results_too(
    start: Start, result: Path
) -> None:
    with Comfy(start(canned_result=result).instances[0].port) as comfy:
        comfy.faults(save_disk_full=1)
        assert comfy.run(sampled(seed=1))["status"]["messages"][-1][1]["exception_type"] == "OSError"
        comfy.faults(truncate_outputs=1)
        (cut,) = comfy.run(sampled(seed=2, prefix="t/cut"))["outputs"]["9"]["images"]
        assert len(comfy.ask("GET", "/view", params=cut).content) == len(result.read_bytes()) // 2
        comfy.faults(missing_outputs=1)
        assert comfy.run(sampled(seed=3, prefix="t/none"))["outputs"]["9"]["images"] == []
        comfy.faults(vanished_outputs=1)
        (gone,) = comfy.run(sampled(seed=4, prefix="t/gone"))["outputs"]["9"]["images"]
        assert comfy.ask("GET", "/view", params=gone).status_code == 404
