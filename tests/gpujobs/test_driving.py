"""A host driven for real: the stand-in behind its SSH server, files, PostgreSQL and Valkey."""

import hashlib
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from gpujobs import progress, queueing, runner
from gpujobs.comfyui import ComfyUI
from gpujobs.driver import reach_of, target_of
from gpujobs.lane import SILENCE_SECONDS
from gpujobs.models import Attempt, Job
from gpujobs.ssh import HostConnection, HostKeyMismatch
from tests.gpujobs.fleet import COPYING, QUICK, SLOW, ended, fleet_of, in_state, wait_until
from tests.gpujobs.making import a_job, a_result

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("workflow", ["portrait", "life_scene", "living_video"])
def test_a_job_is_made_verified_kept_and_cleaned_away(tmp_path, workflow):
    with fleet_of(tmp_path) as fleet:
        job = a_job(workflow)
        queueing.submit([job])
        with fleet.driven():
            wait_until(ended(job))
            wait_until(lambda: Attempt.objects.filter(job=job, cleaned_at__isnull=False).exists())
        job.refresh_from_db()
        assert job.state == "succeeded", job.fault_text
        attempt = job.attempts.get()
        (output,) = job.outputs.all()
        path = Path(default_storage.path(output.file))
        assert hashlib.sha256(path.read_bytes()).hexdigest() == output.sha256
        assert output.byte_count == path.stat().st_size
        assert output.kind == ("video" if workflow == "living_video" else "image")
        assert output.width > 256
        assert output.height > 256
        steps = [attempt.claimed_at, attempt.staged_at, attempt.sending_at, attempt.sent_at, attempt.executed_at]
        assert steps == sorted(steps)
        assert attempt.execution_ms is not None
        assert len(fleet.executions(job)) == 1
        assert fleet.residue() == []


def test_two_instances_share_the_work_and_every_job_runs_once(tmp_path):
    with fleet_of(tmp_path, instances=2, settings=COPYING) as fleet:
        jobs = [a_job(seed=seed) for seed in range(10)]
        queueing.submit(jobs)
        with fleet.driven():
            wait_until(ended(*jobs), 120)
        assert set(Job.objects.values_list("state", flat=True)) == {"succeeded"}
        assert all(len(fleet.executions(job)) == 1 for job in jobs)
        assert len({attempt.instance_id for attempt in Attempt.objects.all()}) == 2


def test_nothing_is_sent_before_somebody_listens_for_its_end(tmp_path, monkeypatch):
    follow = ComfyUI.follow

    def follow_late(self, client_id, **how):
        time.sleep(1.5)
        return follow(self, client_id, **how)

    monkeypatch.setattr(ComfyUI, "follow", follow_late)
    canned = tmp_path / "canned.png"
    canned.write_bytes(a_result())
    with fleet_of(tmp_path, settings=replace(QUICK, canned_result=canned)) as fleet:
        job = a_job()
        queueing.submit([job])
        with fleet.driven():
            wait_until(ended(job))
        attempt = Attempt.objects.get(job=job)
        assert attempt.finished_at - attempt.sent_at < timedelta(seconds=SILENCE_SECONDS)
        assert attempt.started_at is not None


def test_one_prompt_runs_and_one_waits_never_more(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        jobs = [a_job(seed=seed) for seed in range(4)]
        queueing.submit(jobs)
        with fleet.driven():
            wait_until(lambda: Attempt.objects.filter(state__in=["sent", "running"]).count() == 2)
            assert Job.objects.filter(state="queued").count() == 2
            wait_until(ended(jobs[0]))
            wait_until(lambda: Attempt.objects.filter(state__in=["sent", "running"]).count() == 2)
            assert Job.objects.filter(state="queued").count() == 1


def test_a_running_job_tells_its_step(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        job = a_job()
        queueing.submit([job])
        with fleet.driven():
            wait_until(lambda: (p := progress.of([job.pk])[job.pk]).step > 0 and p.steps >= p.step)


def test_another_driver_finds_a_running_prompt_again_and_it_runs_once(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        jobs = [a_job(), a_job(seed=8)]
        queueing.submit(jobs)
        with fleet.driven():
            wait_until(in_state(jobs[0], "running"))
        before = Attempt.objects.get(job=jobs[0])
        assert before.is_live
        with fleet.driven():
            wait_until(ended(*jobs), 120)
        after = Attempt.objects.get(job=jobs[0])
        assert after.state == "succeeded"
        assert after.driver != before.driver
        assert [len(fleet.executions(job)) for job in jobs] == [1, 1]


def test_what_ended_while_nobody_watched_is_collected(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        job = a_job()
        queueing.submit([job])
        with fleet.driven():
            wait_until(in_state(job, "running"))
        wait_until(lambda: fleet.executions(job)[0]["outcome"] == "success")
        with fleet.driven():
            wait_until(ended(job))
        assert Job.objects.get(pk=job.pk).state == "succeeded"
        assert len(fleet.executions(job)) == 1


def test_a_pending_job_is_taken_back_when_it_is_cancelled(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        first, second = a_job(due=1), a_job(due=2)
        queueing.submit([first, second])
        with fleet.driven():
            wait_until(in_state(first, "running"))
            wait_until(in_state(second, "sent"))
            queueing.cancel([second.pk])
            wait_until(ended(second))
            wait_until(ended(first))
        assert Job.objects.get(pk=second.pk).state == "cancelled"
        assert Job.objects.get(pk=first.pk).state == "succeeded"
        assert fleet.executions(second) == []


def test_a_running_job_is_interrupted_and_the_next_is_not_hit(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        first, second = a_job(due=1), a_job(due=2)
        queueing.submit([first, second])
        with fleet.driven():
            wait_until(in_state(first, "running"))
            queueing.cancel([first.pk])
            wait_until(ended(first, second))
        assert Job.objects.get(pk=first.pk).state == "cancelled"
        assert Job.objects.get(pk=second.pk).state == "succeeded"
        assert fleet.executions(first)[0]["outcome"] == "interrupted"
        assert len(fleet.executions(second)) == 1


def test_a_stray_interrupt_costs_the_job_nothing(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        job = a_job()
        queueing.submit([job])
        with fleet.driven():
            wait_until(in_state(job, "running"))
            with HostConnection.open(target_of(fleet.host)) as connection:
                reach_of(fleet.instances[0], connection).comfy.interrupt()
            wait_until(ended(job))
        job.refresh_from_db()
        assert (job.state, job.charged_attempts) == ("succeeded", 0)
        assert list(job.attempts.order_by("number").values_list("state", "fault")) == [
            ("lost", "stray_interrupt"),
            ("succeeded", ""),
        ]


def test_a_cut_connection_costs_nobody_anything(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        job = a_job()
        queueing.submit([job])
        with fleet.driven():
            wait_until(in_state(job, "running"))
            fleet.standin.cut_connections()
            wait_until(ended(job))
        job.refresh_from_db()
        assert (job.state, job.charged_attempts) == ("succeeded", 0)
        assert len(fleet.executions(job)) == 1


def test_a_host_with_another_key_is_refused_and_it_is_written_down(tmp_path):
    with fleet_of(tmp_path, settings=QUICK) as fleet:
        fleet.host.host_key = fleet.host.host_key[:-8] + "AAAAAAAA"
        fleet.host.save()
        queueing.submit([a_job()])
        with pytest.raises(HostKeyMismatch), fleet.driven() as thread:
            thread.join(20)
        fleet.host.refresh_from_db()
        assert fleet.host.fault == "HostKeyMismatch"
        assert fleet.host.fault_text.count("SHA256:") == 2
        assert fleet.host.driver is None


def test_a_result_comes_home_while_the_next_prompt_runs(tmp_path, monkeypatch):
    bring_home, first, second = runner.bring_home, a_job(due=1), a_job(due=2)

    def bring_home_late(comfy, attempt, workflow, record):
        if attempt.job_id == first.pk:
            wait_until(in_state(second, "running"), 20)
        return bring_home(comfy, attempt, workflow, record)

    monkeypatch.setattr(runner, "bring_home", bring_home_late)
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        queueing.submit([first, second])
        with fleet.driven():
            wait_until(ended(first, second))
    assert set(Job.objects.values_list("state", flat=True)) == {"succeeded"}
