"""A driver that was overtaken while it brought a result home: what another has kept stays kept."""

import threading
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage

from gpujobs import queueing, runner
from gpujobs.models import Attempt, GpuHost, Job
from tests.gpujobs.fleet import SLOW, ended, fleet_of, wait_until
from tests.gpujobs.making import a_job

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fleet(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        yield fleet


def test_what_it_fetched_as_well_is_thrown_away_and_what_the_other_kept_is_not(fleet, monkeypatch):
    # It never learns that its lease went to another.
    monkeypatch.setattr("gpujobs.wheel.RENEW_SECONDS", 600.0)
    bring_home, fetched, may_go = runner.bring_home, threading.Event(), threading.Event()

    def dawdle_at_first(*given):
        outputs = bring_home(*given)
        if not fetched.is_set():
            fetched.set()
            may_go.wait(60)
        return outputs

    monkeypatch.setattr(runner, "bring_home", dawdle_at_first)
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(fetched.is_set)
        GpuHost.objects.update(driver=None, driver_until=None)
        with fleet.driven():
            wait_until(ended(job))
            may_go.set()
    kept = Path(default_storage.path(job.outputs.get().file))
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert [path for path in kept.parent.iterdir() if path.is_file()] == [kept]
    assert len(fleet.executions(job)) == 1


def test_it_fetches_nothing_for_an_attempt_that_is_another_s(fleet, monkeypatch):
    span_of, bring_home, taken, fetched = runner.span_of, runner.bring_home, [], []

    def lose_it_first(record):
        if not taken:
            taken.append(Attempt.objects.update(driver=uuid4()))
        return span_of(record)

    def bring_home_and_tell(comfy, attempt, *given):
        fetched.append(attempt.driver)
        return bring_home(comfy, attempt, *given)

    monkeypatch.setattr(runner, "span_of", lose_it_first)
    monkeypatch.setattr(runner, "bring_home", bring_home_and_tell)
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(lambda: taken)
    assert fetched == []
    with fleet.driven():
        wait_until(ended(job))
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert fetched == [Attempt.objects.get().driver]
