"""What a campaign asks for: the seed alone decides it, and every kind of job and every twist is among it."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chaos.mix import ENDS, HOMES, REFUSED_SEED, WORKFLOWS, asks
from gpujobs import faults

seeds = st.integers(0, 10**6)


@given(seeds)
def test_the_same_seed_asks_for_the_same(seed):
    assert asks(60, over=100, seed=seed) == asks(60, over=100, seed=seed)


@given(seeds)
def test_a_job_is_the_same_however_many_are_asked_for(seed):
    fewer = {ask.key: ask for ask in asks(20, over=100, seed=seed)}
    assert fewer.items() <= {ask.key: ask for ask in asks(60, over=100, seed=seed)}.items()


@given(seeds)
def test_a_hundred_jobs_have_every_workflow_home_and_twist(seed):
    mixed = asks(200, over=100, seed=seed)
    assert {ask.workflow for ask in mixed} == set(WORKFLOWS)
    assert {ask.home for ask in mixed} == set(range(HOMES))
    assert Counter(ask.twist for ask in mixed) == dict.fromkeys(ENDS, 4) | {"": 184}
    assert {ask.twist for ask in mixed if ask.seed == REFUSED_SEED} == {"seed that is refused"}
    assert [ask.at for ask in mixed] == sorted(ask.at for ask in mixed)


def test_every_twist_ends_in_a_fault_that_ends_the_job():
    known = {each.code: each for each in vars(faults).values() if isinstance(each, faults.Fault)}
    assert all(known[code].ends_job for code in ENDS.values())
