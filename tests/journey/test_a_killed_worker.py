"""A worker killed in the middle of an order: staff and reviewer see nothing of it, and no GPU minute is spent twice."""

import pytest

from gpujobs.models import Attempt, Job
from gpujobs.standin import Settings
from orders.models import Candidate, Item
from tests.factories import make_staff
from tests.gpujobs.fleet import fleet_of, wait_until
from tests.journey.asking import logged_in, submit_an_order
from tests.workers import reconcile_until, worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_an_order_is_made_to_the_end_though_its_worker_is_killed_and_each_picture_once(tmp_path):
    with fleet_of(tmp_path, settings=Settings(step_seconds=0.06, control=True)) as fleet, worker("portal"):
        order = submit_an_order(logged_in(make_staff()), "portrait")
        jobs = Job.objects.filter(pk__in=Candidate.objects.filter(item__order=order).values("job"))
        with worker("gpu") as first:
            wait_until(lambda: jobs.filter(state="succeeded").exists() and is_running(jobs), 90)
            first.kill()
            first.wait()
        assert jobs.exclude(state__in=Job.ENDED).exists()
        assert order.items.get().state == Item.State.PRODUCING
        with worker("gpu"):
            reconcile_until(lambda: order.items.get().state == Item.State.TO_REVIEW, 120)
        assert set(Candidate.objects.values_list("state", flat=True)) == {Candidate.State.READY}
        assert [len(fleet.executions(job)) for job in jobs] == [1, 1, 1, 1]
        assert Attempt.objects.count() == 4


def is_running(jobs):
    return Attempt.objects.filter(job__in=jobs, state=Attempt.State.RUNNING).exists()
