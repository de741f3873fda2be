"""Two that ask for the last allowed download at once: one gets it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from orders.models import Deliverable, Download
from tests.family.making import approved_order, make_link
from tests.orders.people import make_home, make_user


@pytest.mark.django_db(transaction=True)
def test_of_two_that_race_for_the_last_download_one_gets_it():
    alice = make_user("alice", make_home())
    order = approved_order(alice)
    link, token = make_link(order, alice, max_downloads=1)
    url = f"/g/{token}/{Deliverable.objects.get().code}/"
    together = Barrier(2)

    def ask(_):
        client = Client()
        together.wait(10)
        try:
            return client.get(url).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(ask, range(2))) == [200, 403]
    link.refresh_from_db()
    assert link.downloads == 1
    assert Download.objects.count() == 1
