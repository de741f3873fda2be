"""The simulated day: our rule against first come, first served, on the same orders and the same seats."""

from datetime import timedelta
from uuid import UUID

import pytest

import benches.__main__ as command
from benches import day
from gpujobs.scheduling import Waiting

HOMES = [UUID(int=number) for number in (1, 2)]


@pytest.fixture(scope="module")
def rules():
    return day.measure(days=1)["rules"]


def test_ours_reaches_what_the_policy_is_meant_to(rules):
    ours, fifo = rules["ours"], rules["first come, first served"]
    assert ours["portrait wait s"].p95 <= fifo["portrait wait s"].p95 / 3
    assert ours["swaps a day"] <= fifo["swaps a day"] / 2
    assert ours["on time %"] >= fifo["on time %"]


def test_all_rules_play_the_same_day(rules):
    assert len({told["jobs a day"] for told in rules.values()}) == 1


def job(number, *, home=0, workflow="portrait", due=60, queued=0):
    minutes = [day.MIDNIGHT + timedelta(minutes=each) for each in (due, queued)]
    return Waiting(UUID(int=number), UUID(int=number), workflow, HOMES[home], *minutes)


def test_the_shortlist_has_of_each_home_and_workflow_the_soonest_due_and_the_longest_waiting():
    waiting = [
        job(1, due=90, queued=1),
        job(2, due=30, queued=5),
        job(3, due=60, queued=3),
        job(4, home=1, due=500, queued=9),
        job(5, workflow="life_scene", due=700, queued=8),
    ]
    assert sorted(each.id.int for each in day.shortlist(waiting)) == [1, 2, 4, 5]


def options(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["benches", *words])
    return command.arguments()


def test_the_time_to_load_models_is_a_parameter(monkeypatch):
    given = options(monkeypatch, "--portrait-load", "3.5", "--living-video-load", "120")
    kinds = command.world_of(given).kinds
    assert {name: kind.load for name, kind in kinds.items()} == {
        "portrait": 3.5,
        "life_scene": 25,
        "living_video": 120,
    }
    assert kinds["portrait"].seconds == day.World().kinds["portrait"].seconds
