"""Questions that the server plans once for a connection."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone

from gpujobs import prepared
from gpujobs.claiming import claim
from gpujobs.models import Job
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = pytest.mark.django_db
DRIVER = UUID(int=1)


def plans():
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements")
        return {statement: (generic, custom) for statement, generic, custom in cursor.fetchall()}


def test_a_question_is_planned_once_however_often_and_about_whatever_it_is_asked():
    for number in range(9):
        assert prepared.rows("SELECT %(number)s::int + 1", {"number": number}) == [(number + 1,)]
    assert plans()["SELECT $1::int + 1"] == (9, 0)


def test_every_question_of_a_claim_is_kept():
    instance = make_instance(make_host())
    Job.objects.bulk_create(a_job(images={}) for _ in range(3))
    for _ in range(2):
        assert claim(instance, driver=DRIVER)
    kept = plans()
    for words in ("WITH RECURSIVE soonest", "SELECT DISTINCT instance.id", "WITH taken AS"):
        (counts,) = [counts for statement, counts in kept.items() if words in statement]
        assert counts == (2, 0), words


def test_times_come_aware_and_json_read():
    (row,) = prepared.rows("SELECT %s::timestamptz, %s::jsonb", [datetime(2026, 11, 28, tzinfo=UTC), '{"a": [1]}'])
    assert row == (datetime(2026, 11, 28, tzinfo=UTC), {"a": [1]})
    assert timezone.is_aware(row[0])


def test_what_goes_wrong_is_said_as_by_django_and_the_connection_goes_on():
    with pytest.raises(ProgrammingError), transaction.atomic():
        prepared.rows("SELECT nothing_of_that_name", {})
    assert prepared.rows("SELECT 1", {}) == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_closed_is_said_as_by_django_and_opened_anew():
    (((mine,),)) = prepared.rows("SELECT pg_backend_pid()", {})
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [mine])
    other.close()
    with pytest.raises(OperationalError):
        prepared.rows("SELECT 1", {})
    connection.close_if_unusable_or_obsolete()
    assert prepared.rows("SELECT 1", {}) == [(1,)]
