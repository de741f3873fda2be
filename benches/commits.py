"""What a commit costs here that waits for the disk: part of the conditions, since every step is one."""

import time

from django.db import connection, transaction

from benches.figures import Spread


def spread(count: int = 200) -> Spread | None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_commit (number integer)")
        taken = []
        for number in range(count):
            begun = time.perf_counter()
            with transaction.atomic():
                cursor.execute("INSERT INTO bench_commit VALUES (%s)", [number])
            taken.append((time.perf_counter() - begun) * 1000)
        cursor.execute("DROP TABLE bench_commit")
    return Spread.of(taken)
