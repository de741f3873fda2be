"""Which job an instance takes next: properties that hold for every queue, and the cases people argue about."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from gpujobs.scheduling import SOON, TENANT_MOST, WARM_WINDOW, Demand, Fleet, Seat, Waiting, choose, fits, wanted_at

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DEMANDS = {
    "portrait": Demand(memory_mb=12_000, long=False),
    "scene": Demand(memory_mb=12_000, long=False),
    "video": Demand(memory_mb=23_000, long=True),
}
HOMES = [UUID(int=n) for n in range(1, 5)]


def waiting(workflow="portrait", *, due=0.0, home=HOMES[0], queued=0.0):
    return Waiting(
        id=uuid4(),
        reference=uuid4(),
        workflow=workflow,
        tenant=home,
        due_at=NOON + timedelta(minutes=due),
        queued_at=NOON + timedelta(minutes=queued),
    )


def seat(number=1, *, memory=24_000, warm="", workflows=None, busy=()):
    return Seat(id=number, memory_mb=memory, warm=warm, workflows=workflows, busy_with=busy)


def pick(this, jobs, *others, on_gpus=None):
    return choose(this, jobs, demands=DEMANDS, fleet=Fleet(seats=[this, *others], on_gpus=on_gpus or {}))


jobs = st.builds(
    waiting,
    st.sampled_from(sorted(DEMANDS)),
    due=st.floats(-600, 600),
    home=st.sampled_from(HOMES),
    queued=st.floats(-600, 0),
)
seats = st.builds(
    seat,
    st.integers(2, 9),
    memory=st.sampled_from([0, 8_000, 16_000, 24_000]),
    warm=st.sampled_from(["", *DEMANDS]),
    workflows=st.none() | st.frozensets(st.sampled_from(sorted(DEMANDS))),
    busy=st.lists(st.sampled_from(sorted(DEMANDS)), max_size=2).map(tuple),
)
counts = st.dictionaries(st.sampled_from(HOMES), st.integers(0, 30))


@given(seats, st.lists(jobs, max_size=30), st.lists(seats, max_size=5), counts)
def test_a_choice_fits_its_seat_and_says_why(this, queue, others, on_gpus):
    chosen = pick(this, queue, *others, on_gpus=on_gpus)
    fleet = Fleet(seats=[this, *others], on_gpus=on_gpus)
    possible = [job for job in queue if fits(this, job.workflow, demands=DEMANDS, fleet=fleet)]
    assert (chosen is None) == (not possible)
    if chosen:
        assert chosen.job in {job.id for job in possible}
        assert chosen.why
        assert this.can(chosen.workflow, DEMANDS[chosen.workflow])


@given(seats, st.lists(jobs, min_size=1, max_size=30), counts)
def test_no_job_is_passed_over_for_one_wanted_much_later(this, queue, on_gpus):
    chosen = pick(this, queue, on_gpus=on_gpus)
    if chosen is None:
        return
    fleet = Fleet(seats=[this], on_gpus=on_gpus)
    for job in queue:
        if fits(this, job.workflow, demands=DEMANDS, fleet=fleet):
            assert chosen.wanted_at <= wanted(job) + WARM_WINDOW + TENANT_MOST


def wanted(job):
    return wanted_at(job.due_at, job.queued_at, DEMANDS[job.workflow])


@given(jobs)
def test_a_job_is_wanted_when_it_is_due_at_the_latest_and_a_short_one_soon(job):
    assert wanted(job) <= job.due_at
    assert DEMANDS[job.workflow].long or wanted(job) <= job.queued_at + SOON


@given(seats, jobs)
def test_nothing_is_put_behind_a_video_that_runs(this, job):
    assert "video" not in this.busy_with or pick(this, [job]) is None


@given(seats, st.lists(jobs, min_size=2, max_size=20), st.randoms(), counts)
def test_the_order_of_the_rows_does_not_matter(this, queue, random, on_gpus):
    shuffled = list(queue)
    random.shuffle(shuffled)
    assert pick(this, queue, on_gpus=on_gpus) == pick(this, shuffled, on_gpus=on_gpus)


@given(st.lists(seats, max_size=5))
def test_a_video_leaves_a_seat_for_portraits_wherever_there_are_two(others):
    this = seat(1)
    if pick(this, [waiting("video")], *others) is None:
        return
    able = [other for other in others if other.can("portrait", DEMANDS["portrait"])]
    assert not able or any("video" not in other.busy_with for other in able)


def test_the_sooner_due_goes_first():
    late, soon = waiting(due=600), waiting(due=60)
    assert wanted(late) == wanted(soon)
    assert pick(seat(), [late, soon]).job == soon.id


def test_of_two_due_together_the_longer_waiting_goes_first():
    new, old = waiting(due=20, queued=-1), waiting(due=20, queued=-9)
    assert pick(seat(), [new, old]).job == old.id


def test_a_warm_workflow_goes_before_one_due_a_little_sooner():
    scene, portrait = waiting("scene", due=10), waiting("portrait", due=5)
    chosen = pick(seat(warm="scene"), [scene, portrait])
    assert chosen.job == scene.id
    assert chosen.why == "warm for scene, due 2026-11-22T12:10Z"


def test_warmth_never_outweighs_more_than_its_window():
    scene, portrait = waiting("scene", due=13), waiting("portrait", due=2)
    assert pick(seat(warm="scene"), [scene, portrait]).job == portrait.id


def test_a_video_with_time_to_spare_lets_portraits_pass():
    video, portrait = waiting("video", due=60, queued=-30), waiting("portrait", due=300)
    chosen = pick(seat(), [video, portrait])
    assert chosen.job == portrait.id
    assert chosen.why == "due 2026-11-22T17:00Z, wanted 2026-11-22T12:30Z"


def test_a_video_whose_time_has_come_passes_the_portraits():
    video, portrait = waiting("video", due=10, queued=-30), waiting("portrait", due=300)
    assert pick(seat(), [video, portrait]).job == video.id


def test_a_home_that_holds_many_gpus_lets_another_home_go_first():
    mine, theirs = waiting(due=20, home=HOMES[0]), waiting(due=25, home=HOMES[1])
    assert pick(seat(), [mine, theirs], on_gpus={HOMES[0]: 4}).job == theirs.id


def test_a_video_waits_where_memory_is_short():
    assert pick(seat(memory=16_000), [waiting("video")], seat(2)) is None


def test_a_video_waits_while_the_only_other_seat_makes_a_video():
    assert pick(seat(1), [waiting("video")], seat(2, busy=("video",))) is None


def test_a_fleet_of_one_seat_makes_videos_too():
    assert pick(seat(1), [waiting("video")]) is not None


def test_what_the_doctor_found_impossible_is_never_given():
    assert pick(seat(workflows=frozenset({"portrait"})), [waiting("scene")]) is None
