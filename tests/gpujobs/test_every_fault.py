"""Each fault of docs/faults.md that no other test throws: thrown for real, from the host to the job's end."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from gpujobs import faults, hosts, queueing, runner
from gpujobs.comfyui import ComfyUI
from gpujobs.models import Attempt, Instance, Job
from gpujobs.ssh import ConnectionLost
from gpujobs.standin import execution
from gpujobs.standin.facts import NodeFacts
from gpujobs.workflows import Workflow
from tests.gpujobs.fleet import QUICK, ended, fleet_of, in_state, wait_until
from tests.gpujobs.making import a_job, a_photo, a_result

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fleet(tmp_path):
    """One instance; what it makes costs no drawing, and what it is given is looked at all the same."""
    result = tmp_path / "result.png"
    result.write_bytes(a_result())
    with fleet_of(tmp_path, settings=replace(QUICK, canned_result=result)) as fleet:
        yield fleet


@pytest.fixture
def drawing(tmp_path):
    """One instance that really reads and draws."""
    with fleet_of(tmp_path, settings=QUICK) as fleet:
        yield fleet


@pytest.fixture
def two(tmp_path):
    result = tmp_path / "result.png"
    result.write_bytes(a_result())
    with fleet_of(tmp_path, instances=2, settings=replace(QUICK, canned_result=result)) as fleet:
        yield fleet


def attempts_of(job):
    return list(Attempt.objects.filter(job=job).order_by("number").values_list("state", "fault", "charged"))


def made(fleet, *jobs):
    queueing.submit(jobs)
    with fleet.driven():
        wait_until(ended(*jobs))
        wait_until(lambda: not Attempt.objects.filter(job__in=jobs, cleaned_at=None).exists())
    return [Job.objects.get(pk=job.pk) for job in jobs]


def until_tried(fleet, job):
    """Where nobody is left who could make it, the job waits: until its first try is over and the instance was asked
    again what it can make."""
    queueing.submit([job])
    with fleet.driven():
        wait_until(lambda: Attempt.objects.filter(job=job).exclude(fault="").exists())
        tried = Attempt.objects.get(job=job).instance_id
        wait_until(lambda: Instance.objects.get(pk=tried).state == "active")
        wait_until(lambda: "portrait" not in Instance.objects.get(pk=tried).workflows)
    return Job.objects.get(pk=job.pk)


# The photo's and the job's own


def test_bytes_that_are_no_picture_come_back_to_staff_at_once(drawing):
    (job,) = made(drawing, a_job(images={"photo": default_storage.save("test/torn.png", ContentFile(b"torn"))}))
    assert (job.state, job.fault, job.charged_attempts) == ("failed", "unreadable_photo", 0)
    assert attempts_of(job) == [("failed", "unreadable_photo", False)]
    assert Instance.objects.get().faults_in_row == 0
    assert drawing.residue() == []


def test_a_picture_that_the_portal_lost_ends_the_job_and_blames_no_instance(fleet):
    good = a_job(seed=9)
    lost, good = made(fleet, a_job(images={"photo": "test/never-there.png"}), good)
    assert (lost.state, lost.fault) == ("failed", "input_missing")
    assert good.state == "succeeded"
    assert Instance.objects.get().faults_in_row == 0


def test_a_parameter_out_of_its_range_ends_the_job_before_anything_is_posted(fleet):
    job = a_job()
    job.params = job.params | {"steps": 10_000}
    (job,) = made(fleet, job)
    assert (job.state, job.fault, job.charged_attempts) == ("failed", "invalid_graph", 0)
    assert fleet.standin.instances[0].requests["POST /prompt"] == 0
    assert fleet.residue() == []


def changed(monkeypatch, change):
    """Every graph with something put into it that no workflow of ours would."""
    build = Workflow.build

    def build_changed(self, *args, **kwargs):
        graph = build(self, *args, **kwargs)
        change(graph)
        return graph

    monkeypatch.setattr(Workflow, "build", build_changed)


def test_a_graph_that_comfyui_refuses_ends_the_job(fleet, monkeypatch):
    changed(monkeypatch, lambda graph: graph["sampler"]["inputs"].update(steps=-1))
    (job,) = made(fleet, a_job())
    assert (job.state, job.fault) == ("failed", "invalid_graph")
    assert "smaller than min" in job.fault_text or "failed validation" in job.fault_text
    assert Instance.objects.get().state == "active"


def test_a_prompt_accepted_without_some_of_its_nodes_is_taken_back_and_counts_as_refused(fleet, monkeypatch):
    stray = {"class_type": "SaveImage", "inputs": {"images": ["sampler", 0], "filename_prefix": "portal/stray"}}
    changed(monkeypatch, lambda graph: graph.update(stray=stray))
    monkeypatch.setattr("gpujobs.lane.FEED_SECONDS", 1.0)
    monkeypatch.setattr("gpujobs.lane.LEFTOVER_AFTER", timedelta(seconds=0))
    (job,) = made(fleet, a_job())
    assert (job.state, job.fault) == ("failed", "invalid_graph")
    assert fleet.standin.instances[0].requests["POST /prompt"] == 1
    assert fleet.residue() == []


# The instance's


def test_three_tries_that_fail_in_a_node_end_the_job_and_take_the_instance_out(fleet):
    instance = fleet.standin.instances[0]
    instance.faults.oom = 3
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(ended(job))
        assert Instance.objects.get().state == "out"
        wait_until(lambda: Instance.objects.get().state == "active")
    job.refresh_from_db()
    assert (job.state, job.fault, job.charged_attempts) == ("failed", "attempts_spent", 2)
    assert attempts_of(job) == [("failed", "out_of_memory", True)] * 3


def test_any_other_error_of_a_node_is_charged_and_tried_again(fleet, monkeypatch):
    perform, failed = execution.perform_canned, []

    def fail_once(run, inputs):
        if run.node_id == "sampler" and not failed:
            failed.append(True)
            raise IndexError("list index out of range")
        return perform(run, inputs)

    monkeypatch.setattr(execution, "perform_canned", fail_once)
    (job,) = made(fleet, a_job())
    assert attempts_of(job) == [("failed", "node_failed", True), ("succeeded", "", False)]


def test_a_node_package_that_is_gone_sends_the_job_to_the_other_instance(two):
    facts = NodeFacts()
    del facts._classes["ApplyInstantIDAdvanced"]
    two.standin.instances[0].process.facts = facts
    hosts.drain(two.instances[1])
    queueing.submit([job := a_job()])
    with two.driven():
        wait_until(lambda: Attempt.objects.filter(job=job, fault="missing_node").exists())
        hosts.resume(two.instances[1])
        wait_until(ended(job))
    assert attempts_of(job) == [("failed", "missing_node", False), ("succeeded", "", False)]
    assert Instance.objects.get(pk=two.instances[0].pk).fault == "missing_node"


def test_a_model_file_that_is_gone_takes_the_workflow_off_the_instance_and_costs_the_job_nothing(fleet):
    checkpoint = fleet.standin.instances[0].facts.models("CheckpointLoaderSimple", "ckpt_name")
    fleet.standin.instances[0].process.facts = NodeFacts(absent_models=set(checkpoint))
    job = until_tried(fleet, a_job())
    assert (job.state, job.charged_attempts, job.fault) == ("queued", 0, "missing_model")


def test_a_model_file_that_was_cut_off_does_the_same_though_it_is_listed(tmp_path):
    listed = frozenset(NodeFacts().models("CheckpointLoaderSimple", "ckpt_name"))
    with fleet_of(tmp_path, settings=replace(QUICK, broken_models=listed)) as fleet:
        job = until_tried(fleet, a_job())
        assert (job.state, job.charged_attempts, job.fault) == ("queued", 0, "missing_model")
        (finding,) = (each for each in Instance.objects.get().findings["portrait"] if each["kind"] == "refused")
        assert "Could not detect model type" in finding["detail"]


def test_a_disk_that_is_full_at_the_upload_costs_the_job_nothing_and_its_torn_file_is_not_used(drawing):
    drawing.standin.instances[0].faults.upload_disk_full = 1
    (job,) = made(drawing, a_job())
    assert job.state == "succeeded"
    assert attempts_of(job) == [("succeeded", "", False)]
    assert len(drawing.executions(job)) == 1
    assert drawing.residue() == []


def test_an_upload_that_is_stored_under_another_name_is_never_sent_for(fleet, monkeypatch):
    upload, renamed = ComfyUI.upload, []

    def rename_once(self, name, data, **how):
        if renamed:
            return upload(self, name, data, **how)
        renamed.append(upload(self, f"other-{name}", data, **how))
        return renamed[0]

    monkeypatch.setattr(ComfyUI, "upload", rename_once)
    (job,) = made(fleet, a_job())
    assert (job.state, job.charged_attempts) == ("succeeded", 0)
    assert len(fleet.executions(job)) == 1
    assert fleet.residue() == []


def test_a_job_that_kills_whatever_it_is_given_to_ends_and_the_next_one_is_made(fleet, monkeypatch):
    monkeypatch.setattr(Job, "MAX_SUSPICIOUS", 2)
    send, killing = runner.send, a_job(due=1)
    instance = fleet.standin.instances[0]

    def send_and_die(reach, attempt):
        prompt_id = send(reach, attempt)
        if attempt.job_id == killing.pk:
            instance.restart()
        return prompt_id

    monkeypatch.setattr("gpujobs.lane.runner.send", send_and_die)
    monkeypatch.setattr("gpujobs.runner.PROBE_AFTER", timedelta(seconds=0))
    killing, good = made(fleet, killing, a_job(due=30))
    assert (killing.state, killing.fault, killing.charged_attempts) == ("failed", "suspect", 0)
    assert attempts_of(killing) == [("lost", "lost", False)] * 2
    assert good.state == "succeeded"


def test_a_comfyui_that_is_dead_gives_its_job_to_the_other_and_comes_back_by_a_probe(two, monkeypatch):
    monkeypatch.setattr("gpujobs.driver.LOST_AFTER", timedelta(seconds=2))
    slow = two.standin.instances[0]
    slow.faults.slowness = 200
    two.standin.instances[1].faults.slowness = 200
    queueing.submit([job := a_job()])
    with two.driven():
        wait_until(in_state(job, "running"))
        first = Attempt.objects.get(job=job).instance
        dead = next(each for each in two.standin.instances if each.port == first.port)
        for each in two.standin.instances:
            each.faults.slowness = 1
        dead.kill()
        wait_until(ended(job))
        assert Instance.objects.get(pk=first.pk).fault == "no_answer"
        dead.boot()
        wait_until(lambda: Instance.objects.get(pk=first.pk).state == "active")
    assert attempts_of(job) == [("lost", "lost", False), ("succeeded", "", False)]
    assert Attempt.objects.get(job=job, number=2).instance_id != first.pk


def test_a_probe_whose_answer_was_lost_is_found_again_and_leaves_nothing(fleet):
    Instance.objects.update(state="out", fault="no_answer", probe_at=timezone.now(), memory_free_mb=None)
    # Of an earlier one that was cut off and wrote all the same.
    left = Path(fleet.standin.root) / "gpu0/output/portal" / fleet.instances[0].code.hex
    left.mkdir(parents=True)
    (left / "out_00001_.png").touch()
    fleet.standin.instances[0].faults.lose_prompt_answers = 1
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(ended(job))
        wait_until(lambda: not Attempt.objects.filter(job=job, cleaned_at=None).exists())
    assert Instance.objects.get().state == "active"
    # As the probe saw it.
    assert Instance.objects.get().memory_free_mb is not None
    assert attempts_of(job) == [("succeeded", "", False)]
    assert len(fleet.executions()) == 2
    assert fleet.residue() == []
    assert fleet.standin.instances[0].process.queue.history() == {}


def test_an_answer_that_is_none_of_comfyui_s_is_charged_and_tried_again(fleet, monkeypatch):
    prompt, crashed = ComfyUI.prompt, []

    def crash_once(self, graph, **given):
        if not crashed:
            crashed.append(True)
            graph = {"sampler": 500}
        return prompt(self, graph, **given)

    monkeypatch.setattr(ComfyUI, "prompt", crash_once)
    (job,) = made(fleet, a_job())
    assert attempts_of(job) == [("failed", "strange_answer", True), ("succeeded", "", False)]


def test_a_result_that_is_gone_before_it_is_fetched_is_made_again(fleet, monkeypatch):
    bring_home, taken = runner.bring_home, []

    def take_it_away_first(comfy, attempt, workflow, record):
        if not taken:
            for path in Path(fleet.standin.root).rglob("portal/*/out*"):
                path.unlink()
                taken.append(path)
        return bring_home(comfy, attempt, workflow, record)

    monkeypatch.setattr(runner, "bring_home", take_it_away_first)
    (job,) = made(fleet, a_job())
    assert taken
    assert attempts_of(job) == [("failed", "output_gone", False), ("succeeded", "", False)]
    assert fleet.residue() == []


def test_a_file_of_another_kind_under_the_right_name_is_no_result(fleet, tmp_path):
    (tmp_path / "result.png").write_bytes(b"<html>502 Bad Gateway</html>")
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(lambda: Attempt.objects.filter(job=job, fault="bad_output").exists())
        (tmp_path / "result.png").write_bytes(a_result())
        wait_until(ended(job))
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert {fault for _, fault, _ in attempts_of(job)} == {"bad_output", ""}


def test_a_picture_smaller_than_was_asked_for_is_no_result(fleet, tmp_path):
    (tmp_path / "result.png").write_bytes(a_photo(448, 576))
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(lambda: Attempt.objects.filter(job=job, fault="bad_output").exists())
        (tmp_path / "result.png").write_bytes(a_result())
        wait_until(ended(job))
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert "448x576 pixels" in Attempt.objects.get(job=job, number=1).fault_text


def test_a_video_of_fewer_frames_than_promised_is_no_result(drawing, monkeypatch):
    shortened = []

    def shorten_once(graph):
        if not shortened:
            graph["sampler"]["inputs"]["num_frames"] = 25
            shortened.append(True)

    changed(monkeypatch, shorten_once)
    (job,) = made(drawing, a_job("living_video"))
    assert attempts_of(job) == [("failed", "bad_output", True), ("succeeded", "", False)]
    assert job.outputs.get().frames == 49
    (longer,) = made(drawing, a_job("video_extend", images={"video": job.outputs.get().file}))
    assert (longer.state, longer.outputs.get().duration_ms) == ("succeeded", 12_000)


# The network's and the portal's


def test_a_history_that_forgot_the_prompt_costs_the_job_no_try(fleet, monkeypatch):
    monkeypatch.setattr("gpujobs.following.SILENCE_SECONDS", 1.0)
    faults = fleet.standin.instances[0].faults
    faults.history_limit = 0
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(lambda: Attempt.objects.filter(job=job, fault="lost").exists())
        faults.history_limit = None
        wait_until(ended(job))
    job.refresh_from_db()
    assert (job.state, job.charged_attempts) == ("succeeded", 0)
    *lost, last = attempts_of(job)
    assert last == ("succeeded", "", False)
    assert set(lost) == {("lost", "lost", False)}
    assert Instance.objects.get().faults_in_row == 0


def test_a_full_disk_of_the_portal_blames_nobody_and_the_result_is_fetched_later(fleet, monkeypatch):
    monkeypatch.setattr(faults, "PORTAL_DISK_FULL", replace(faults.PORTAL_DISK_FULL, wait=timedelta(seconds=1)))
    full, asked = [True], []
    opened = Path.open

    def open_or_full(self, mode="r", *args, **kwargs):
        if full and mode == "xb":
            asked.append(self)
            raise OSError(28, "No space left on device")
        return opened(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", open_or_full)
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(lambda: len(asked) == 2)
        instance = Instance.objects.get()
        assert (instance.state, instance.fault, instance.faults_in_row) == ("active", "portal_disk_full", 0)
        assert Attempt.objects.get(job=job).is_live
        full.clear()
        wait_until(ended(job))
    assert attempts_of(job) == [("succeeded", "", False)]
    assert len(fleet.executions(job)) == 1
    assert Instance.objects.get().fault == ""


def test_a_way_that_breaks_within_a_living_connection_is_not_counted_against_the_instance(fleet, monkeypatch):
    staged, broken = runner.stage, []

    def break_off_once(reach, attempt):
        if not broken:
            broken.append(attempt)
            raise ConnectionLost("the channel ended")
        staged(reach, attempt)

    monkeypatch.setattr(runner, "stage", break_off_once)
    (job,) = made(fleet, a_job())
    assert attempts_of(job) == [("succeeded", "", False)]
    assert Instance.objects.get().faults_in_row == 0


def test_what_cannot_be_removed_from_the_host_is_said_and_holds_nothing_up(fleet, monkeypatch):
    monkeypatch.setattr("gpujobs.lane.FEED_SECONDS", 0.5)
    monkeypatch.setattr("gpujobs.lane.LEFTOVER_AFTER", timedelta(0))
    fleet.standin.instances[0].faults.slowness = 20
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(in_state(job, "running"))
        # A folder in ours, which nothing of ours makes and removing files does not remove.
        stubborn = Path(fleet.standin.root) / "gpu0/input" / Attempt.objects.get(job=job).folder / "theirs"
        stubborn.mkdir()
        wait_until(lambda: Instance.objects.get().fault == "cannot_clean")
        assert "theirs" in Instance.objects.get().fault_text or "cannot be removed" in Instance.objects.get().fault_text
        assert Attempt.objects.get(job=job).state == "succeeded"
        assert Attempt.objects.get(job=job).cleaned_at is None
        queueing.submit([following := a_job(seed=8)])
        wait_until(ended(following))
        stubborn.rmdir()
        wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
    assert fleet.residue() == []
    assert Instance.objects.get().faults_in_row == 0


def test_a_photo_that_the_portal_cannot_open_ends_the_job_and_stops_no_driver(fleet):
    lost, good = made(fleet, a_job(images={"photo": "."}), a_job(seed=9))
    assert (lost.state, lost.fault) == ("failed", "input_missing")
    assert good.state == "succeeded"
