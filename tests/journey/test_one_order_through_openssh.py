"""One order, all three products, from the login to the review, its GPU host behind a real OpenSSH sshd."""

from pathlib import Path

import pytest

from gpujobs.models import Attempt
from gpujobs.standin import StandinHost
from orders.models import Candidate, Item
from tests.factories import make_staff
from tests.gpujobs.fleet import QUICK, Fleet, behind_sshd, make_key, wait_until
from tests.journey.asking import logged_in, submit_an_order
from tests.workers import worker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.sshd,
    pytest.mark.timeout(300),
]
PRODUCTS = ("portrait", "life_scene", "living_video")


@pytest.fixture
def fleet(tmp_path):
    (tmp_path / "standin").mkdir()
    key = make_key(tmp_path / "standin")
    with (
        StandinHost(tmp_path / "standin/host", Path(f"{key}.pub"), instances=1, settings=QUICK) as standin,
        behind_sshd(tmp_path, [standin.instances[0].port]) as (host, instances),
    ):
        yield Fleet(standin, host, instances)


def test_an_order_is_made_through_openssh_and_waits_for_review(fleet: Fleet) -> None:
    order = submit_an_order(logged_in(make_staff()), *PRODUCTS, photos=3)
    with worker("portal"), fleet.driven():
        wait_until(lambda: order.items.filter(state=Item.State.TO_REVIEW).count() == 3, 120)
        wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
    made = Candidate.objects.filter(item__order=order, state=Candidate.State.READY)
    assert made.exclude(file="").exclude(sha256="").count() == 4 + 3 + 1
    assert len(fleet.executions()) == 4 + 3 + 1
    assert fleet.residue() == []
