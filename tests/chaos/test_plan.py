"""The campaign's plan: the same seed gives the same faults, and a long one has every kind."""

from hypothesis import given
from hypothesis import strategies as st

from chaos.plan import KINDS, PLACES, plan

seeds = st.integers(0, 10**6)


@given(seeds)
def test_the_same_seed_gives_the_same_faults(seed):
    assert plan(seed, 120) == plan(seed, 120)


@given(seeds)
def test_ten_minutes_have_every_kind(seed):
    assert {deed.kind for deed in plan(seed, 600)} == set(KINDS)


@given(seeds, st.floats(1, 900))
def test_deeds_are_in_order_in_time_and_at_places_there_are(seed, seconds):
    deeds = plan(seed, seconds)
    assert [deed.at for deed in deeds] == sorted(deed.at for deed in deeds)
    assert all(deed.at <= seconds and (deed.host, deed.place) in PLACES for deed in deeds)


def test_two_seeds_differ():
    assert plan(1, 600) != plan(2, 600)
