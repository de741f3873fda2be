"""How an attempt ends, and what its end does to the job and the instance."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from gpujobs import faults, hosts, queueing, runner
from gpujobs.models import Attempt, Instance, Job
from gpujobs.runner import Superseded
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt():
    job = a_job(images={})
    job.state = "running"
    job.save()
    return Attempt.objects.create(job=job, instance=make_instance(make_host()), number=1, driver=uuid4())


def again(attempt, number):
    Job.objects.filter(pk=attempt.job_id).update(state="running")
    return Attempt.objects.create(job=attempt.job, instance=attempt.instance, number=number, driver=attempt.driver)


def job_of(attempt):
    return Job.objects.get(pk=attempt.job_id)


def instance_of(attempt):
    return Instance.objects.get(pk=attempt.instance_id)


def test_a_note_is_taken_of_a_live_attempt_by_its_own_driver_alone(attempt):
    assert attempt.note("claimed", state="staged", prompt_id="p")
    attempt.refresh_from_db()
    assert (attempt.state, attempt.prompt_id) == ("staged", "p")
    assert not attempt.note("claimed", state="sent")
    attempt.driver = uuid4()
    assert not attempt.note("staged", state="sent")
    assert attempt.state == "staged"
    assert Attempt.objects.get(pk=attempt.pk).state == "staged"


def test_a_photo_without_a_face_ends_the_job_and_blames_nobody_else(attempt):
    assert runner.give_up(attempt, faults.NO_FACE, "no face") is False
    job = job_of(attempt)
    assert (job.state, job.fault, job.charged_attempts) == ("failed", "no_face", 0)
    assert instance_of(attempt).faults_in_row == 0


def test_the_network_costs_a_job_no_attempt(attempt):
    assert runner.give_up(attempt, faults.LOST) is True
    job = job_of(attempt)
    assert (job.state, job.charged_attempts) == ("queued", 0)
    assert attempt.state == "lost"


def test_a_stray_interrupt_costs_the_job_it_hit_no_attempt(attempt):
    runner.give_up(attempt, faults.STRAY_INTERRUPT)
    assert job_of(attempt).charged_attempts == 0


def test_the_third_charged_attempt_is_the_last(attempt):
    for number in (2, 3):
        runner.give_up(attempt, faults.NODE_FAILED, "boom")
        assert job_of(attempt).state == "queued"
        attempt = again(attempt, number)
    runner.give_up(attempt, faults.NODE_FAILED, "boom")
    job = job_of(attempt)
    assert (job.state, job.fault) == ("failed", "attempts_spent")
    assert "boom" in job.fault_text


def test_a_job_may_be_lost_or_wedge_what_it_runs_on_ten_times_and_no_more(attempt):
    for number in range(2, Job.MAX_SUSPICIOUS + 1):
        runner.give_up(attempt, faults.WEDGED if number % 2 else faults.LOST, "no sign of life")
        assert job_of(attempt).state == "queued"
        attempt = again(attempt, number)
    runner.give_up(attempt, faults.WEDGED, "no sign of life")
    job = job_of(attempt)
    assert (job.state, job.fault, job.charged_attempts) == ("failed", "suspect", 0)
    assert "wedged" in job.fault_text


@pytest.mark.parametrize(
    "fault",
    [faults.CONNECTION, faults.HOST_GONE, faults.TAKEN_BACK, faults.STRAY_INTERRUPT, faults.PORTAL_DISK_FULL],
    ids=str,
)
def test_what_a_job_cannot_have_caused_never_ends_it(attempt, fault):
    for number in range(2, Job.MAX_SUSPICIOUS + 3):
        runner.give_up(attempt, fault)
        attempt = again(attempt, number)
    runner.give_up(attempt, faults.LOST)
    assert job_of(attempt).state == "queued"


def test_three_faults_in_a_row_take_an_instance_out(attempt):
    for number in (2, 3):
        runner.give_up(attempt, faults.OUT_OF_MEMORY, "oom")
        assert instance_of(attempt).state == "active"
        attempt = again(attempt, number)
    runner.give_up(attempt, faults.OUT_OF_MEMORY, "oom")
    instance = instance_of(attempt)
    assert instance.state == "out"
    assert instance.probe_at is not None


def test_a_cuda_fault_takes_an_instance_out_at_once(attempt):
    runner.give_up(attempt, faults.CUDA, "CUDA error")
    assert instance_of(attempt).state == "out"


def test_an_instance_that_fails_its_probes_for_days_is_still_tried_every_five_minutes(attempt):
    runner.give_up(attempt, faults.CUDA, "CUDA error")
    for _ in range(100):
        runner.blame(attempt.instance, faults.NO_ANSWER, "refused")
    instance = instance_of(attempt)
    assert instance.state == "out"
    assert timedelta(minutes=4) < instance.probe_at - timezone.now() <= runner.PROBE_AT_LEAST_EVERY
    Instance.objects.update(faults_in_row=runner.MOST_COUNTED, probes_failed=runner.MOST_COUNTED)
    runner.blame(attempt.instance, faults.NO_ANSWER, "refused")


def test_since_when_it_fails_stays_while_probes_fail(attempt):
    runner.give_up(attempt, faults.CUDA, "CUDA error")
    since = instance_of(attempt).failing_since
    runner.blame(attempt.instance, faults.NO_ANSWER, "refused")
    assert instance_of(attempt).failing_since == since
    assert instance_of(attempt).fault_at > since


def test_a_drained_instance_that_fails_stays_drained_and_is_gone_to_less_and_less(attempt):
    Instance.objects.update(state="draining")
    waits = []
    for _ in range(3):
        runner.blame(attempt.instance, faults.NO_ANSWER, "refused")
        waits.append(instance_of(attempt).probe_at - timezone.now())
    assert instance_of(attempt).state == "draining"
    assert waits == sorted(waits)
    assert hosts.resume(instance_of(attempt))
    assert (instance_of(attempt).state, instance_of(attempt).failing_since) == ("active", None)


def test_a_fault_of_a_job_that_was_to_be_stopped_ends_it_as_cancelled(attempt):
    queueing.cancel([attempt.job_id])
    runner.give_up(attempt, faults.OUT_OF_MEMORY)
    assert job_of(attempt).state == "cancelled"


def test_a_driver_that_lost_the_attempt_changes_nothing(attempt):
    mine = Attempt.objects.select_related("job").get(pk=attempt.pk)
    Attempt.objects.filter(pk=attempt.pk).update(driver=uuid4())
    with pytest.raises(Superseded):
        runner.give_up(mine, faults.LOST)
    runner.keep(mine, [])
    assert job_of(attempt).state == "running"
    assert Attempt.objects.get(pk=attempt.pk).state == "claimed"


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_is_asked_to_stop(attempt):
    queued = a_job(images={})
    queued.save()
    assert queueing.cancel([queued.pk, attempt.job_id]) == 2
    assert Job.objects.get(pk=queued.pk).state == "cancelled"
    running = job_of(attempt)
    assert running.state == "running"
    assert running.cancel_asked_at is not None


def test_only_an_ended_job_can_be_noted(attempt):
    queueing.note_end(attempt.job_id)
    assert job_of(attempt).noted_at is None
    runner.give_up(attempt, faults.NO_FACE)
    queueing.note_end(attempt.job_id)
    assert job_of(attempt).noted_at is not None


def waits_for_the_disk():
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return cursor.fetchone() == ("on",)


def test_what_is_about_to_be_sent_and_every_end_wait_for_the_disk_and_a_note_does_not(attempt):
    """Looked at inside the test's own transaction, of which a note makes one that waits no more."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
    assert attempt.move("claimed", state="staged")
    assert attempt.about_to_send()
    assert waits_for_the_disk()
    assert attempt.note("staged", state="sent")
    assert not waits_for_the_disk()
