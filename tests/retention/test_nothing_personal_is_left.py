"""After an erasure no byte of the order's files is under the storage root, and nothing personal is in any table.

The models are found by walking Django's own graph from Order, so a new one is part of it the moment it exists.
"""

import itertools
import zlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import redis
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.test import Client
from django.utils import timezone

from gpujobs import forgetting
from gpujobs.models import Attempt, GpuHost, Job, Output
from orders import consenting, delivery, files, personal_fields, retention, review, tasks, telling
from orders.models import Candidate, Consent, Order, Photo
from orders.personal_fields import ROWS, STAYING
from portal.models import Notice
from tests.factories import make_reviewable_item, make_reviewer, make_staff
from tests.family.making import make_deliverable

FREE = (models.CharField, models.TextField, models.JSONField, models.GenericIPAddressField, models.DateField)
A_DATE = date(1907, 3, 9)


def label(model: type[models.Model]) -> str:
    return model._meta.label


def belonging() -> set[type[models.Model]]:
    """Order, all that refers to it in however many steps, the fleet's jobs of these and all that refers to those."""
    found: set[type[models.Model]] = set()
    waiting: list[type[models.Model]] = [Order]
    while waiting:
        model = waiting.pop()
        if model in found or label(model) in STAYING:
            continue
        found.add(model)
        for relation in model._meta.get_fields():
            if relation.auto_created and not relation.concrete and relation.related_model:
                waiting.append(relation.related_model)
            elif relation.is_relation and relation.related_model is Job:
                waiting.append(Job)
    return found


def own_fields(model: type[models.Model]) -> set[str]:
    """Without keys and references to other rows, which say nothing by themselves."""
    return {field.name for field in model._meta.concrete_fields if not field.primary_key and not field.is_relation}


def test_the_walk_finds_what_there_is():
    assert {Order, Photo, Candidate, Consent, Job, Attempt, Output} <= belonging()


@pytest.mark.parametrize("model", sorted(belonging(), key=label), ids=label)
def test_somebody_decided_what_becomes_of_each_field(model):
    """A new model or field? Say in orders/personal_fields.py whether an erasure empties it, keeps it, or why not."""
    if model in forgetting.EMPTIED:
        declared = set(forgetting.EMPTIED[model]) | forgetting.KEPT[model]
    elif model is Output:
        return
    else:
        rows = next((rows for rows in ROWS if rows.model is model), None)
        assert rows, f"{label(model)} belongs to an order: declare it in orders/personal_fields.py"
        if rows.are_removed:
            return
        declared = {*rows.emptied, *rows.kept}
    assert own_fields(model) == declared


def test_what_is_kept_holds_no_free_text():
    """Of what stays, only codes, choices and hashes are text."""
    known = {"text_sha256", "evidence_sha256", "scope"}
    for rows in ROWS:
        for name in rows.kept:
            field = rows.model._meta.get_field(name)
            assert not isinstance(field, models.TextField | models.GenericIPAddressField), (rows.model, name)
            if isinstance(field, models.CharField | models.JSONField):
                assert field.choices or name in known, (rows.model, name)


class Markers:
    """A value for a field that is found nowhere else, and the words it is found by."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.words: dict[str, str] = {}

    def value_for(self, field: models.Field) -> Any:
        number, where = next(self.numbers), str(field)
        if isinstance(field, models.GenericIPAddressField):
            self.words[f"203.0.113.{number % 250}"] = where
            return f"203.0.113.{number % 250}"
        if isinstance(field, models.DateField):
            self.words[A_DATE.isoformat()] = where
            return A_DATE
        word = f"표{number}식"
        self.words[word] = where
        return {"n": word} if isinstance(field, models.JSONField) else word

    def found_in(self, dump: str) -> dict[str, str]:
        return {word: where for word, where in self.words.items() if word in dump}


def seeded_fields(model: type[models.Model]) -> Iterator[models.Field]:
    """Wherever somebody's words, or words about somebody, can stand."""
    for field in model._meta.concrete_fields:
        fits = isinstance(field, FREE) and not isinstance(field, models.DateTimeField)
        if fits and not field.choices and not field.unique and "sha256" not in field.name and field.name != "scope":
            yield field


def seed(model: type[models.Model], markers: Markers, only: type[models.Field] = models.Field) -> None:
    for field in seeded_fields(model):
        if field.name not in kept_codes(model) and isinstance(field, only):
            model._default_manager.update(**{field.name: markers.value_for(field)})


def kept_codes(model: type[models.Model]) -> set[str]:
    """The fleet's own words of a closed set, which it keeps."""
    return forgetting.KEPT.get(model, set())


def dump() -> str:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        lines = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            lines += [f"{table} {row}" for (row,) in cursor.fetchall()]
    return "\n".join(lines)


def redis_words(client: redis.Redis) -> bytes:
    """Every value, as it was put in; RQ compresses a job's data."""
    read = {
        b"string": lambda key: [client.get(key)],
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"hash": lambda key: [word for pair in client.hgetall(key).items() for word in pair],
        b"stream": lambda key: [repr(client.xrange(key)).encode()],
    }
    words = [(key, value) for key in client.scan_iter("*") for value in read[client.type(key)](key)]
    return b"\n".join(key + b" " + (zlib.decompress(value) if value[:1] == b"x" else value) for key, value in words)


@pytest.fixture
def order(db: None) -> Order:
    item = make_reviewable_item(make_staff())
    order = item.order
    order.mourner_phone = "010-1234-5678"
    order.save()
    make_deliverable(item, order.created_by, number=9)
    name = f"{order.folder}/consents/paper.pdf"
    files.write(name, b"a signed paper")
    Consent.objects.filter(order=order).update(evidence=name)
    link, _token = delivery.issue_link(order, by=order.created_by)
    link.log.create(user_agent="x", address="192.0.2.7")
    Attempt.objects.update(cleaned_at=timezone.now())
    GpuHost.objects.update(state=GpuHost.State.RETIRED)
    return order


def erase(order: Order, callbacks: Any) -> None:
    with callbacks(execute=True):
        erasure = retention.begin_erasure(order, why="requested", by=order.created_by)
    tasks.erase(erasure.pk)
    erasure.refresh_from_db()
    assert erasure.finished_at


def test_no_byte_is_left(order, django_capture_on_commit_callbacks):
    other = make_reviewable_item(make_staff()).order
    GpuHost.objects.update(state=GpuHost.State.RETIRED)
    Attempt.objects.update(cleaned_at=timezone.now())
    before = {p: files.sha256_of(str(p)) for p in settings.STORAGE_ROOT.rglob("*") if p.is_file()}
    mine = {digest for path, digest in before.items() if str(other.code) not in str(path)}
    assert len(mine) >= 8
    erase(order, django_capture_on_commit_callbacks)
    after = {p: files.sha256_of(str(p)) for p in settings.STORAGE_ROOT.rglob("*") if p.is_file()}
    assert not mine & set(after.values())
    assert set(after) == {path for path in before if str(other.code) in str(path)}, "another's stay"
    assert not [path for path in settings.STORAGE_ROOT.rglob("*") if str(order.code) in str(path)]


def test_no_word_is_left(order, redis_client, django_capture_on_commit_callbacks):
    desk = Client()
    desk.force_login(order.created_by)
    markers = Markers()
    for model in (Order, Consent):
        seed(model, markers, only=models.CharField)
    order.refresh_from_db()
    # Pages, a search and an answer leave what they leave in sessions, caches and the audit.
    for url in (
        f"/orders/{order.code}/",
        f"/orders/?q={order.name}",
        f"/orders/?filter=delivered&q={order.mourner_name}",
    ):
        assert desk.get(url).status_code == 200
    desk.post(f"/orders/{order.code}/save/", {"name": order.name, "page": str(order.code)})
    for model in belonging():
        seed(model, markers)
    present = markers.found_in(dump())
    assert len(present) > 30
    erase(order, django_capture_on_commit_callbacks)
    assert markers.found_in(dump()) == {}
    kept = redis_words(redis_client)
    assert b"orders.tasks.erase" in kept, "what is looked through is what the queue holds"
    assert not [word for word in markers.words if word.encode() in kept]
    assert not Notice.objects.filter(subject=order.code).exclude(address_sealed="", text_sealed="").exists()


def test_no_word_and_no_job_is_left_where_photos_went_first(order, django_capture_on_commit_callbacks):
    """The usual way: candidates go after a month, with the rows that named their jobs, everything later."""
    markers = Markers()
    for model in belonging():
        seed(model, markers)
    jobs = set(Job.objects.values_list("pk", flat=True))
    assert retention.begin_source_removal(order)
    tasks.remove_sources(order.source_removal.pk)
    assert Candidate.objects.count() < len(jobs)
    erase(order, django_capture_on_commit_callbacks)
    assert markers.found_in(dump()) == {}
    assert not Output.objects.exists()
    assert not Job.objects.exclude(params={}, images={}, fault_text="").exists()
    assert set(order.erasure.jobs) == {str(job) for job in jobs}
    assert order.erasure.rows["gpujobs.jobs"] == len(jobs)
    assert order.erasure.hosts[0]["attempts"] == Attempt.objects.count()


def test_what_a_reviewer_wrote_goes_with_the_order(db, django_capture_on_commit_callbacks):
    item, judge = make_reviewable_item(make_staff()), make_reviewer()
    Attempt.objects.update(cleaned_at=timezone.now())
    GpuHost.objects.update(state=GpuHost.State.RETIRED)
    review.reject(item.candidates.first(), by=judge, reason="표식하나 님의 손", request=None)
    review.send_back(item, by=judge, reason="표식둘 님께 여쭈어 주세요.", request=None)
    assert "표식하나" in dump()
    assert "표식둘" in dump()
    erase(item.order, django_capture_on_commit_callbacks)
    assert not {word for word in ("표식하나", "표식둘") if word in dump()}


def test_mail_about_a_withdrawal_names_nobody(order, django_capture_on_commit_callbacks):
    """It is the one notice that is sent while all else goes; what waited is taken back."""
    with transaction.atomic():
        telling.tell_staff(order, telling.OBJECTION)
        telling.tell_family(order, telling.UPLOAD, url="/")
    assert consenting.withdraw(order, by="family", request=None)
    [mail] = Notice.objects.filter(state="waiting")
    assert mail.kind == telling.WITHDRAWAL
    assert order.name not in mail.text
    assert str(order.code) in mail.text


def test_models_of_the_list_belong_to_an_order():
    assert {rows.model for rows in personal_fields.ROWS} <= belonging()
    assert set(STAYING) <= {model._meta.label for model in _everything()}


def _everything() -> Iterator[type[models.Model]]:
    yield from apps.get_models()
