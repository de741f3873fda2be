"""What the sweep finds: hosts with work and no driver, and jobs on hosts that are gone."""

from datetime import timedelta
from uuid import uuid4

import django_rq
import pytest
from django.utils import timezone

from gpujobs import tasks, wakeup
from gpujobs.models import Attempt, GpuHost, Job
from tests.gpujobs.making import a_job, make_host, make_instance

# django-rq holds an enqueue back while a transaction is open, so none is open around these.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def host():
    host = make_host(last_seen_at=timezone.now())
    make_instance(host)
    return host


def asked_for():
    return [job.args[0] for job in django_rq.get_queue("gpu").jobs]


def queued_job():
    job = a_job(images={})
    job.save()
    return job


def running_attempt(host, **fields):
    job = a_job(images={}, state="running")
    job.save()
    return Attempt.objects.create(job=job, instance=host.instances.get(), number=1, driver=uuid4(), **fields)


def test_a_host_without_a_driver_is_driven_when_something_waits(host):
    tasks.reconcile()
    assert asked_for() == []
    queued_job()
    tasks.reconcile()
    assert asked_for() == [str(host.code)]


def test_a_driver_is_asked_for_once_however_often_somebody_looks(host):
    queued_job()
    tasks.reconcile()
    tasks.reconcile()
    wakeup.wake()
    assert len(asked_for()) == 1


def test_a_driven_host_is_left_alone(host):
    queued_job()
    host.take_wheel(uuid4(), timezone.now() + timedelta(seconds=20))
    tasks.reconcile()
    assert asked_for() == []


def test_a_lease_that_ran_out_is_no_driver(host):
    running_attempt(host)
    host.take_wheel(uuid4(), timezone.now() - timedelta(seconds=1))
    tasks.reconcile()
    assert asked_for() == [str(host.code)]


def test_what_is_left_on_a_host_is_cleaned_even_when_nothing_waits(host):
    attempt = running_attempt(host)
    Attempt.objects.filter(pk=attempt.pk).update(state="succeeded", finished_at=timezone.now())
    tasks.reconcile()
    assert asked_for() == [str(host.code)]


def test_a_drained_host_gets_a_driver_for_what_it_still_runs_and_no_other(host):
    GpuHost.objects.update(state="draining")
    queued_job()
    tasks.reconcile()
    assert asked_for() == []
    running_attempt(host)
    tasks.reconcile()
    assert asked_for() == [str(host.code)]


def test_a_host_that_could_not_be_reached_is_tried_again_a_little_later(host):
    queued_job()
    GpuHost.objects.update(fault="HostUnreachable", fault_at=timezone.now())
    tasks.reconcile()
    assert asked_for() == []
    GpuHost.objects.update(fault_at=timezone.now() - tasks.RETRY_HOST)
    tasks.reconcile()
    assert asked_for() == [str(host.code)]


def test_the_jobs_of_a_host_that_is_gone_go_back_into_the_queue_uncharged(host):
    long_ago = timezone.now() - tasks.HOST_GONE_AFTER - timedelta(seconds=1)
    attempt = running_attempt(host, claimed_at=long_ago)
    tasks.reconcile()
    assert Job.objects.get(pk=attempt.job_id).state == "running"
    GpuHost.objects.update(last_seen_at=long_ago)
    tasks.reconcile()
    job = Job.objects.get(pk=attempt.job_id)
    assert (job.state, job.charged_attempts, job.fault) == ("queued", 0, "host_gone")
    assert Attempt.objects.get(pk=attempt.pk).state == "lost"


def test_two_who_want_the_wheel_and_one_who_gets_it(host):
    one, other, soon = uuid4(), uuid4(), timezone.now() + timedelta(seconds=20)
    assert host.take_wheel(one, soon)
    assert not host.take_wheel(other, soon)
    assert host.take_wheel(one, soon)
    host.leave_wheel(other)
    assert not host.take_wheel(other, soon)
    host.leave_wheel(one)
    assert host.take_wheel(other, soon)
