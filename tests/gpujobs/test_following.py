"""What the websocket says, and what becomes of it when it says nothing or too early."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gpujobs import queueing
from gpujobs.comfyui import ComfyUI
from gpujobs.models import Attempt, Job
from tests.gpujobs.fleet import QUICK, SLOW, ended, fleet_of, in_state, wait_until
from tests.gpujobs.making import a_job, a_result

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fleet(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        yield fleet


def test_a_failure_told_before_its_record_is_written_is_not_taken_for_the_end(tmp_path, monkeypatch):
    """The end itself is told while somebody still looks for the record, and would be missed."""
    history = ComfyUI.history

    def long_way_back(self, prompt_id):
        record = history(self, prompt_id)
        time.sleep(0.5)
        return record

    monkeypatch.setattr(ComfyUI, "history", long_way_back)
    result = tmp_path / "result.png"
    result.write_bytes(a_result())
    with fleet_of(tmp_path, settings=replace(QUICK, canned_result=result)) as fleet:
        faults = fleet.standin.instances[0].faults
        faults.oom, faults.record_delay = 1, 0.2
        queueing.submit([job := a_job()])
        with fleet.driven():
            wait_until(ended(job), 8)
    tries = Attempt.objects.filter(job=job).order_by("number").values_list("state", "fault")
    assert list(tries) == [("failed", "out_of_memory"), ("succeeded", "")]


def test_a_job_at_work_behind_a_socket_that_died_is_not_called_wedged(fleet, monkeypatch, settings):
    settings.GPUJOBS_WEDGED_SECONDS = 3
    monkeypatch.setattr("gpujobs.following.SILENCE_SECONDS", 1.0)
    instance = fleet.standin.instances[0]
    instance.faults.slowness = 3
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(in_state(job, "running"))
        instance.forget_sockets()
        wait_until(ended(job))
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert Attempt.objects.get().state == "succeeded"
    assert instance.requests["GET /ws"] == 2


def test_after_an_end_that_was_not_told_the_next_one_is(fleet, monkeypatch):
    monkeypatch.setattr("gpujobs.following.SILENCE_SECONDS", 4.0)
    instance = fleet.standin.instances[0]
    first, second = a_job(due=1), a_job(due=2, seed=8)
    queueing.submit([first])
    with fleet.driven():
        wait_until(in_state(first, "running"))
        instance.forget_sockets()
        wait_until(ended(first))
        queueing.submit([second])
        wait_until(ended(second))
    (ran,) = fleet.executions(second)
    told_after = Attempt.objects.get(job=second).executed_at - datetime.fromtimestamp(ran["ended"], UTC)
    assert told_after < timedelta(seconds=1.5)
