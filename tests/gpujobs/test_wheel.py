"""The lease of a host: kept whatever its driver waits for, and lost to nobody by half."""

import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from gpujobs.claiming import claim
from gpujobs.driver import reach_of, target_of
from gpujobs.lane import Lane
from gpujobs.models import Attempt
from gpujobs.ssh import HostConnection
from gpujobs.wheel import Wheel, WheelLost
from tests.gpujobs.fleet import fleet_of, wait_until
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setattr("gpujobs.wheel.LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr("gpujobs.wheel.RENEW_SECONDS", 0.1)
    return make_host()


def test_it_is_kept_while_its_driver_does_something_else(host):
    mine, renewals = uuid4(), []
    host.take_wheel(mine, timezone.now() + timedelta(seconds=0.5))
    with Wheel(host, mine, "me", renewed=lambda: renewals.append(1)) as wheel:
        time.sleep(1.2)
        assert not host.take_wheel(uuid4(), timezone.now())
        wheel.check()
    assert len(renewals) >= 3


def test_its_loss_is_told_to_the_driver(host):
    mine, other = uuid4(), uuid4()
    host.take_wheel(mine, timezone.now() - timedelta(seconds=1))
    host.take_wheel(other, timezone.now() + timedelta(seconds=60))
    with Wheel(host, mine, "me", renewed=lambda: None) as wheel:
        wait_until(lambda: wheel._trouble is not None, 5)
        with pytest.raises(WheelLost):
            wheel.check()


def test_who_is_not_at_the_wheel_claims_nothing(host):
    instance = make_instance(host)
    a_job(images={}).save()
    mine, other = uuid4(), uuid4()
    host.take_wheel(other, timezone.now() + timedelta(seconds=60))
    assert claim(instance, driver=mine) is None
    assert claim(instance, driver=other) is not None


def test_who_is_not_at_the_wheel_takes_no_attempt_over(tmp_path):
    mine, other = uuid4(), uuid4()
    with fleet_of(tmp_path) as fleet:
        job = a_job(state="running")
        job.save()
        attempt = Attempt.objects.create(job=job, instance=fleet.instances[0], number=1, driver=other)
        fleet.host.take_wheel(other, timezone.now() + timedelta(seconds=60))
        with HostConnection.open(target_of(fleet.host)) as connection:
            lane = Lane(reach_of(fleet.instances[0], connection), mine, lambda: None)
            lane._take_over(lane._live())
        attempt.refresh_from_db()
        assert (attempt.driver, attempt.state) == (other, "claimed")
        assert fleet.executions() == []
