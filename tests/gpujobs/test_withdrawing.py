"""A job that nobody wants any more, at every moment of its life; no other job ever pays for it."""

from pathlib import Path

import pytest
from django.conf import settings

from gpujobs import lane, queueing, runner
from gpujobs.comfyui import ComfyUI
from gpujobs.models import Attempt, Job, Output
from tests.gpujobs.fleet import SLOW, ended, fleet_of, in_state, wait_until
from tests.gpujobs.making import a_job

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fleet(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        yield fleet


def cancel_once(job):
    """Withdraws the job the first time it is called with an attempt of it."""
    asked = []

    def cancel(attempt):
        if attempt.job_id == job.pk and not asked:
            asked.append(queueing.cancel([job.pk]))

    return cancel


def cleaned(*jobs):
    return lambda: not Attempt.objects.filter(job__in=jobs, cleaned_at=None).exists()


def asked(fleet, what):
    return fleet.standin.instances[0].requests[what]


def state_of(job):
    return Job.objects.get(pk=job.pk).state


def kept_files():
    return [path for path in (Path(settings.STORAGE_ROOT) / "gpujobs").rglob("*") if path.is_file()]


def test_queued_it_never_leaves_the_portal(fleet):
    job = a_job()
    queueing.submit([job])
    assert queueing.cancel([job.pk]) == 1
    other = a_job(seed=8)
    queueing.submit([other])
    with fleet.driven():
        wait_until(ended(job, other))
    assert (state_of(job), state_of(other)) == ("cancelled", "succeeded")
    assert not job.attempts.exists()


@pytest.mark.parametrize("moment", ["before its pictures went up", "after its pictures went up"])
def test_while_it_is_staged_its_prompt_is_never_posted(fleet, monkeypatch, moment):
    job = a_job()
    cancel, stage = cancel_once(job), runner.stage

    def stage_and_cancel(reach, attempt):
        if moment.startswith("before"):
            cancel(attempt)
        stage(reach, attempt)
        cancel(attempt)

    monkeypatch.setattr(lane.runner, "stage", stage_and_cancel)
    queueing.submit([job])
    with fleet.driven():
        wait_until(ended(job))
        wait_until(cleaned(job))
    assert state_of(job) == "cancelled"
    assert Attempt.objects.get(job=job).state == "cancelled"
    assert (asked(fleet, "POST /prompt"), asked(fleet, "POST /interrupt")) == (0, 0)
    assert fleet.residue() == []


def test_between_its_prompt_and_the_answer_it_is_taken_back_from_behind_the_one_that_runs(fleet, monkeypatch):
    first, second = a_job(due=1), a_job(due=2)
    prompt = ComfyUI.prompt

    def prompt_and_cancel(self, graph, *, client_id, extra_data):
        accepted = prompt(self, graph, client_id=client_id, extra_data=extra_data)
        if extra_data.get("portal_job") == str(second.pk):
            queueing.cancel([second.pk])
        return accepted

    monkeypatch.setattr(ComfyUI, "prompt", prompt_and_cancel)
    queueing.submit([first, second])
    with fleet.driven():
        wait_until(ended(first, second))
        wait_until(cleaned(first, second))
    assert (state_of(first), state_of(second)) == ("succeeded", "cancelled")
    assert fleet.executions(second) == []
    assert asked(fleet, "POST /interrupt") == 0
    assert fleet.residue() == []


def test_while_its_result_comes_home_the_result_is_thrown_away(fleet, monkeypatch):
    job, next_one = a_job(due=1), a_job(due=2)
    cancel, bring_home = cancel_once(job), runner.bring_home

    def bring_home_and_cancel(comfy, attempt, workflow, record):
        outputs = bring_home(comfy, attempt, workflow, record)
        cancel(attempt)
        return outputs

    monkeypatch.setattr(runner, "bring_home", bring_home_and_cancel)
    queueing.submit([job, next_one])
    with fleet.driven():
        wait_until(ended(job, next_one))
        wait_until(cleaned(job, next_one))
    assert (state_of(job), state_of(next_one)) == ("cancelled", "succeeded")
    assert [output.job_id for output in Output.objects.all()] == [next_one.pk]
    assert len(kept_files()) == 1
    assert asked(fleet, "POST /interrupt") == 0
    assert fleet.residue() == []


def test_done_it_stays_done(fleet):
    job, next_one = a_job(due=1), a_job(due=2)
    queueing.submit([job, next_one])
    with fleet.driven():
        wait_until(ended(job))
        assert queueing.cancel([job.pk]) == 0
        wait_until(ended(next_one))
    assert (state_of(job), state_of(next_one)) == ("succeeded", "succeeded")
    assert asked(fleet, "POST /interrupt") == 0


def test_an_interrupt_that_came_too_late_and_hit_the_next_costs_that_one_nothing(fleet, monkeypatch):
    first, second = a_job(due=1), a_job(due=2)
    interrupt = ComfyUI.interrupt

    def interrupt_late(self, prompt_id=None):
        # The moment between having seen our own prompt running and the interrupt's arrival, drawn out.
        wait_until(lambda: fleet.executions(second))
        interrupt(self, prompt_id)

    monkeypatch.setattr(ComfyUI, "interrupt", interrupt_late)
    queueing.submit([first, second])
    with fleet.driven():
        wait_until(in_state(second, "sent"))
        wait_until(in_state(first, "running"))
        queueing.cancel([first.pk])
        wait_until(ended(first, second))
    assert state_of(first) == "cancelled"
    hit = Job.objects.get(pk=second.pk)
    assert (hit.state, hit.charged_attempts) == ("succeeded", 0)
    tries = hit.attempts.order_by("number").values_list("state", "fault", "charged")
    assert list(tries) == [("lost", "stray_interrupt", False), ("succeeded", "", False)]
