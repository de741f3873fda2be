"""Each fault on demand does what its name says, and the ledger tells what was really run."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from gpujobs.standin.instance import Instance

from .conftest import Start
from .making import png, sampled, scaled
from .talking import Comfy


@pytest.fixture
def instance(start: Start) -> Instance:
    return start().instances[0]


@pytest.fixture
def comfy(instance: Instance) -> Comfy:
    return Comfy(instance.port)


def failure(record: dict[str, Any]) -> dict[str, Any]:
    assert record["status"]["status_str"] == "error"
    kind, data = record["status"]["messages"][-1]
    assert kind == "execution_error"
    return dict(data)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answers(comfy: Comfy) -> bool:
    try:
        comfy.get("/prompt")
    except requests.ConnectionError:
        return False
    return True


def test_control_is_off_unless_asked_for(start: Start) -> None:
    plain = Comfy(start(control=False).instances[0].port)
    assert plain.ask("GET", "/standin/ledger").status_code == 404
    assert plain.ask("POST", "/standin/faults", json={"oom": 1}).status_code in {404, 405}


def test_an_unknown_fault_is_refused(comfy: Comfy) -> None:
    assert comfy.post("/standin/faults", {"rain": 1}).status_code == 400
    assert comfy.post("/standin/faults", {"oom": "many"}).status_code == 400


def test_out_of_memory_fails_one_execution(comfy: Comfy) -> None:
    comfy.faults(oom=1)
    failed = failure(comfy.run(sampled()))
    assert failed["exception_type"] == "torch.OutOfMemoryError"
    assert failed["node_type"] == "KSampler"
    assert comfy.run(sampled(seed=2))["status"]["completed"]


def test_out_of_memory_can_leave_the_process_wedged_until_a_restart(comfy: Comfy, instance: Instance) -> None:
    comfy.faults(oom=1, oom_wedges=True)
    failure(comfy.run(sampled()))
    stuck = comfy.prompt(sampled(seed=2))
    comfy.post("/interrupt")
    time.sleep(0.3)
    assert comfy.get("/queue")["queue_running"][0][1] == stuck
    instance.restart()
    assert comfy.get("/queue")["queue_running"] == []
    assert comfy.run(sampled(seed=3))["status"]["completed"]
    assert [entry["outcome"] for entry in comfy.ledger()] == ["error", "killed", "success"]


def test_a_cuda_error_poisons_the_process_until_a_restart(comfy: Comfy, instance: Instance) -> None:
    comfy.faults(cuda_error=1)
    for seed in (1, 2):
        failed = failure(comfy.run(sampled(seed=seed)))
        assert failed["exception_message"].startswith("CUDA error: an illegal memory access")
    instance.restart()
    assert comfy.run(sampled(seed=3))["status"]["completed"]


def test_a_restart_over_http_loses_queue_history_and_temp_but_not_files(comfy: Comfy, instance: Instance) -> None:
    comfy.upload("photo.png", png())
    done = comfy.prompt(scaled())
    comfy.finished(done)
    comfy.faults(restart=0.3)
    wait_until(lambda: not answers(comfy))
    wait_until(lambda: answers(comfy))
    assert comfy.get(f"/history/{done}") == {}
    assert (instance.folders.output / "t" / "scaled_00001_.png").exists()
    assert (instance.folders.input / "photo.png").exists()
    assert len(comfy.ledger()) == 1


def test_a_frozen_server_takes_connections_and_says_nothing(comfy: Comfy) -> None:
    comfy.faults(frozen=True)
    with pytest.raises(requests.ReadTimeout):
        comfy.session.get(f"{comfy.url}/queue", timeout=0.3)
    comfy.faults(frozen=False)
    assert comfy.get("/prompt")


def test_a_refusing_port_leaves_the_job_running(comfy: Comfy, instance: Instance) -> None:
    prompt_id = comfy.prompt(sampled(steps=200))
    comfy.faults(refuse=0.3)
    time.sleep(0.1)
    with pytest.raises(requests.ConnectionError):
        Comfy(instance.port).get("/queue")
    time.sleep(0.5)
    assert comfy.finished(prompt_id)["status"]["completed"]
    assert len(comfy.ledger()) == 1


def test_a_lost_answer_still_queues_the_prompt(comfy: Comfy) -> None:
    comfy.faults(lose_prompt_answers=1)
    with pytest.raises(requests.ConnectionError):
        comfy.prompt(sampled(), extra_data={"portal_attempt": "a-1"})
    wait_until(lambda: bool(comfy.get("/history")))
    (entry,) = comfy.ledger()
    assert entry["extra_data"]["portal_attempt"] == "a-1"
    assert entry["sampler_steps"] == 4
    assert entry["ended"] >= entry["started"]


def test_a_mute_socket_stays_open_and_says_nothing(comfy: Comfy) -> None:
    socket = comfy.socket("me")
    socket.until("status")
    comfy.faults(mute=True)
    comfy.run(sampled(), client_id="me")
    with pytest.raises(queue.Empty):
        socket.heard.get(timeout=0.3)
    socket.close()


def test_dropped_sockets_end_without_a_word(comfy: Comfy) -> None:
    socket = comfy.socket("me")
    socket.until("status")
    comfy.faults(drop_sockets=True)
    assert socket.next() is None


def test_history_may_lag_and_forget(comfy: Comfy) -> None:
    comfy.faults(history_lag=0.5)
    socket = comfy.socket("me")
    prompt_id = comfy.prompt(sampled(), client_id="me")
    socket.until("execution_success")
    assert comfy.get(f"/history/{prompt_id}") == {}
    assert comfy.finished(prompt_id)["status"]["completed"]
    comfy.faults(history_lag=0, history_limit=1)
    second = comfy.prompt(sampled(seed=2))
    comfy.finished(second)
    assert list(comfy.get("/history")) == [second]
    comfy.faults(forget_history=True)
    assert comfy.get("/history") == {}
    socket.close()


def test_the_disk_may_be_full_for_uploads_and_results(comfy: Comfy) -> None:
    comfy.faults(upload_disk_full=1, save_disk_full=1)
    full = comfy.ask("POST", "/upload/image", files={"image": ("photo.png", png())})
    assert full.status_code == 500
    # What was written of it stays, so the next of that name gets another, unless it may take its place.
    assert comfy.upload("photo.png", png())["name"] == "photo (1).png"
    assert comfy.upload("photo.png", png(), overwrite="true")["name"] == "photo.png"
    failed = failure(comfy.run(scaled()))
    assert failed["exception_type"] == "OSError"
    assert "No space left on device" in failed["exception_message"]


def test_a_saved_file_may_be_cut_short_or_missing(comfy: Comfy) -> None:
    comfy.upload("photo.png", png())
    comfy.faults(truncate_outputs=1)
    (cut,) = comfy.run(scaled())["outputs"]["3"]["images"]
    body = comfy.ask("GET", "/view", params=cut).content
    assert body.startswith(b"\x89PNG")
    assert not body.endswith(b"IEND\xaeB`\x82")
    comfy.faults(missing_outputs=1)
    assert comfy.run(scaled(prefix="t/none"))["outputs"]["3"]["images"] == []


def test_slowness_stretches_every_step(comfy: Comfy) -> None:
    comfy.faults(slowness=20)
    begun = time.monotonic()
    comfy.run(sampled(steps=10))
    assert time.monotonic() - begun > 20 * 10 * 0.002


def test_an_answer_from_the_cache_costs_no_gpu(comfy: Comfy) -> None:
    comfy.run(sampled())
    comfy.run(sampled())
    first, second = comfy.ledger()
    assert (first["nodes_run"], first["sampler_steps"]) == (6, 4)
    assert (second["nodes_run"], second["sampler_steps"], second["outcome"]) == (0, 0, "success")


def test_an_interrupt_hits_whatever_runs(comfy: Comfy) -> None:
    first = comfy.prompt(sampled(steps=2000))
    second = comfy.prompt(sampled(seed=2))
    stop = threading.Timer(0.2, comfy.post, ["/interrupt", {"prompt_id": second}])
    stop.start()
    assert comfy.finished(first)["status"]["messages"][-1][0] == "execution_interrupted"
    assert comfy.finished(second)["status"]["completed"]
    assert [entry["outcome"] for entry in comfy.ledger()] == ["interrupted", "success"]


def loaded(seed: int = 1) -> dict[str, Any]:
    return {"prompt": sampled(seed=seed), "client_id": "me"}


def test_a_missing_class_or_model_refuses_one_graph_that_loads_a_model(comfy: Comfy) -> None:
    comfy.faults(missing_nodes=1, missing_models=1)
    comfy.upload("photo.png", png())
    assert comfy.run(scaled())["status"]["completed"]
    no_class = comfy.ask("POST", "/prompt", json=loaded())
    assert (no_class.status_code, no_class.json()["node_errors"]) == (400, [])
    assert no_class.json()["error"]["message"].endswith("node CheckpointLoaderSimple does not exist.")
    no_model = comfy.ask("POST", "/prompt", json=loaded())
    assert no_model.status_code == 400
    assert no_model.json()["node_errors"]["4"]["errors"][0]["type"] == "value_not_in_list"
    assert comfy.run(sampled())["status"]["completed"]


def test_a_half_accepted_graph_is_answered_200_and_makes_nothing(comfy: Comfy) -> None:
    comfy.faults(half_accepted=1)
    answer = comfy.ask("POST", "/prompt", json=loaded())
    assert (answer.status_code, list(answer.json()["node_errors"])) == (200, ["4"])
    record = comfy.finished(answer.json()["prompt_id"])
    assert (record["status"]["status_str"], record["outputs"]) == ("success", {})
    assert comfy.ledger()[0]["nodes_run"] == 0


def test_one_seed_fails_validation_wherever_it_is_sent(comfy: Comfy) -> None:
    comfy.faults(refused_seed=7)
    for _ in range(2):
        answer = comfy.ask("POST", "/prompt", json=loaded(seed=7))
        assert answer.status_code == 400
        assert answer.json()["node_errors"]["3"]["errors"][0]["type"] == "value_bigger_than_max"
    assert comfy.run(sampled(seed=8))["status"]["completed"]


def test_the_next_boot_may_be_slow(comfy: Comfy) -> None:
    comfy.faults(boot_seconds=0.6, restart=0.0)
    wait_until(lambda: not answers(comfy))
    begun = time.monotonic()
    wait_until(lambda: answers(comfy))
    assert time.monotonic() - begun > 0.3
    assert comfy.get("/standin/faults")["boot_seconds"] == 0


def test_the_clock_may_be_set_while_it_runs(comfy: Comfy) -> None:
    comfy.faults(clock_ahead=3600)
    (started,) = [said for kind, said in comfy.run(sampled())["status"]["messages"] if kind == "execution_start"]
    assert started["timestamp"] / 1000 > time.time() + 3000
