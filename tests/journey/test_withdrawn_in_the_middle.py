"""A family takes its consent back while a GPU is at work: it is stopped, and nothing of it is kept anywhere."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from gpujobs.models import Attempt, Job
from orders import erasing, production
from orders.models import Candidate, Erasure, Order
from tests.factories import make_staff, make_submitted_order
from tests.family.making import make_family_link, make_link
from tests.gpujobs.fleet import SLOW, fleet_of, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


@pytest.fixture
def order() -> Order:
    return make_submitted_order(make_staff(), needed_at=timezone.now() + timedelta(hours=1))


def test_the_job_is_interrupted_nothing_is_attached_and_every_link_is_closed(order: Order, tmp_path) -> None:
    _link, token = make_family_link(order, order.created_by, "consent")
    _gallery, gallery = make_link(order, order.created_by)
    with fleet_of(tmp_path, settings=SLOW) as fleet, fleet.driven():
        wait_until(lambda: Attempt.objects.filter(state=Attempt.State.RUNNING).exists())
        running = Job.objects.get(attempts__state=Attempt.State.RUNNING)
        assert Client().post(f"/f/{token}/consent/withdraw/", {"name": order.name}).status_code == 200
        wait_until(lambda: not Job.objects.exclude(state__in=Job.ENDED).exists())
        wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
        assert [entry["outcome"] for entry in fleet.executions(running)] == ["interrupted"]
        assert fleet.residue() == []
        erasing.work(Erasure.objects.get(order=order).pk)
        for job in Job.objects.values_list("pk", flat=True):
            production.attach(job)
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}
    assert not Candidate.objects.filter(state=Candidate.State.READY).exists()
    assert [path for path in settings.STORAGE_ROOT.rglob("*") if path.is_file()] == []
    for address in (f"/f/{token}/consent/", f"/g/{gallery}", f"/g/{gallery}/withdraw/"):
        assert Client().get(address).status_code == 404
