from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_the_database_is_postgresql_and_knows_korean() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT upper('é한글')")
        assert cursor.fetchone() == ("É한글",)


@pytest.mark.parametrize("_time", ["first", "second"])
def test_each_test_starts_with_nothing_left_over(_time: str, redis_client: redis.Redis) -> None:
    left = settings.STORAGE_ROOT / "left"
    assert not redis_client.exists("left")
    assert not left.exists()
    redis_client.set("left", "here")
    left.write_text("here")


def test_files_go_to_a_directory_of_this_run() -> None:
    assert Path(settings.BASE_DIR) not in settings.STORAGE_ROOT.parents
