"""A queued job's place and time: in the order in which jobs are run, at a cost that does not grow with the queue."""

from datetime import timedelta
from random import Random

import pytest
from django.utils import timezone
from redis import Redis

from gpujobs import overview, progress
from gpujobs.models import Job
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = pytest.mark.django_db


def queue(*jobs):
    return Job.objects.bulk_create(jobs)


def test_a_place_is_that_in_the_order_in_which_jobs_are_chosen():
    portrait, video = queue(a_job(images={}, due=600), a_job("living_video", images={}, due=60))
    told = progress.of([portrait.pk, video.pk])
    assert (told[portrait.pk].place, told[video.pk].place) == (1, 2)


def test_staff_and_operators_see_the_same_places():
    random, now = Random(3), timezone.now()
    kinds = ("portrait", "life_scene", "living_video", "print_master")
    queue(
        *(
            a_job(
                random.choice(kinds),
                images={},
                due=random.uniform(-30, 120),
                queued_at=now - timedelta(minutes=random.uniform(0, 90)),
            )
            for _ in range(40)
        )
    )
    places = {each.job.pk: each.place for each in overview.queue()}
    told = progress.of(list(places))
    assert {pk: one.place for pk, one in told.items()} == places
    assert len(places) == 40


def test_the_time_left_is_what_the_jobs_before_it_and_itself_usually_take_shared_by_the_instances():
    host = make_host()
    for port in (8188, 8189):
        make_instance(host, port)
    _first, second = queue(a_job(images={}, due=1), a_job("life_scene", images={}, due=2))
    told = progress.of([second.pk])[second.pk]
    assert told.seconds_left == (progress.usual_seconds("portrait") + progress.usual_seconds("life_scene")) / 2


def test_it_costs_the_same_behind_two_and_behind_two_hundred(monkeypatch, django_assert_num_queries):
    get, asked = Redis.get, []
    monkeypatch.setattr(Redis, "get", lambda self, name: asked.append(name) or get(self, name))
    queue(*(a_job(images={}, due=1) for _ in range(2)))
    (last,) = queue(a_job(images={}, due=600))
    progress.of([last.pk])
    spans = len(asked)
    for more in (0, 200):
        queue(*(a_job(images={}, due=1) for _ in range(more)))
        asked.clear()
        with django_assert_num_queries(3):
            assert progress.of([last.pk])[last.pk].place == 3 + more
        assert len(asked) == spans
