"""Jobs whose asker erases everything: looked for on the host that tried them, and emptied in the rows."""

from pathlib import Path

import pytest
from django.utils import timezone

from gpujobs import forgetting
from gpujobs.models import Attempt, GpuHost, Job
from tests.gpujobs.fleet import fleet_of
from tests.gpujobs.test_scanning import an_attempt, an_ended_attempt, history, plant, prompt

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fleet(tmp_path):
    with fleet_of(tmp_path) as fleet:
        yield fleet


def test_what_is_left_on_the_host_is_removed_counted_and_told(fleet):
    mine, other = an_ended_attempt(fleet), an_ended_attempt(fleet)
    for kind in ("input", "output", "temp"):
        plant(fleet, mine.pk.hex, kind)
    plant(fleet, other.pk.hex)
    prompts = [prompt(fleet, mine.pk), prompt(fleet, other.pk)]
    [cleared] = forgetting.clear_hosts([mine.job_id])
    assert (cleared.host, cleared.attempts, cleared.found, cleared.trouble) == (fleet.host.name, 1, 4, "")
    left = [path for path in Path(fleet.standin.root).rglob("*") if mine.pk.hex in str(path)]
    assert left == []
    assert [name for name in prompts if name in history(fleet)] == [prompts[1]], "another's stays"
    assert [path for path in Path(fleet.standin.root).rglob("*") if other.pk.hex in str(path)]
    mine.refresh_from_db()
    assert mine.cleaned_at
    assert forgetting.clear_hosts([mine.job_id])[0].found == 0


def test_a_host_at_work_or_out_of_reach_is_told_and_one_that_was_removed_for_good(fleet):
    live = an_attempt(fleet, state="running")
    assert forgetting.are_at_work([live.job_id])
    assert forgetting.clear_hosts([live.job_id])[0].trouble == "still at work"
    Attempt.objects.filter(pk=live.pk).update(state="failed", finished_at=timezone.now())
    assert not forgetting.are_at_work([live.job_id])
    GpuHost.objects.update(port=1)
    [away] = forgetting.clear_hosts([live.job_id])
    assert away.trouble
    assert not away.for_good
    GpuHost.objects.update(state=GpuHost.State.RETIRED)
    [gone] = forgetting.clear_hosts([live.job_id])
    assert (gone.trouble, gone.for_good) == ("retired; 1 not cleaned before", True)
    Attempt.objects.update(cleaned_at=timezone.now())
    assert forgetting.clear_hosts([live.job_id])[0].trouble == ""


def test_the_rows_keep_what_the_fleet_measures_by_and_nothing_else(fleet):
    attempt = an_ended_attempt(fleet, fault_text="a word about somebody")
    Job.objects.update(params={"person": "woman"}, images={"photo": "x.jpg"}, fault_text="the same")
    assert forgetting.empty_rows([attempt.job_id]) == {"jobs": 1, "attempts": 1, "outputs": 0}
    job = Job.objects.get()
    attempt.refresh_from_db()
    assert (job.params, job.images, job.fault_text, attempt.fault_text) == ({}, {}, "", "")
    assert job.workflow
