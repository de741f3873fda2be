"""Taking a job off the queue: once, in order, and only while it is still allowed."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from gpujobs import claiming, queueing
from gpujobs.claiming import best_for, claim, is_outdone
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
    assert job.finished_at
    assert not Attempt.objects.exists()


def nobody_may(references):
    return set()


def test_a_job_withdrawn_while_it_is_being_taken_is_not_taken(instance, settings):
    settings.GPUJOBS_MAY_RUN = "tests.gpujobs.test_claiming.may_and_is_withdrawn"
    withdrawn, other = queue(a_job(due=30), a_job(due=90))
    assert claim(instance, driver=DRIVER).job == other
    assert Job.objects.get(pk=withdrawn.pk).state == "cancelled"
    assert Attempt.objects.count() == 1


def may_and_is_withdrawn(references):
    soonest = Job.objects.filter(reference__in=references).earliest("due_at")
    if not Job.objects.filter(state="cancelled").exists():
        queueing.cancel([soonest.pk])
    return set(references)


def test_an_instance_that_is_out_takes_nothing(instance):
    queue(a_job())
    instance.state = "out"
    instance.save()
    assert claim(instance, driver=DRIVER) is None


def test_the_number_of_queries_does_not_grow_with_the_queue(instance, django_assert_num_queries):
    queue(*(a_job(images={}) for _ in range(3)))
    with django_assert_num_queries(3):
        claim(instance, driver=DRIVER)
    queue(*(a_job(images={}, home=UUID(int=number % 10)) for number in range(40)))
    with django_assert_num_queries(3):
        claim(instance, driver=DRIVER)


def test_a_hundred_jobs_of_one_home_do_not_hide_the_one_of_another(instance):
    greedy, modest = UUID(int=1), UUID(int=2)
    busy = [make_instance(instance.host, port) for port in range(8189, 8194)]
    queue(*(a_job(images={}, due=1, home=greedy) for _ in busy))
    assert all(claim(one, driver=DRIVER) for one in busy)
    queue(*(a_job(images={}, due=5, home=greedy) for _ in range(100)))
    (behind,) = queue(a_job(images={}, due=10, home=modest))
    assert claim(instance, driver=DRIVER).job == behind


def test_of_each_home_the_one_due_soonest_and_the_one_asked_for_first_are_looked_at(instance):
    hour = timedelta(hours=1)
    soon, old, _neither = queue(
        a_job(images={}, due=100, queued_at=timezone.now() - hour),
        a_job(images={}, due=300, queued_at=timezone.now() - 2 * hour),
        a_job(images={}, due=200, queued_at=timezone.now() - hour),
    )
    assert best_for(instance).job == old.pk
    assert best_for(instance, without=[old.pk]).job == soon.pk


def test_a_workflow_that_nobody_knows_any_more_is_passed_over(instance):
    strange, job = queue(a_job(images={}, due=1), a_job(images={}, due=2))
    Job.objects.filter(pk=strange.pk).update(workflow="of_yesterday")
    assert claim(instance, driver=DRIVER).job == job
    assert claim(instance, driver=DRIVER) is None


def test_what_waits_on_an_instance_makes_way_for_the_much_more_urgent_and_for_nothing_less(instance):
    (waiting,) = queue(a_job(images={}, due=25))
    claim(instance, driver=DRIVER)
    queue(a_job(images={}, due=10))
    assert not is_outdone(instance, waiting), "a quarter of an hour is no reason"
    queue(a_job(images={}, due=3))
    assert is_outdone(instance, waiting)


def test_a_video_waits_while_the_only_other_seat_has_one(instance):
    other = make_instance(instance.host, 8189)
    first, second = queue(a_job("living_video", images={}), a_job("living_video", images={}))
    assert claim(other, driver=DRIVER).job in (first, second)
    assert claim(instance, driver=DRIVER) is None
    (portrait,) = queue(a_job(images={}, due=600))
    assert claim(instance, driver=DRIVER).job == portrait


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


@pytest.mark.django_db(transaction=True)
def test_of_two_drivers_that_see_the_last_two_seats_free_one_puts_a_video_there(monkeypatch):
    instances = [make_instance(make_host(name), 8188) for name in ("one", "other")]
    queue(a_job("living_video", images={}), a_job("living_video", images={}))
    monkeypatch.setattr(claiming, "_turnstile", contextlib.nullcontext())
    choose, both, once = claiming.choose, threading.Barrier(2), threading.local()

    def choose_together(*given, **more):
        chosen = choose(*given, **more)
        if not hasattr(once, "done"):
            once.done = both.wait(10)
        return chosen

    write_down = claiming._write_down

    def write_down_and_wait(*given):
        written = write_down(*given)
        # Not committed yet: the other finds the job taken and the seat free.
        time.sleep(0.5)
        return written

    monkeypatch.setattr(claiming, "choose", choose_together)
    monkeypatch.setattr(claiming, "_write_down", write_down_and_wait)
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(claim_and_close, instances))
    assert len([attempt for attempt in taken if attempt]) == 1
    assert Attempt.objects.count() == 1
