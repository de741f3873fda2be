"""What the fleet does when an instance, a process or a result is not as it should be."""

from datetime import timedelta

import django_rq
import pytest
from django.db import OperationalError
from django.db import connection as database
from django.utils import timezone

from gpujobs import queueing
from gpujobs.models import Attempt, GpuHost, Instance, Job
from tests.gpujobs.fleet import COPYING, QUICK, SLOW, ended, fleet_of, in_state, wait_until
from tests.gpujobs.making import a_job, plain_photo

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def quick(tmp_path):
    with fleet_of(tmp_path, settings=COPYING) as fleet:
        yield fleet


@pytest.fixture
def drawing(tmp_path):
    with fleet_of(tmp_path, settings=QUICK) as fleet:
        yield fleet


@pytest.fixture
def slow(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        yield fleet


def attempts_of(job):
    return list(Attempt.objects.filter(job=job).order_by("number").values_list("state", "fault", "charged"))


def test_a_much_more_urgent_job_takes_the_place_of_the_waiting_one(slow):
    running, waiting, urgent = a_job(due=5), a_job(due=300), a_job(due=2)
    queueing.submit([running, waiting])
    with slow.driven():
        wait_until(in_state(running, "running"))
        wait_until(in_state(waiting, "sent"))
        queueing.submit([urgent])
        wait_until(ended(running, waiting, urgent), 120)
    assert [Job.objects.get(pk=job.pk).state for job in (running, waiting, urgent)] == ["succeeded"] * 3
    assert attempts_of(waiting) == [("failed", "taken_back", False), ("succeeded", "", False)]
    order = sorted(slow.executions(), key=lambda entry: entry["started"])
    assert [entry["extra_data"]["portal_job"] for entry in order] == [str(j.pk) for j in (running, urgent, waiting)]


def test_out_of_memory_is_charged_and_the_job_is_made_at_the_next_try(quick):
    quick.standin.instances[0].faults.oom = 1
    job = a_job()
    queueing.submit([job])
    with quick.driven():
        wait_until(ended(job))
    assert attempts_of(job) == [("failed", "out_of_memory", True), ("succeeded", "", False)]
    assert Instance.objects.get().faults_in_row == 0


def test_a_poisoned_gpu_is_taken_out_fails_its_probe_and_comes_back_after_a_restart(drawing):
    instance = drawing.standin.instances[0]
    instance.faults.cuda_error = 1
    job = a_job()
    queueing.submit([job])
    with drawing.driven():
        wait_until(lambda: Instance.objects.get().state == "out")
        wait_until(lambda: Instance.objects.get().fault == "probe_failed", 120)
        instance.restart()
        Instance.objects.update(probe_at=timezone.now())
        wait_until(ended(job), 120)
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert attempts_of(job)[0] == ("failed", "cuda", True)
    assert Instance.objects.get().state == "active"


def test_a_photo_without_a_face_comes_back_to_staff_at_once(quick):
    photo = plain_photo()
    job = a_job(images={"photo": photo})
    queueing.submit([job])
    with quick.driven():
        wait_until(ended(job))
    job.refresh_from_db()
    assert (job.state, job.fault, job.charged_attempts) == ("failed", "no_face", 0)
    assert Instance.objects.get().state == "active"


def test_a_prompt_whose_answer_was_lost_is_found_again_and_runs_once(slow):
    slow.standin.instances[0].faults.lose_prompt_answers = 1
    job = a_job()
    queueing.submit([job])
    with slow.driven():
        wait_until(ended(job), 120)
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert len(slow.executions(job)) == 1


def test_a_comfyui_that_restarts_loses_its_prompt_and_the_job_is_made_again(slow):
    job = a_job()
    queueing.submit([job])
    with slow.driven():
        wait_until(in_state(job, "running"))
        slow.standin.instances[0].restart(down=1.0)
        wait_until(ended(job), 120)
    job.refresh_from_db()
    assert (job.state, job.charged_attempts) == ("succeeded", 0)
    assert attempts_of(job)[0][:2] == ("lost", "lost")


def test_a_cut_off_result_is_never_attached(quick):
    quick.standin.instances[0].faults.truncate_outputs = 1
    job = a_job()
    queueing.submit([job])
    with quick.driven():
        wait_until(ended(job))
    assert attempts_of(job) == [("failed", "bad_output", True), ("succeeded", "", False)]


def test_a_result_that_is_missing_is_never_a_success(quick):
    quick.standin.instances[0].faults.missing_outputs = 1
    job = a_job()
    queueing.submit([job])
    with quick.driven():
        wait_until(ended(job))
    assert attempts_of(job)[0] == ("failed", "bad_output", True)


def test_a_silent_socket_delays_nothing_but_the_progress(quick, monkeypatch):
    monkeypatch.setattr("gpujobs.following.SILENCE_SECONDS", 1.0)
    job = a_job()
    with quick.driven():
        wait_until(lambda: quick.standin.instances[0].process.sockets is not None)
        quick.standin.instances[0].faults.mute = True
        queueing.submit([job])
        wait_until(ended(job))
    assert attempts_of(job) == [("succeeded", "", False)]


def test_a_wedged_process_is_taken_out_and_the_job_goes_elsewhere(tmp_path, settings, monkeypatch):
    monkeypatch.setattr("gpujobs.following.SILENCE_SECONDS", 1.0)
    settings.GPUJOBS_WEDGED_SECONDS = 6
    with fleet_of(tmp_path, instances=2, settings=SLOW) as fleet:
        job = a_job(due=1)
        # On each instance one runs and one waits behind it.
        others = [a_job(seed=seed, due=60) for seed in range(3)]
        queueing.submit([job, *others])
        with fleet.driven():
            wait_until(lambda: Attempt.objects.filter(state="sent").count() == 2)
            first = Attempt.objects.get(job=job).instance
            stuck = next(each for each in fleet.standin.instances if each.port == first.port)
            stuck.faults.wedged = True
            wait_until(lambda: all(ended(each)() for each in (job, *others)), 120)
        assert set(Job.objects.values_list("state", flat=True)) == {"succeeded"}
        assert attempts_of(job)[0] == ("failed", "wedged", False)
        assert Attempt.objects.get(instance=first, fault="taken_back").job_id in {each.pk for each in others}
        assert Attempt.objects.get(job=job, state="succeeded").instance_id != first.pk
        assert Instance.objects.get(pk=first.pk).state == "out"
        stuck.faults.wedged = False


def test_a_full_disk_on_the_host_takes_the_instance_out_and_costs_the_job_nothing(tmp_path):
    with fleet_of(tmp_path, instances=2, settings=COPYING) as fleet:
        for instance in fleet.standin.instances[:1]:
            instance.faults.save_disk_full = 1
        jobs = [a_job(seed=seed) for seed in range(4)]
        queueing.submit(jobs)
        with fleet.driven():
            wait_until(ended(*jobs), 120)
        assert {job.state for job in Job.objects.all()} == {"succeeded"}
        hit = Attempt.objects.filter(fault="host_disk_full")
        assert hit.count() == 1
        assert not hit.get().charged


def cut_the_database(fleet, job):
    with fleet.driven() as thread:
        wait_until(in_state(job, "running"))
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        thread.join(60)


def test_a_database_that_restarts_under_a_driver_is_survived_by_the_next_one_at_once(slow, redis_client):
    job = a_job()
    queueing.submit([job])
    redis_client.flushdb()
    with pytest.raises(OperationalError):
        cut_the_database(slow, job)
    assert GpuHost.objects.get().driver is None
    assert django_rq.get_queue("gpu").count == 1, "nobody waits for the sweep or for the lease's end"
    with slow.driven():
        wait_until(ended(job), 120)
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert len(slow.executions(job)) == 1


def test_nothing_stays_on_the_host_whatever_the_end(quick):
    good, faceless = a_job(), a_job(images={"photo": plain_photo()})
    queueing.submit([good, faceless])
    with quick.driven():
        wait_until(ended(good, faceless))
        wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
    assert quick.residue() == []


def test_what_a_wedged_process_writes_after_it_was_given_up_is_taken_away_too(slow, settings, monkeypatch):
    monkeypatch.setattr("gpujobs.following.SILENCE_SECONDS", 1.0)
    monkeypatch.setattr("gpujobs.lane.FEED_SECONDS", 1.0)
    monkeypatch.setattr("gpujobs.lane.LEFTOVER_AFTER", timedelta(seconds=1))
    settings.GPUJOBS_WEDGED_SECONDS = 6
    job = a_job()
    queueing.submit([job])
    instance = slow.standin.instances[0]
    with slow.driven():
        wait_until(in_state(job, "running"))
        instance.faults.wedged = True
        wait_until(lambda: Instance.objects.get().state == "out", 120)
        instance.faults.wedged = False
        wait_until(ended(job), 120)
        wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists(), 120)
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert slow.residue() == []
