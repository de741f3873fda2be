"""Who may read /metrics, and that its text is Prometheus's."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
TOKEN = "a-token-for-prometheus"


@pytest.fixture(autouse=True)
def _token(settings):
    settings.METRICS_TOKEN = TOKEN


def asked(said):
    return Client().get("/metrics", headers={"Authorization": said})


@pytest.mark.parametrize("kind", ["Bearer", "bearer"])
def test_whoever_brings_the_token_reads_them(kind):
    answer = asked(f"{kind} {TOKEN}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert b'gpujobs_queue_depth{workflow="portrait"} 0.0' in answer.content


@pytest.mark.parametrize("said", ["Bearer", "Bearer ", "Bearer another", f"Bearer {TOKEN}x"])
def test_whoever_brings_another_learns_nothing(said):
    assert asked(said).status_code == 404


@pytest.mark.parametrize("said", ["Bearer", "Bearer "])
def test_no_token_is_not_an_empty_one(settings, said):
    settings.METRICS_TOKEN = ""
    assert asked(said).status_code == 404
