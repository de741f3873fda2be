"""What every test starts from: an empty Redis database and an empty storage directory, both this worker's own."""

import shutil
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings


@pytest.fixture(scope="session")
def redis_client() -> Iterator[redis.Redis]:
    """This worker's Redis database, the one that settings.REDIS_URL names."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture(autouse=True)
def _nothing_left_over(redis_client: redis.Redis) -> None:
    redis_client.flushdb()
    shutil.rmtree(settings.STORAGE_ROOT, ignore_errors=True)
    settings.STORAGE_ROOT.mkdir(parents=True)
