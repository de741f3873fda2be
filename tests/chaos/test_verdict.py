"""The verdict of a campaign complains about each thing that may go wrong, and about nothing where all went right."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

import chaos.__main__ as command
from chaos.plan import KINDS, Deed
from chaos.verdict import judge
from gpujobs.models import Attempt, Instance, Job, Output
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 28, 12, tzinfo=UTC)


def after(seconds):
    return START + timedelta(seconds=seconds)


class Place:
    """A host with a made ledger."""

    def __init__(self, name="one", port=8188):
        self.facts = SimpleNamespace(name=name, ports=(port,))
        self.entries, self.left = [], []

    def executions(self):
        return self.entries

    def residue(self):
        return self.left

    def executed(self, attempt_id):
        self.entries.append({"extra_data": {"portal_attempt": str(attempt_id)}})


@pytest.fixture
def instance():
    return make_instance(make_host("one"))


@pytest.fixture
def place(instance):
    return Place()


def made(state="succeeded", *, ended=10.0, fault="", text=""):
    """A job on record; those that succeeded have a result only once an attempt brings it."""
    job = a_job(images={}, state=state, fault=fault, fault_text=text, queued_at=START)
    job.finished_at = after(ended) if state in Job.ENDED else None
    job.save()
    return job


def tried(job, instance, place, *, number=1, state="succeeded", fault="", claimed=0.0, sent=1.0, ended=10.0, runs=1):
    attempt = Attempt.objects.create(
        job=job,
        instance=instance,
        number=number,
        state=state,
        fault=fault,
        driver=uuid4(),
        claimed_at=after(claimed),
        sent_at=after(sent),
        finished_at=after(ended),
    )
    for _ in range(runs):
        place.executed(attempt.pk)
    if state == "succeeded":
        Output.objects.update_or_create(
            job=job,
            position=0,
            defaults={
                "attempt": attempt,
                "kind": "image",
                "media_type": "image/png",
                "file": "x",
                "sha256": "0" * 64,
                "byte_count": 1,
                "width": 1,
                "height": 1,
            },
        )
    return attempt


def verdict_on(place, done=(), *, expected=None, cancelled=(), asked=(), over_at=0.0):
    return judge([place], done, asked=asked, expected=expected or {}, cancelled=cancelled, over_at=over_at)


def struck(kind, at, *, host=0):
    deed = Deed(at=at, kind=kind, host=host, place=0, lasts=KINDS[kind][2], dice=1)
    return deed, after(at).timestamp()


def test_a_clean_campaign_is_good(instance, place):
    plain, again, stopped, faceless = made(), made(), made("cancelled"), made("failed", fault="no_face")
    tried(plain, instance, place)
    tried(again, instance, place, state="lost", fault="lost", ended=4.0)
    tried(again, instance, place, number=2, claimed=5.0, sent=6.0)
    tried(faceless, instance, place, state="failed", fault="no_face")
    verdict = verdict_on(
        place,
        [struck("network cut", 3)],
        expected={faceless.pk: "no_face"},
        cancelled={stopped.pk},
        asked=[plain.pk, again.pk, stopped.pk, faceless.pk],
        over_at=after(3).timestamp(),
    )
    assert verdict.complaints == []
    assert verdict.is_good
    assert (verdict.jobs, verdict.ended_right, verdict.executions) == (4, 4, 4)
    assert (verdict.succeeded, verdict.cancelled, verdict.failed) == (2, 1, 1)
    assert verdict.again == {"lost": 1, "no_face": 1}
    assert (verdict.longest_recovery, verdict.last_end) == (7.0, 7.0)


def test_a_job_that_has_not_ended_is_lost(place):
    job = made("running")
    verdict = verdict_on(place)
    assert verdict.lost == [f"{job.pk} is still running"]
    assert not verdict.is_good


def test_a_job_of_which_nothing_is_on_record_is_lost(place):
    key = uuid4()
    verdict = verdict_on(place, asked=[key])
    assert verdict.lost == [f"{key} was asked for and is on no record"]
    assert not verdict.is_good


def test_a_job_that_failed_for_no_reason_of_its_own_is_wrong(place):
    job = made("failed", fault="attempts_spent", text="out_of_memory")
    verdict = verdict_on(place)
    assert verdict.wrong == [f"{job.pk} failed: attempts_spent: out_of_memory"]
    assert not verdict.is_good


def test_a_job_that_must_fail_must_fail_by_just_that_fault(instance, place):
    other, made_well = made("failed", fault="invalid_graph"), made()
    tried(made_well, instance, place)
    verdict = verdict_on(place, expected={other.pk: "no_face", made_well.pk: "no_face"})
    assert sorted(verdict.wrong) == sorted(
        [
            f"{other.pk} failed: invalid_graph instead of no_face: ",
            f"{made_well.pk} succeeded and had to fail: no_face",
        ]
    )
    assert (verdict.ended_right, verdict.is_good) == (0, False)


def test_a_job_that_was_cancelled_by_nobody_is_wrong(place):
    job = made("cancelled")
    assert verdict_on(place).wrong == [f"{job.pk} was cancelled and nobody asked"]


def test_a_success_without_a_result_is_wrong(place):
    job = made()
    assert verdict_on(place).wrong == [f"{job.pk} succeeded without a result"]


def test_an_attempt_that_ran_twice_is_doubled(instance, place):
    attempt = tried(made(), instance, place, runs=2)
    verdict = verdict_on(place)
    assert verdict.doubled == [f"attempt {attempt.pk} was executed 2 times"]
    assert not verdict.is_good


def test_an_execution_that_nobody_wrote_down_is_doubled(place):
    key = uuid4()
    place.executed(key)
    assert verdict_on(place).doubled == [f"attempt {key} was executed and is on no record"]


def test_a_prompt_that_is_not_ours_is_nobodys_business(place):
    place.entries.append({"extra_data": {"client_id": "somebody else"}})
    assert verdict_on(place).is_good


def test_a_second_try_without_a_cause_is_doubled(instance, place):
    job = made()
    tried(job, instance, place, state="lost")
    tried(job, instance, place, number=2)
    verdict = verdict_on(place)
    assert verdict.doubled == [f"job {job.pk} was tried again without a cause"]
    assert not verdict.is_good


def test_what_is_left_on_a_host_is_residue(place):
    place.left.append("/gpu0/output/portal/x.png")
    verdict = verdict_on(place)
    assert verdict.residue == ["/gpu0/output/portal/x.png"]
    assert not verdict.is_good


def test_an_instance_that_stays_out_is_a_complaint(instance, place):
    Instance.objects.filter(pk=instance.pk).update(state="out", fault="wedged")
    verdict = verdict_on(place)
    assert verdict.still_out == ["one:8188: wedged"]
    assert not verdict.is_good


def test_recovery_counts_from_the_faults_end(instance, place):
    job = made(ended=120)
    tried(job, instance, place, state="lost", fault="lost", ended=90)
    tried(job, instance, place, number=2, claimed=91, sent=100, ended=120)
    frozen = struck("network frozen for long", 5)
    verdict = verdict_on(place, [frozen])
    assert verdict.longest_recovery == pytest.approx(100 - 5 - 30)
    assert verdict.slowest == "network frozen for long at 5 s"
    assert not verdict.is_good


def test_recovery_counts_from_the_last_fault_that_struck_the_job_meanwhile(instance, place):
    job = made(ended=120)
    tried(job, instance, place, state="lost", fault="lost", ended=90)
    tried(job, instance, place, number=2, claimed=91, sent=100, ended=120)
    verdict = verdict_on(place, [struck("network cut", 5), struck("Redis flushed", 80)])
    assert verdict.longest_recovery == pytest.approx(20)
    assert verdict.is_good


def test_a_job_back_in_the_queue_waits_for_its_turn_while_others_are_taken(instance, place):
    job = made(ended=120)
    tried(job, instance, place, state="lost", fault="lost", ended=30)
    tried(job, instance, place, number=2, claimed=111, sent=112, ended=120)
    for claimed in (40, 60, 75, 100):
        tried(made(ended=claimed + 5), instance, place, claimed=claimed, sent=claimed + 1, ended=claimed + 5)
    verdict = verdict_on(place, [struck("network cut", 10)])
    assert verdict.longest_recovery == pytest.approx(20 + 25), "twenty until it was back, 75 to 100 nobody was taken"


def test_a_fault_elsewhere_struck_nobody_here(instance, place):
    tried(made(), instance, place, ended=100)
    other = Place("two", port=8188)
    done = [struck("network cut", 5, host=1)]
    assert judge([place, other], done, asked=(), expected={}, cancelled=()).longest_recovery == 0


def test_a_last_job_that_ends_late_is_a_complaint(instance, place):
    tried(made(ended=100), instance, place, ended=100)
    verdict = verdict_on(place, over_at=after(30).timestamp())
    assert verdict.complaints == ["70 s from the last fault's end until the last job's"]


@pytest.mark.parametrize(("good", "code"), [(True, 0), (False, 1)])
def test_the_command_says_by_its_exit_code_whether_all_went_well(monkeypatch, tmp_path, good, code):
    kept = tmp_path / "campaign"
    kept.mkdir()

    class Nothing:
        def __init__(self, *args, **kwargs):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    monkeypatch.setattr("sys.argv", ["chaos", "--minutes", "1", "--seed", "3"])
    monkeypatch.setattr(command.tempfile, "mkdtemp", lambda **kwargs: str(kept))
    monkeypatch.setattr(command.shutil, "which", lambda name: "/usr/sbin/sshd")
    monkeypatch.setattr(command, "scene", Nothing)
    monkeypatch.setattr(command, "campaign", lambda *args: good)
    assert command.main() == code
    # What went wrong can be read afterwards.
    assert kept.exists() is not good
