"""The end of an order's data: closed at once, removed by a worker, resumed after a crash."""

from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from gpujobs import forgetting
from gpujobs.models import Attempt, GpuHost, Job
from orders import delivery, erasing, files, retention, review, tasks
from orders.finishing import enlarging
from orders.models import Consent, Erasure, Finish, Item, LegalHold, Order, OrderState, Photo
from portal.models import AuditEvent
from tests.factories import make_reviewable_item, make_reviewer, make_staff, make_submitted_order
from tests.family.making import make_deliverable


@pytest.fixture
def order(db: None) -> Order:
    """Delivered: photos, candidates, an approved file, a paper and a link; its GPU host is gone, and was clean."""
    item = make_reviewable_item(make_staff())
    order = item.order
    make_deliverable(item, order.created_by, number=9)
    name = f"{order.folder}/consents/paper.pdf"
    files.write(name, b"a signed paper")
    Consent.objects.filter(order=order).update(evidence=name)
    delivery.issue_link(order, by=order.created_by)
    Attempt.objects.update(cleaned_at=timezone.now())
    GpuHost.objects.update(state=GpuHost.State.RETIRED)
    return order


def stored() -> list[Path]:
    return [path for path in settings.STORAGE_ROOT.rglob("*") if path.is_file()]


def begin(order: Order, why: str = "by_hand", **more: object) -> Erasure:
    return retention.begin_erasure(order, why=why, by=order.created_by, **more)


def test_it_closes_the_order_for_everyone_at_once(order):
    begin(order)
    order.refresh_from_db()
    assert order.state == OrderState.CLOSED
    assert not order.links.filter(revoked_at=None).exists()
    assert stored(), "the files go in a worker"


def test_nothing_is_left_of_the_files_and_the_certificate_names_each(order):
    before = {files.sha256_of(str(path.relative_to(settings.STORAGE_ROOT))) for path in stored()}
    erasure = begin(order, reason="유가족의 요청")
    erasing.work(erasure.pk)
    erasure.refresh_from_db()
    assert stored() == []
    assert {each["sha256"] for each in erasure.files} == before
    assert set(erasure.file_counts) == {"photo", "candidate", "finished", "consent"}
    assert erasure.finished_at
    assert not Photo.objects.exists()
    assert order.items.count() == 1


def test_jobs_that_run_are_stopped_and_waited_for(db):
    order = make_submitted_order()
    erasure = begin(order)
    erasing.work(erasure.pk)
    erasure.refresh_from_db()
    assert erasure.finished_at
    assert not Item.objects.filter(state="producing").exists()


def test_a_host_still_at_work_is_waited_for(order, monkeypatch):
    monkeypatch.setattr(forgetting, "are_at_work", lambda jobs: True)
    erasure = begin(order)
    erasing.work(erasure.pk)
    assert stored()
    Erasure.objects.update(begun_at=timezone.now() - erasing.WAIT_FOR_JOBS, busy_until=None)
    erasing.work(erasure.pk)
    assert not stored()


def test_asked_again_it_is_the_same_erasure(order):
    assert begin(order) == begin(order, "withdrawn")
    assert AuditEvent.objects.filter(action="order.erasure_begun").count() == 1


def test_a_job_whose_approval_was_taken_back_is_forgotten_too(order, monkeypatch):
    monkeypatch.setattr(enlarging.overview, "possible_instances", lambda: {"print_master": 1})
    judge = make_reviewer()
    item = make_reviewable_item(order.created_by)
    [approval] = review.approve([item.candidates.first()], by=judge, request=None)
    tasks.finish(approval.pk)
    job = Finish.objects.get(approval=approval).job
    review.undo(approval, by=judge, request=None)
    assert job.images
    GpuHost.objects.update(state=GpuHost.State.RETIRED)
    erasure = begin(item.order)
    erasing.work(erasure.pk)
    job.refresh_from_db()
    erasure.refresh_from_db()
    assert job.images == {}
    assert str(job.pk) in erasure.jobs


def test_jobs_of_before_are_known_by_their_pictures(order):
    Job.objects.update(subject=None)
    with connection.cursor() as cursor:
        cursor.execute(import_module("orders.migrations.0014_jobs_know_their_order").BY_PICTURES)
    sent = Job.objects.exclude(images={})
    assert sent.exists()
    assert set(sent.values_list("subject", flat=True)) == {order.code}


def test_a_hold_forbids_it(order):
    LegalHold.objects.create(order=order, reason="소송", placed_by=order.created_by)
    with pytest.raises(retention.OnHold):
        begin(order)
    order.refresh_from_db()
    assert order.erased_at is None
    LegalHold.objects.update(lifted_at=timezone.now())
    assert begin(order)


def test_it_stands_or_falls_with_the_transaction_of_whoever_asks(order):
    with transaction.atomic():
        begin(order)
        transaction.set_rollback(True)
    assert not Erasure.objects.exists()


@pytest.mark.parametrize("killed_in", ["remove", "empty_rows", "clear_hosts"])
def test_cut_off_anywhere_it_is_resumed_by_the_sweep(order, monkeypatch, killed_in):
    class Killed(BaseException):
        pass

    before = {files.sha256_of(str(path.relative_to(settings.STORAGE_ROOT))) for path in stored()}
    erasure = begin(order)
    with monkeypatch.context() as patched:
        real = {"remove": files, "empty_rows": forgetting, "clear_hosts": forgetting}[killed_in]

        def die(*args: object) -> None:
            if killed_in == "remove":
                files.path_of(str(args[0])).unlink()
            raise Killed

        patched.setattr(real, killed_in, die)
        with pytest.raises(Killed):
            erasing.work(erasure.pk)
    assert erasing.left_behind() == []
    Erasure.objects.update(busy_until=timezone.now() - timedelta(seconds=1))
    assert erasing.left_behind() == [erasure.pk]
    tasks.erase(erasure.pk)
    erasure.refresh_from_db()
    assert erasure.finished_at
    assert stored() == []
    assert {each["sha256"] for each in erasure.files} == before


def test_what_a_cut_off_worker_wrote_late_is_found(order):
    erasure = begin(order)
    erasing.work(erasure.pk)
    files.write(f"{order.folder}/finished/late.png", b"late")
    tasks.look_again_after_erasures()
    assert stored() == []
    assert AuditEvent.objects.filter(action="order.erased_late", details__files=1).exists()
