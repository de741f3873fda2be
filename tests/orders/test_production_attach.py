"""What becomes of a job that ended: attached once, and never in another's place."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from PIL import Image
from rq.timeouts import JobTimeoutException

from gpujobs.models import Job, Output
from gpujobs.queueing import files_of
from orders import files, tasks
from orders.models import Candidate, Item, Order
from orders.production import attach, cancel, make_again
from portal.models import AuditEvent
from tests import factories as made

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> Item:
    return made.make_submitted_order().items.get()


def candidate(item: Item, number: int = 1) -> Candidate:
    return item.candidates.get(round=item.round, number=number)


def test_a_result_moves_into_the_orders_folder_and_leaves_nothing_with_the_fleet(item: Item):
    job = made.finished_job(candidate(item))
    output = job.outputs.get()
    body = default_storage.open(output.file).read()
    attach(job.pk)
    ready = candidate(item)
    assert ready.state == "ready"
    assert ready.file == f"orders/{item.order.code}/candidates/{ready.code}/made.png"
    assert default_storage.open(ready.file).read() == body
    assert (ready.sha256, ready.byte_count) == (output.sha256, len(body))
    assert (ready.width, ready.height) == made.SIZES["portrait"]
    assert not default_storage.exists(output.file)
    assert not default_storage.exists(files_of(job.pk))
    job.refresh_from_db()
    assert job.noted_at
    assert AuditEvent.objects.get(action="candidate.ready").details["said"] == ready.sha256


def test_the_file_is_the_orders_before_it_is_decoded_and_a_crash_there_is_mended(item: Item, monkeypatch):
    job = made.finished_job(candidate(item))

    def killed(*given: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("orders.stills.still_of", killed)
        with pytest.raises(SystemExit):
            attach(job.pk)
    held = candidate(item)
    assert (held.state, held.sha256) == ("producing", job.outputs.get().sha256)
    assert held.attached_at
    assert default_storage.exists(held.file)
    assert Job.objects.get(pk=job.pk).noted_at is None
    attach(job.pk)
    assert candidate(item).state == "ready"
    assert AuditEvent.objects.filter(action="candidate.ready").count() == 1


def test_a_still_is_made_for_a_picture_and_its_face_is_placed(item: Item):
    ready = made.finish_job(candidate(item))
    still = Image.open(default_storage.open(ready.preview))
    assert (still.format, still.size) == ("WEBP", made.SIZES["portrait"])
    left, top, width, height = ready.face
    assert left < 0.5 < left + width
    assert top < 0.35 < top + height


def test_a_still_of_a_video_is_its_first_frame():
    item = made.make_submitted_order(products=("living_video",)).items.get()
    ready = made.finish_job(candidate(item))
    assert (ready.kind, ready.media_type, ready.duration_ms) == ("video", "video/mp4", 1000)
    assert ready.file.endswith("/made.mp4")
    assert Image.open(default_storage.open(ready.preview)).size == made.SIZES["living_video"]
    item.refresh_from_db()
    assert item.state == "to_review"


def test_the_item_waits_for_the_last_of_its_round(item: Item):
    for number in (1, 2, 3):
        made.finish_job(candidate(item, number))
        item.refresh_from_db()
        assert item.state == "producing"
    made.finish_job(candidate(item, 4))
    item.refresh_from_db()
    assert item.state == "to_review"


def test_attaching_twice_changes_nothing(item: Item):
    job = made.finished_job(candidate(item))
    attach(job.pk)
    before = Candidate.objects.filter(job=job).values().get()
    attach(job.pk)
    Job.objects.filter(pk=job.pk).update(noted_at=None)
    attach(job.pk)
    assert Candidate.objects.filter(job=job).values().get() == before
    assert AuditEvent.objects.filter(action="candidate.ready").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_several_who_attach_at_once_one_does(item: Item):
    job = made.finished_job(candidate(item))

    def act(_number: int) -> None:
        try:
            attach(job.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(act, range(4)))
    ready = candidate(item)
    files.verify(ready.file, ready.sha256)
    assert ready.state == "ready"
    assert AuditEvent.objects.filter(action="candidate.ready").count() == 1
    assert [path.name for path in files.path_of(ready.folder).iterdir() if path.name.startswith(".")] == []


def test_a_crash_after_the_commit_is_mended_by_asking_again(item: Item):
    job = made.finished_job(candidate(item))
    copy = default_storage.open(job.outputs.get().file).read()
    attach(job.pk)
    default_storage.save(job.outputs.get().file, ContentFile(copy))
    Job.objects.filter(pk=job.pk).update(noted_at=None)
    attach(job.pk)
    job.refresh_from_db()
    assert job.noted_at
    assert not default_storage.exists(files_of(job.pk))
    assert candidate(item).state == "ready"


def test_a_crash_after_the_move_is_mended_by_asking_again(item: Item):
    job = made.finished_job(candidate(item))
    output = job.outputs.get()
    files.share(output.file, f"{candidate(item).folder}/made.png")
    files.remove(output.file)
    attach(job.pk)
    assert candidate(item).state == "ready"


def test_bytes_that_changed_on_the_way_are_not_taken(item: Item):
    job = made.finished_job(candidate(item))
    files.path_of(job.outputs.get().file).write_bytes(made.drawn_person(99, (480, 600)))
    attach(job.pk)
    failed = candidate(item)
    assert (failed.state, failed.file) == ("failed", "")
    assert not default_storage.exists(failed.folder)


def test_a_file_that_is_gone_fails_its_candidate_alone(item: Item):
    job = made.finished_job(candidate(item))
    files.remove(job.outputs.get().file)
    attach(job.pk)
    assert candidate(item).state == "failed"
    for number in (2, 3, 4):
        made.finish_job(candidate(item, number))
    item.refresh_from_db()
    assert item.state == "to_review"


def test_a_file_that_is_no_picture_is_not_taken(item: Item):
    attach(made.finished_job(candidate(item), body=b"<html>").pk)
    assert candidate(item).state == "failed"


def test_a_picture_is_never_replaced_by_a_late_duplicate(item: Item):
    ready = made.finish_job(candidate(item))
    body = default_storage.open(ready.file).read()
    late = made.drawn_person(12345, (480, 600))
    late_name = default_storage.save("gpujobs/late.png", ContentFile(late))
    Output.objects.filter(job=ready.job).update(file=late_name, sha256="0" * 64)
    Job.objects.filter(pk=ready.job_id).update(noted_at=None)
    attach(ready.job_id)
    ready.refresh_from_db()
    assert default_storage.open(ready.file).read() == body
    files.verify(ready.file, ready.sha256)


def test_the_photos_fault_brings_the_item_back_at_once_and_stops_the_rest(item: Item):
    made.fail_job(candidate(item), "no_face")
    item.refresh_from_db()
    assert (item.state, item.return_code) == ("returned", "no_face")
    assert item.why_returned.startswith("사진에서 얼굴을 찾지 못했습니다.")
    assert Job.objects.filter(state="cancelled").count() == 3


def test_a_photo_that_worked_for_another_candidate_is_not_to_blame(item: Item):
    made.finish_job(candidate(item))
    made.fail_job(candidate(item, 2), "no_face")
    item.refresh_from_db()
    assert item.state == "producing"


def test_another_fault_costs_its_candidate_only(item: Item):
    made.fail_job(candidate(item), "attempts_spent")
    for number in (2, 3, 4):
        made.finish_job(candidate(item, number))
    item.refresh_from_db()
    assert item.state == "to_review"


def test_an_item_of_which_nothing_came_goes_back_with_the_fault(item: Item):
    for number in (1, 2, 3, 4):
        made.fail_job(candidate(item, number), "attempts_spent")
    item.refresh_from_db()
    assert (item.state, item.return_code) == ("returned", "attempts_spent")
    assert "다시 만들기" in item.why_returned


def test_a_candidate_of_an_older_round_is_kept_to_be_seen_and_changes_nothing_else(item: Item):
    old = candidate(item)
    make_again(item, by=made.make_reviewer(), request=None, after_round=1)
    made.finish_job(old)
    item.refresh_from_db()
    old.refresh_from_db()
    assert (old.state, item.state, item.round) == ("ready", "producing", 2)


def test_a_job_that_was_stopped_fails_its_candidate(item: Item):
    order = item.order
    cancel(order, by=order.created_by, request=None)
    tasks.sweep()
    assert not Job.objects.filter(noted_at=None, finished_at__lt=timezone.now() - timedelta(minutes=1)).exists()
    attach(candidate(item).job_id)
    assert candidate(item).state == "failed"


def test_a_result_of_an_erased_order_leaves_no_file(item: Item):
    job = made.finished_job(candidate(item))
    Order.objects.filter(pk=item.order_id).update(erased_at=timezone.now())
    attach(job.pk)
    assert not default_storage.exists(candidate(item).folder)
    assert not default_storage.exists(files_of(job.pk))
    assert candidate(item).state == "failed"


def test_a_job_that_nobody_waits_for_is_noted_and_its_file_taken_away(item: Item):
    job = made.finished_job(candidate(item))
    Candidate.objects.filter(job=job).delete()
    attach(job.pk)
    job.refresh_from_db()
    assert job.noted_at
    assert not default_storage.exists(files_of(job.pk))


def test_what_a_killed_driver_had_fetched_and_never_told_of_goes_with_the_rest(item: Item):
    job = made.finished_job(candidate(item))
    other = made.finished_job(candidate(item, 2))
    whole = default_storage.save(f"{files_of(job.pk)}/of-the-killed/0-1234.png", ContentFile(b"whole"))
    half = default_storage.save(f"{files_of(job.pk)}/of-the-killed/.5678.part", ContentFile(b"half"))
    attach(job.pk)
    assert not default_storage.exists(whole)
    assert not default_storage.exists(half)
    assert default_storage.exists(other.outputs.get().file)


def test_files_that_cannot_be_removed_leave_the_end_to_be_noted_again(item: Item, monkeypatch):
    job = made.finished_job(candidate(item))
    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", lambda path, ignore_errors: None)
        with pytest.raises(OSError, match="could not be removed"):
            attach(job.pk)
    assert candidate(item).state == "ready"
    attach(job.pk)
    job.refresh_from_db()
    assert job.noted_at
    assert not default_storage.exists(files_of(job.pk))


def test_a_job_that_has_not_ended_is_left_alone(item: Item):
    attach(candidate(item).job_id)
    assert candidate(item).state == "producing"


def test_the_sweep_finds_ends_whose_message_was_lost(item: Item):
    job = made.finished_job(candidate(item))
    tasks.sweep()
    assert candidate(item).state == "producing"
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep()
    assert candidate(item).state == "ready"


def test_one_file_that_cannot_be_moved_keeps_no_other_waiting(item: Item, monkeypatch: pytest.MonkeyPatch):
    for number in (1, 2):
        made.finished_job(candidate(item, number))
    Job.objects.exclude(finished_at=None).update(finished_at=timezone.now() - timedelta(minutes=1))
    share, full = files.share, [candidate(item, 1).folder]

    def share_or_fail(source: str, name: str) -> None:
        if name.startswith(full[0]):
            raise OSError(28, "No space left on device")
        share(source, name)

    monkeypatch.setattr(files, "share", share_or_fail)
    tasks.sweep()
    assert [candidate(item, 1).state, candidate(item, 2).state] == ["producing", "ready"]


def test_one_thing_that_fails_keeps_nothing_else_of_the_sweep_waiting(item: Item, monkeypatch: pytest.MonkeyPatch):
    for number in (1, 2):
        made.finished_job(candidate(item, number))
    Job.objects.exclude(finished_at=None).update(finished_at=timezone.now() - timedelta(minutes=1))
    reminded: list[object] = []

    def fail(*args: object, **more: object) -> None:
        raise ValueError("this should not happen")

    monkeypatch.setattr(tasks.finishing, "left_behind", fail)
    monkeypatch.setattr(tasks.arriving, "forget_stale", fail)
    monkeypatch.setattr(tasks.delivery, "reminders_due", lambda: reminded.append("looked") or [])
    with pytest.raises(ExceptionGroup) as failed:
        tasks.sweep()
    assert len(failed.value.exceptions) == 2
    assert [candidate(item, 1).state, candidate(item, 2).state] == ["ready", "ready"]
    assert reminded


def test_a_sweep_whose_time_is_over_ends_there_and_then(monkeypatch: pytest.MonkeyPatch):
    looked: list[object] = []

    def time_is_over(*args: object, **more: object) -> None:
        raise JobTimeoutException

    monkeypatch.setattr(tasks.finishing, "left_behind", time_is_over)
    monkeypatch.setattr(tasks.delivery, "reminders_due", lambda: looked.append("looked") or [])
    with pytest.raises(JobTimeoutException):
        tasks.sweep()
    assert looked == []


def test_the_fleet_calls_by_the_name_in_the_settings(item: Item, settings: Any):
    assert settings.GPUJOBS_ON_FINISHED == "orders.tasks.job_finished"
    tasks.job_finished(str(made.finished_job(candidate(item)).pk))
    assert candidate(item).state == "ready"
