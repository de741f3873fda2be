"""A driver that has nothing to do, or waits for an execution, asks its instances next to nothing."""

import time

import pytest

from gpujobs import queueing
from gpujobs.models import Attempt
from tests.gpujobs.fleet import SLOW, ended, fleet_of, in_state, wait_until
from tests.gpujobs.making import a_job

pytestmark = [pytest.mark.django_db(transaction=True)]

WATCHED_SECONDS = 4


@pytest.fixture
def fleet(tmp_path):
    with fleet_of(tmp_path, instances=2, settings=SLOW) as two:
        yield two


def asked_meanwhile(fleet):
    """Requests to each instance while nothing happens."""
    before = [instance.requests.total() for instance in fleet.standin.instances]
    time.sleep(WATCHED_SECONDS)
    return [instance.requests.total() - times for instance, times in zip(fleet.standin.instances, before, strict=True)]


def test_an_idle_fleet_is_asked_at_most_once_a_second(fleet):
    job = a_job()
    with fleet.driven():
        queueing.submit([job])
        wait_until(ended(job))
        wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
        time.sleep(0.5)
        assert max(asked_meanwhile(fleet)) <= WATCHED_SECONDS


def test_an_instance_at_work_is_asked_at_most_once_a_second(fleet):
    job = a_job()
    fleet.standin.instances[0].faults.slowness = fleet.standin.instances[1].faults.slowness = 20
    with fleet.driven():
        queueing.submit([job])
        wait_until(in_state(job, "running"))
        time.sleep(0.5)
        assert max(asked_meanwhile(fleet)) <= WATCHED_SECONDS
        queueing.cancel([job.pk])
        wait_until(ended(job))
