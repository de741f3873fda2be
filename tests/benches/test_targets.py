"""The last table of a bench: each figure that was measured beside what it is meant to be, and whether it is."""

import copy

import pytest

from benches import targets
from benches.figures import Spread


def spread(p50, p95=0.0):
    return Spread(p50=p50, p95=p95, count=100)


def run(way, instances, gap, share, **more):
    return {"way": way, "round trip ms": 0, "instances": instances, "gap ms": gap, "efficiency": share, **more}


GOOD = {
    "turns": {
        "runs": [
            run("bare, 2 ahead, SSH", 1, spread(1, 10), 0.97),
            run("the portal", 1, spread(2, 11), 0.965),
            {
                "way": "the portal, idle before",
                "round trip ms": 0,
                "instances": 1,
                "before ms": spread(120),
                "after ms": spread(90),
                "attached ms": spread(140),
            },
        ],
        "memory": {"together": {"processes": 4, "pss MB": 300.0, "rss MB": 600.0}},
        "asked while idle": {"GET /queue": 0.5},
    },
    "claims": {"queued": 10_000, "claim ms": spread(4), "queries": [7], "queries with 20 queued": [7]},
    "policies": {
        "rules": {
            "ours": {"portrait wait s": spread(70, 400), "swaps a day": 1000, "on time %": 100.0},
            "first come, first served": {"portrait wait s": spread(900, 4600), "swaps a day": 2600, "on time %": 97.0},
        }
    },
}


def not_reached(found):
    return [target for target, _reached, is_reached in targets.rows(found) if not is_reached]


def test_what_is_reached_everywhere_says_yes_everywhere():
    assert not_reached(GOOD) == []
    assert len(list(targets.rows(GOOD))) == 13
    (table,) = targets.tables(GOOD)
    assert "99.5 %" in table
    assert "  no" not in table


SPOILT = {
    "idle gap ≤ 10 ms p50 (1 instance, 0 ms round trip)": ("turns", "runs", 1, "gap ms", spread(11, 11)),
    "its p95 within 20 % of the bare client's (1 instance, 0 ms round trip)": (
        *("turns", "runs", 1, "gap ms"),
        spread(2, 12.5),
    ),
    "efficiency ≥ 99 % of the bare client's (1 instance, 0 ms round trip)": ("turns", "runs", 1, "efficiency", 0.95),
    "before ≤ 200 ms p50 on an idle fleet (0 ms)": ("turns", "runs", 2, "before ms", spread(201)),
    "after ≤ 150 ms p50: verified, hashed, stored (0 ms)": ("turns", "runs", 2, "after ms", spread(151)),
    "after ≤ 150 ms p50: and attached (0 ms)": ("turns", "runs", 2, "attached ms", spread(151)),
    "5 instances driven in ≤ 400 MB": ("turns", "memory", "together", "pss MB", 401.0),
    "no instance asked more often than once a second while idle": ("turns", "asked while idle", "GET /queue", 5.5),
    "claim ≤ 5 ms p50 among 10000 queued": ("claims", "claim ms", spread(5.1)),
    "as many queries whatever is queued": ("claims", "queries with 20 queued", [8]),
    "portrait wait p95 at most a third of first come, first served": (
        *("policies", "rules", "ours", "portrait wait s"),
        spread(70, 1600),
    ),
    "model swaps at most half of it": ("policies", "rules", "ours", "swaps a day", 1400),
    "on-time share not below it": ("policies", "rules", "ours", "on time %", 96.0),
}


@pytest.mark.parametrize("target", SPOILT)
def test_what_is_missed_says_no_and_nothing_else_does(target):
    found = copy.deepcopy(GOOD)
    *path, last, value = SPOILT[target]
    place = found
    for step in path:
        place = place[step]
    place[last] = value
    assert not_reached(found) == [target]


def test_parts_that_were_not_measured_have_no_rows():
    assert list(targets.tables({"conditions": {}})) == []
    assert len(list(targets.rows({"claims": GOOD["claims"]}))) == 2
