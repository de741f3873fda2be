"""RQ's queues as an operator reads them."""

import django_rq
import pytest
from redis import RedisError
from rq import SimpleWorker

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_says_what_waits_what_failed_and_which_queue_nobody_serves(console):
    portal, hosts = django_rq.get_queue("portal"), django_rq.get_queue("hosts")
    hosts.enqueue("math.sqrt", -1)
    # Its message is "math domain error"; of another it might be a name.
    SimpleWorker([hosts], connection=hosts.connection).work(burst=True)
    portal.enqueue("math.sqrt", 4)
    page = console.get("/operator/messages/").content.decode()
    assert "math.sqrt" in page
    assert "ValueError" in page
    assert "domain error" not in page
    assert "맡은 작업자가 없는 대기열이 있습니다: gpu, portal, upkeep, hosts" in page


def test_without_redis_it_says_so(console, monkeypatch):
    def get_queue(name):
        raise RedisError

    monkeypatch.setattr(django_rq, "get_queue", get_queue)
    assert "Redis가 대답하지 않습니다." in console.get("/operator/messages/").content.decode()
