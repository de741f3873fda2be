"""The audit's chain of hashes: the order of commits, and every way to tamper with it found."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from portal import audit, chain
from portal.models import AuditCheckpoint, AuditEvent, AuditLink
from tests.orders.people import make_home, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def write(count: int = 5) -> list[AuditEvent]:
    alice = make_user("alice", make_home())
    made = []
    for number in range(count):
        with transaction.atomic():
            made.append(
                audit.record("order.read", by=alice, home=alice.home, subject=alice.code, count=number, 말="한글")
            )
    return made


def as_superuser(statement: str, *values: object) -> None:
    """With the table's triggers off, as nobody but the database's owner can have them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)


def flaws() -> list[tuple[str, int]]:
    return [(flaw.kind, flaw.number) for flaw in chain.verify().flaws]


def test_each_entry_is_sealed_as_it_commits(capsys):
    write()
    links = list(AuditLink.objects.all())
    assert [link.number for link in links] == [1, 2, 3, 4, 5]
    assert links[0].previous == chain.GENESIS
    assert [link.previous for link in links[1:]] == [link.hash for link in links[:-1]]
    call_command("audit", "verify")
    assert capsys.readouterr().out.startswith("5 entries, none changed")


def test_what_is_rolled_back_has_no_place_in_it():
    write(1)
    with transaction.atomic():
        audit.record("order.read", by="system")
        transaction.set_rollback(True)
    write_more = audit.record
    with transaction.atomic():
        write_more("order.read", by="system")
    assert [link.number for link in AuditLink.objects.all()] == [1, 2]
    assert flaws() == []


@pytest.mark.parametrize(
    "change",
    [
        "action = 'order.submitted'",
        "actor_id = NULL",
        "actor_name = '다른 사람'",
        "address = '203.0.113.9'",
        "at = at + interval '1 microsecond'",
        "subject = gen_random_uuid()",
        "reason = '다른 까닭'",
        "details = '{}'",
        "home_id = NULL",
    ],
)
def test_a_changed_entry_is_found(change):
    third = write()[2]
    as_superuser(f"UPDATE portal_auditevent SET {change} WHERE id = %s", third.pk)
    assert flaws() == [("changed", 3)]


def test_a_missing_entry_is_found_with_or_without_its_link():
    events = write()
    as_superuser("DELETE FROM portal_auditevent WHERE id = %s", events[1].pk)
    assert flaws() == [("missing", 2)]
    as_superuser("DELETE FROM portal_auditlink WHERE number = 2")
    assert flaws() == [("missing", 2)]


def test_entries_in_another_order_are_found():
    first, second, *_rest = write()
    as_superuser("UPDATE portal_auditlink SET event = -event WHERE number IN (1, 2)")
    as_superuser("UPDATE portal_auditlink SET event = %s WHERE number = 1", second.pk)
    as_superuser("UPDATE portal_auditlink SET event = %s WHERE number = 2", first.pk)
    assert flaws() == [("changed", 1), ("changed", 2)]


def test_links_in_another_order_are_found():
    write()
    as_superuser("UPDATE portal_auditlink SET number = 99 WHERE number = 2")
    as_superuser("UPDATE portal_auditlink SET number = 2 WHERE number = 3")
    as_superuser("UPDATE portal_auditlink SET number = 3 WHERE number = 99")
    assert ("reordered", 2) in flaws()


def test_an_entry_added_around_the_chain_is_found():
    write()
    as_superuser(
        "INSERT INTO portal_auditevent (at, actor_kind, actor_name, action, reason, details) "
        "VALUES (now(), 'system', '', 'order.read', '', '{}')"
    )
    assert flaws() == [("unsealed", 0)]
    with pytest.raises(CommandError, match="1 flaws"):
        call_command("audit", "verify")


def test_a_chain_cut_short_is_found_by_a_signed_checkpoint():
    events = write()
    head = AuditLink.objects.get(number=5).hash
    chain.checkpoint()
    as_superuser("DELETE FROM portal_auditlink WHERE number = 5")
    as_superuser("DELETE FROM portal_auditevent WHERE id = %s", events[4].pk)
    assert flaws() == [("cut", 5)]
    AuditCheckpoint.objects.all().delete()
    assert flaws() == []
    with pytest.raises(CommandError, match="cut short"):
        call_command("audit", "verify", head=head)


def test_a_chain_computed_anew_is_found_and_a_checkpoint_cannot_be_forged():
    events = write()
    chain.checkpoint()
    as_superuser("UPDATE portal_auditevent SET action = 'order.edited' WHERE id = %s", events[4].pk)
    as_superuser("DELETE FROM portal_auditlink WHERE number = 5")
    as_superuser("SELECT portal_audit_seal(e) FROM portal_auditevent e WHERE id = %s", events[4].pk)
    assert flaws() == [("checkpoint", 5)]
    AuditCheckpoint.objects.update(hash=AuditLink.objects.get(number=5).hash)
    assert flaws() == [("checkpoint", 5)]


@pytest.mark.parametrize("table", ["portal_auditevent", "portal_auditlink"])
def test_the_database_refuses_update_delete_and_truncate(table):
    write(1)
    for statement in (f"UPDATE {table} SET id = 7", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        statement = statement.replace("id = 7", "hash = ''" if table == "portal_auditlink" else "action = ''")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER portal_audit_no_truncate")
            with pytest.raises(DatabaseError, match="append-only"):
                cursor.execute(statement)
            transaction.set_rollback(True)
    assert flaws() == []


def test_many_writers_at_once_make_one_chain_without_waiting_for_each_other_forever():
    alice = make_user("alice", make_home())
    writers, each = 6, 15
    start = threading.Barrier(writers)

    def work(number: int) -> None:
        start.wait()
        for count in range(each):
            with transaction.atomic():
                audit.record("order.read", by=alice, home=alice.home, subject=alice.code, writer=number, count=count)
                audit.record("photo.read", by=alice, home=alice.home, subject=alice.code)
        connection.close()

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(work, range(writers)))
    assert chain.verify().entries == writers * each * 2
    assert flaws() == []
    # Of one transaction, its entries in the order in which they were written.
    events = AuditEvent.objects.in_bulk(list(AuditLink.objects.values_list("event", flat=True)))
    order = [events[link.event] for link in AuditLink.objects.all()]
    for number in range(writers):
        mine = [event.details["count"] for event in order if event.details.get("writer") == number]
        assert mine == list(range(each))


def test_two_who_lock_the_same_row_and_write_do_not_block_each_other():
    """The chain's lock is taken at the commit, when nothing else is waited for."""
    alice, bob = (make_user(name, make_home(name)) for name in ("alice", "bob"))
    locked, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            audit.record("order.read", by=alice)
            locked.set()
            assert go_on.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(slow)
        assert locked.wait(20)
        with transaction.atomic():
            audit.record("order.read", by=bob)
        go_on.set()
        done.result(20)
    assert AuditEvent.objects.order_by("pk").first().actor == alice
    assert AuditEvent.objects.get(pk=AuditLink.objects.get(number=1).event).actor == bob
    assert flaws() == []


def test_nobody_locks_what_entries_refer_to_against_being_referred_to():
    """An entry's references are checked at its commit, perhaps while the chain is held: FOR UPDATE on a person, a home
    or an order would then make two transactions wait for each other. FOR NO KEY UPDATE does not."""
    lock = re.compile(r"(?:User|FuneralHome|Order)\.objects\.select_for_update\((.*?)\)\.")
    sources = [path for folder in ("portal", "orders") for path in Path(settings.BASE_DIR, folder).rglob("*.py")]
    found = [(path.name, arguments) for path in sources for arguments in lock.findall(path.read_text())]
    assert len(found) >= 4
    assert [each for each in found if "no_key=True" not in each[1]] == []


def age(events: list[AuditEvent], days: int) -> None:
    """As if they had been written so long ago, each with its seal."""
    for event in events:
        as_superuser("UPDATE portal_auditevent SET at = at - %s * interval '1 day' WHERE id = %s", days, event.pk)
    as_superuser("DELETE FROM portal_auditlink")
    as_superuser("SELECT portal_audit_seal(e) FROM (SELECT * FROM portal_auditevent ORDER BY id) e")
    numbers = AuditLink.objects.filter(event__in=[event.pk for event in events]).values_list("number", flat=True)
    as_superuser(
        "UPDATE portal_auditlink SET sealed_at = sealed_at - %s * interval '1 day' WHERE number = ANY(%s)",
        days,
        list(numbers),
    )


def test_what_is_older_than_two_years_is_pruned_and_the_rest_still_verifies(capsys):
    events = write(6)
    age(events[:3], 740)
    call_command("audit", "prune")
    assert capsys.readouterr().out == "3 entries removed.\n"
    assert AuditEvent.objects.filter(action="order.read").count() == 3
    assert AuditEvent.objects.get(action="audit.pruned").details["entries"] == 3
    assert flaws() == []
    as_superuser("DELETE FROM portal_auditlink WHERE number = 4")
    as_superuser("DELETE FROM portal_auditevent WHERE id = %s", events[3].pk)
    assert flaws() == [("missing", 4)]


def test_nothing_younger_can_be_pruned_even_by_whoever_says_so():
    write(2)
    assert chain.prune() == 0
    assert chain.prune(timezone.now() + timedelta(days=1)) == 0
    with pytest.raises(DatabaseError, match="append-only"):
        chain.prune(timezone.now() + timedelta(days=800))
    assert flaws() == []


def test_a_person_who_leaves_stays_readable():
    event = write(1)[0]
    event.actor.name = "이름을 바꾼 사람"
    event.actor.save()
    event.refresh_from_db()
    assert event.actor_name == "alice"
