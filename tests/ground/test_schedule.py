"""What runs by the clock: all that the product stands on being looked after, on a queue that is served."""

import importlib

import pytest
import rq.cron
from django.conf import settings

from gpujobs import tasks
from orders import tasks as order_tasks
from portal import schedule


@pytest.fixture
def registered(monkeypatch):
    """{task: what it was registered with}, read anew."""
    found = {}
    monkeypatch.setattr(rq.cron, "register", lambda task, **how: found.update({task: how}))
    importlib.reload(schedule)
    monkeypatch.undo()
    return found


def test_what_was_left_behind_is_looked_for_every_ten_seconds(registered):
    assert registered[tasks.reconcile]["interval"] == 10
    assert registered[order_tasks.sweep]["interval"] <= 60


def test_hosts_are_searched_and_ends_are_counted_every_hour(registered):
    assert registered[tasks.scan]["interval"] == registered[tasks.settle]["interval"] == 3600


def test_each_is_put_on_a_queue_that_a_worker_serves_and_falls_away_before_it_piles_up(registered):
    assert len(registered) >= 10
    for task, how in registered.items():
        assert how["queue_name"] in settings.RQ_QUEUES, task
        assert how["ttl"] <= how["interval"], task
        assert how["result_ttl"] == 0, task
