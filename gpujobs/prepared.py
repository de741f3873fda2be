"""Questions asked for every job: PostgreSQL plans each once for a connection.

Django's cursors write the values into the words and have all of it planned anew each time. Of these questions the
planning takes longer than the answer. The words name every column they want: a plan that is kept does not survive
another column in a `*`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from psycopg import Cursor
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.json import JsonbLoader


def rows(sql: str, given: Mapping[str, Any] | Sequence[Any]) -> list[tuple[Any, ...]]:
    """The whole answer; times are aware, JSON is read. Raises `django.db.Error` and its kinds."""
    # As `connection.cursor()` does before it makes one of the other sort.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    bound: Any = Cursor(connection.connection)
    # Django's own, in Python, takes longer to read the times of a hundred jobs than the server to find the jobs.
    bound.adapters.register_loader("timestamptz", TimestamptzLoader)
    bound.adapters.register_loader("jsonb", JsonbLoader)
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with make(bound) as cursor:
        cursor.execute(sql, given)
        answer: list[tuple[Any, ...]] = cursor.fetchall()
    return answer
