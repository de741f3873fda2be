import pytest
from django.db import DatabaseError, connection, transaction

from portal import audit
from portal.models import AuditEvent


def recorded(alice):
    with transaction.atomic():
        return audit.record("order.submitted", by=alice, home=alice.home, subject=alice.code, items=2)


def test_it_says_who_did_what_to_whose(alice):
    entry = recorded(alice)
    assert (entry.actor, entry.actor_kind, entry.home, entry.subject) == (alice, "user", alice.home, alice.code)
    assert entry.details == {"items": 2}


def test_whoever_acts_without_a_login_has_a_kind(db):
    assert audit.record("link.visited", by="family").actor_kind == "family"


@pytest.mark.parametrize("statement", ["UPDATE portal_auditevent SET action = 'x'", "DELETE FROM portal_auditevent"])
def test_the_database_itself_refuses_to_change_or_remove_an_entry(alice, statement):
    recorded(alice)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEvent.objects.filter(action="order.submitted").exists()


def test_djangos_own_ways_are_refused_too(alice):
    entry = recorded(alice)
    for change in (entry.save, entry.delete, AuditEvent.objects.all().delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


@pytest.mark.django_db(transaction=True)
def test_it_is_refused_outside_a_transaction():
    with pytest.raises(RuntimeError, match=r"order\.submitted must be recorded in the transaction"):
        audit.record("order.submitted", by="system")
    assert not AuditEvent.objects.exists()


class Regret(Exception):
    pass


def test_it_goes_with_the_transaction_that_it_describes(alice):
    def write_and_regret():
        with transaction.atomic():
            audit.record("order.submitted", by=alice)
            raise Regret

    with pytest.raises(Regret):
        write_and_regret()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (1, "", "127.0.0.1"),
    ],
)
def test_it_keeps_the_address_behind_the_stated_number_of_proxies(alice, rf, settings, proxies, forwarded, address):
    settings.TRUSTED_PROXY_COUNT = proxies
    request = rf.get("/", headers={"X-Forwarded-For": forwarded})
    assert audit.record("link.visited", by="family", request=request).address == address
