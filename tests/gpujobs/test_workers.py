"""Real RQ workers as processes of their own, killed in the middle of a job."""

import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from gpujobs import errands, queueing
from gpujobs.models import Attempt, Errand, GpuHost, Job
from gpujobs.worker import Worker
from tests import workers
from tests.gpujobs.fleet import SLOW, ended, fleet_of, in_state, wait_until
from tests.gpujobs.making import a_job
from tests.workers import horse_of, reconcile_until

pytestmark = [pytest.mark.django_db(transaction=True)]
worker = partial(workers.worker, settings="tests.gpujobs.worker_settings")


@pytest.fixture
def fleet(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as one:
        yield one


def test_a_worker_drives_a_host_that_a_commit_woke(fleet):
    with worker():
        job = a_job()
        queueing.submit([job])
        wait_until(ended(job), 120)
    assert Job.objects.get(pk=job.pk).state == "succeeded"


def test_a_worker_killed_in_the_middle_takes_its_horse_along_and_another_finishes_the_job_once(fleet):
    job = a_job()
    with worker() as first:
        queueing.submit([job])
        wait_until(in_state(job, "running"), 120)
        horse = horse_of(first)
        first.kill()
        first.wait()
        wait_until(lambda: not horse.is_running() or horse.status() == psutil.STATUS_ZOMBIE, 5)
    assert Attempt.objects.get(job=job).is_live
    with worker():
        reconcile_until(ended(job))
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert Attempt.objects.filter(job=job).count() == 1
    assert len(fleet.executions(job)) == 1


def test_a_horse_killed_alone_is_replaced_at_once_and_the_job_runs_once(fleet):
    job = a_job()
    with worker() as process:
        queueing.submit([job])
        wait_until(in_state(job, "running"), 120)
        killed_at = time.monotonic()
        horse_of(process).kill()
        wait_until(ended(job), 120)
        assert time.monotonic() - killed_at < 30
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert len(fleet.executions(job)) == 1


def test_a_worker_asked_to_stop_lets_go_of_its_host_at_once(fleet):
    job = a_job()
    with worker() as process:
        queueing.submit([job])
        wait_until(in_state(job, "running"), 120)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    host = GpuHost.objects.get(pk=fleet.host.pk)
    assert host.driver is None
    assert Attempt.objects.get(job=job).is_live
    with worker():
        reconcile_until(ended(job))
    assert len(fleet.executions(job)) == 1


def test_a_worker_asked_to_stop_just_as_its_horse_ended_stops_all_the_same(redis_client):
    worker = Worker(["gpu"], connection=redis_client)
    horse = subprocess.Popen([sys.executable, "-c", ""])
    horse.wait()
    worker._horse_pid = horse.pid
    worker.handle_warm_shutdown_request()


def test_a_flushed_redis_loses_no_job(fleet, redis_client):
    job = a_job()
    queueing.submit([job])
    redis_client.flushdb()
    with worker():
        reconcile_until(ended(job))
    assert Job.objects.get(pk=job.pk).state == "succeeded"


def test_an_errand_is_run_by_the_worker_of_its_own_queue(fleet):
    with worker("hosts"):
        assert errands.ask(fleet.host, Errand.Kind.EXAMINE)
        wait_until(lambda: Errand.objects.filter(ended_at__isnull=False).exists())
    assert (Errand.objects.get().fault, Errand.objects.get().said) == ("", "")


def test_a_worker_serves_one_queue(redis_client):
    with pytest.raises(ValueError, match="one queue"):
        Worker(["gpu", "portal"], connection=redis_client)


def test_a_worker_looks_after_its_horse_and_after_others_often_and_is_not_listed_long_after_its_death(redis_client):
    worker = Worker(["gpu"], connection=redis_client)
    assert worker.job_monitoring_interval <= 5
    assert worker.maintenance_interval <= 60
    # It sleeps no longer than that, so what is due every minute is done every minute.
    assert worker.dequeue_timeout <= worker.maintenance_interval
    worker.register_birth()
    worker.heartbeat()
    assert redis_client.ttl(worker.key) <= 120
    worker.register_death()


def test_nothing_of_ours_asks_rq_to_try_again():
    """Who finds what was left behind is the sweep; a second try of RQ's own would be one too many."""
    root = Path(__file__).parents[2]
    asking = re.compile(r"\bretry\s*=|\bRetry\b(?!-After)")
    sources = [path for package in ("gpujobs", "orders", "portal") for path in (root / package).rglob("*.py")]
    assert len(sources) > 100
    assert [str(path) for path in sources if asking.search(path.read_text())] == []
