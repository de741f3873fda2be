"""Taking a job off the queue: once, in order, and only while it is still allowed."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from gpujobs import claiming
from gpujobs.claiming import SHORTLIST, claim
from gpujobs.models import Attempt, Job
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = pytest.mark.django_db
DRIVER = uuid4()


@pytest.fixture
def instance():
    return make_instance(make_host())


def queue(*jobs):
    return Job.objects.bulk_create(jobs)


def test_it_takes_the_soonest_due_and_writes_the_attempt_down(instance):
    _late, soon = queue(a_job(due=90), a_job(due=30))
    attempt = claim(instance, driver=DRIVER)
    assert attempt.job == soon
    assert attempt.state == "claimed"
    assert attempt.number == 1
    assert attempt.driver == DRIVER
    assert attempt.why.startswith("due ")
    assert Job.objects.get(pk=soon.pk).state == "running"


def test_it_finds_nothing_in_an_empty_queue(instance):
    assert claim(instance, driver=DRIVER) is None


def test_a_job_put_off_is_left_alone_until_its_time(instance):
    queue(a_job(not_before=timezone.now() + timedelta(seconds=30)))
    assert claim(instance, driver=DRIVER) is None


def test_a_job_that_is_no_longer_allowed_ends_as_cancelled(instance, settings):
    settings.GPUJOBS_MAY_RUN = "tests.gpujobs.test_claiming.nobody_may"
    (job,) = queue(a_job())
    assert claim(instance, driver=DRIVER) is None
    job.refresh_from_db()
    assert (job.state, job.fault) == ("cancelled", "not_allowed")
    assert not Attempt.objects.exists()


def nobody_may(references):
    return set()


def test_an_instance_that_is_out_takes_nothing(instance):
    queue(a_job())
    instance.state = "out"
    instance.save()
    assert claim(instance, driver=DRIVER) is None


def test_the_number_of_queries_does_not_grow_with_the_queue(instance, django_assert_num_queries):
    queue(*(a_job(images={}) for _ in range(3)))
    with django_assert_num_queries(6):
        claim(instance, driver=DRIVER)
    queue(*(a_job(images={}) for _ in range(SHORTLIST * 2)))
    with django_assert_num_queries(6):
        claim(instance, driver=DRIVER)


@pytest.mark.django_db(transaction=True)
def test_of_several_drivers_that_want_one_job_one_gets_it():
    host = make_host()
    instances = [make_instance(host, port) for port in range(8188, 8194)]
    queue(a_job(images={}))
    taken, start = [], threading.Barrier(len(instances))

    def want(one):
        start.wait()
        taken.append(claim(one, driver=uuid4()))
        connection.close()

    threads = [threading.Thread(target=want, args=(one,)) for one in instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([attempt for attempt in taken if attempt]) == 1
    assert Attempt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_while_there_is_enough_everybody_who_asks_at_once_gets_one(monkeypatch):
    host = make_host()
    instances = [make_instance(host, port) for port in range(8188, 8200)]
    queue(*(a_job(images={}, due=60) for _ in instances))
    # The lanes of one driver wait for each other; without that they are as several drivers.
    monkeypatch.setattr(claiming, "_turnstile", contextlib.nullcontext())
    with ThreadPoolExecutor(len(instances)) as pool:
        taken = list(pool.map(claim_and_close, instances))
    assert len({attempt.job_id for attempt in taken}) == len(instances)


def claim_and_close(instance):
    try:
        return claim(instance, driver=uuid4())
    finally:
        connection.close()
