"""What every test starts from: an empty Redis database and an empty storage directory, both this worker's own."""

import shutil
from collections.abc import Generator, Iterator
from importlib import import_module

import pytest
import redis
from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection, connections
from django.db.models.signals import post_migrate
from playwright.sync_api import Browser
from pytest_django import DjangoDbBlocker

from portal import env
from portal.messages import compile_messages
from tests.browser import chromium


def _bring_the_first_words(sender: AppConfig, **kwargs: object) -> None:
    """A test that empties the tables takes away what a migration brought; Django says so when it has done it."""
    if sender.label == "orders":
        words = apps.get_model("orders", "ConsentText")
        if not words.objects.exists():
            import_module("orders.migrations.0002_consent_texts").add_first_version(apps, None)


def _empty_quickly(
    self: object, style: object, tables: list[str], *, reset_sequences: bool = False, allow_cascade: bool = False
) -> list[str]:
    """How a transactional test's tables are emptied: they hold hardly any rows, and a TRUNCATE makes files anew for
    each, a tenth of a second in all. Of a replica's session no trigger takes notice, not even the audit's refusal."""
    rows = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]
    return ["SET session_replication_role = replica", *rows, "SET session_replication_role = DEFAULT"]


def pytest_configure() -> None:
    compile_messages()
    post_migrate.connect(_bring_the_first_words, weak=False)
    # Nobody asks for a model's permissions or content type; making them anew takes as long as emptying the tables.
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    # Found where they lie, by their plain names; the hashed names need collectstatic, which its own test runs.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    # The real one is slow on purpose, a third of a second for each person a test makes.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_a_skip_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_a_skip_in_ci(report)
    return report


def _fail_a_skip_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where CI=true everything a test needs is there, so a skipped test is a failed one."""
    if report.skipped and not hasattr(report, "wasxfail") and env.flag("CI", False):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped where CI=true. {reason}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running
        # Where Playwright's event loop runs, Django keeps connections of their own, which nobody else would close.
        connections.close_all()


@pytest.fixture(scope="session")
def redis_client() -> Iterator[redis.Redis]:
    """This worker's Redis database, the one that settings.REDIS_URL names."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Only a superuser may do without triggers; with another's database the tables are emptied as Django does it."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone() == (True,):
            # Of the class: where Playwright's event loop runs, Django makes connections anew.
            type(connection.ops).sql_flush = _empty_quickly  # type: ignore[method-assign]
            return
        for table in ("portal_auditevent", "portal_auditlink"):
            # A transactional test ends by emptying every table, which the audit's own trigger refuses.
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER portal_audit_no_truncate")


@pytest.fixture(autouse=True)
def _nothing_left_over(redis_client: redis.Redis) -> None:
    redis_client.flushdb()
    shutil.rmtree(settings.STORAGE_ROOT, ignore_errors=True)
    settings.STORAGE_ROOT.mkdir(parents=True)


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of an approval, in a fifth of its size: an 11x14 print takes seconds, and its pixels are looked at
    in tests/finishing and by the journeys, whose workers make it as it is."""
    from orders.finishing import pieces, prints, sheets  # models, which need Django set up

    def small(preset: prints.Preset) -> prints.Preset:
        return prints.replace(preset, width=preset.width / 5, height=preset.height / 5)

    monkeypatch.setattr(prints, "USUAL", tuple(small(each) for each in prints.USUAL))
    monkeypatch.setattr(pieces, "SCENE", small(prints.SCENE))
    screens = {name: ((width // 4, height // 4), label) for name, ((width, height), label) in pieces.SCREENS.items()}
    monkeypatch.setattr(pieces, "SCREENS", screens)
    monkeypatch.setattr(sheets, "SIZE", (sheets.SIZE[0] // 2, sheets.SIZE[1] // 2))
