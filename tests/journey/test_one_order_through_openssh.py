"""One order, all three products, from the login to the zip, its GPU host behind a real OpenSSH sshd."""

import io
from pathlib import Path

import pytest
from django.test import Client

from gpujobs.models import Attempt
from gpujobs.standin import StandinHost
from orders.models import Deliverable, Item
from tests.factories import make_reviewer, make_staff
from tests.gpujobs.fleet import QUICK, Fleet, behind_sshd, make_key, wait_until
from tests.journey.approvals import PRODUCTS, approved, zipped
from tests.journey.asking import approve_everything, link_of, logged_in, submit_an_order
from tests.workers import worker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.sshd,
    pytest.mark.timeout(300),
]


@pytest.fixture
def fleet(tmp_path):
    (tmp_path / "standin").mkdir()
    key = make_key(tmp_path / "standin")
    with (
        StandinHost(tmp_path / "standin/host", Path(f"{key}.pub"), instances=1, settings=QUICK) as standin,
        behind_sshd(tmp_path, [standin.instances[0].port]) as (host, instances),
    ):
        yield Fleet(standin, host, instances)


def test_an_order_goes_through_openssh_from_the_login_to_the_zip(fleet: Fleet) -> None:
    desk = logged_in(make_staff())
    order = submit_an_order(desk, *PRODUCTS, photos=3)
    with worker("portal"):
        with fleet.driven():
            wait_until(lambda: order.items.filter(state=Item.State.TO_REVIEW).count() == 3, 120)
            wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
        assert len(fleet.executions()) == 4 + 3 + 1
        assert fleet.residue() == []
        approve_everything(logged_in(make_reviewer()), order)
        wait_until(lambda: Deliverable.objects.count() == 1 + 3 + 1, 120)
    family = Client()
    link = link_of(desk, order)
    assert "고 김영자 님을" in family.get(link).content.decode()
    answer = family.get(f"{link}/all.zip")
    body = b"".join(answer)
    assert len(body) == int(answer["Content-Length"])
    assert zipped(io.BytesIO(body)) == approved(order)
