"""From an approval to its files: on a GPU first, without one in words, again after a failure, never half."""

import hashlib
import io
import unicodedata
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from gpujobs.models import Attempt, Instance, Job, Output
from orders import authority, delivery, files, finishing, production, retention, review, tasks
from orders.finishing import enlarging, faults, pieces, signing
from orders.finishing.cutting import Wish
from orders.models import Approval, Deliverable, Fingerprint, Finish, Item, Order, PrintPreset
from portal.models import AuditEvent, User
from tests import factories as made

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_small_print")]


@pytest.fixture
def judge() -> User:
    return made.make_reviewer()


@pytest.fixture
def approval(judge: User) -> Approval:
    item = made.make_reviewable_item()
    Instance.objects.update(workflows=["print_master"])
    (approval,) = review.approve([item.candidates.all()[1]], by=judge, request=None)
    return approval


def finish_of(approval: Approval) -> Finish:
    return Finish.objects.select_related("job", "approval__candidate__item__order").get(approval=approval)


def state(approval: Approval) -> tuple[str, str]:
    finish = finish_of(approval)
    return finish.state, finish.fault


@cache
def enlarged(size: tuple[int, int]) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, (180, 180, 176)).save(target, "PNG", compress_level=1)
    return target.getvalue()


def end_on_gpu(approval: Approval, size: tuple[int, int] = (3584, 4608), *, state: str = "succeeded") -> Job:
    """The GPU's answer: a picture of that size."""
    job = finish_of(approval).job
    assert job is not None
    if state == "succeeded":
        body = enlarged(size)
        attempt = Attempt.objects.create(
            job=job, instance=made.make_instance(), number=1, driver=uuid4(), state=Attempt.State.SUCCEEDED
        )
        Output.objects.create(
            job=job,
            attempt=attempt,
            kind="image",
            media_type="image/png",
            file=default_storage.save(f"gpujobs/{job.pk}/0.png", ContentFile(body)),
            sha256=hashlib.sha256(body).hexdigest(),
            byte_count=len(body),
            width=size[0],
            height=size[1],
        )
    return made.end_job(job, state)


class TestOnAGpu:
    def test_an_approved_picture_is_enlarged_first(self, approval: Approval):
        tasks.finish(approval.pk)
        finish = finish_of(approval)
        assert finish.state == "on_gpu"
        assert finish.job is not None
        assert (finish.job.workflow, finish.job.images) == ("print_master", {"photo": approval.candidate.file})
        assert authority.may_run([finish.job.reference]) == {finish.code}
        assert not Deliverable.objects.exists()

    def test_asked_twice_it_is_sent_once(self, approval: Approval):
        tasks.finish(approval.pk)
        tasks.finish(approval.pk)
        assert Job.objects.filter(workflow="print_master").count() == 1
        assert state(approval) == ("on_gpu", "")

    def test_what_came_back_is_what_is_cut(self, approval: Approval):
        tasks.finish(approval.pk)
        end_on_gpu(approval)
        assert finishing.job_ended(finish_of(approval).job_id) == approval.pk
        tasks.finish(approval.pk)
        finish = finish_of(approval)
        assert (finish.state, finish.done) == ("finished", 3)
        assert "enlarged_here" not in finish.remarks
        assert finish.master.endswith("-master.png")
        assert Job.objects.filter(pk=finish.job_id, noted_at__isnull=False).exists()
        assert approval.deliverables.count() == 3

    def test_a_print_larger_than_the_master_s_pixels_is_said_to_be(self, approval: Approval):
        home = approval.candidate.item.order.home
        PrintPreset.objects.create(home=home, key="own-big", label="큰 액자", width=420, height=540)
        tasks.finish(approval.pk)
        end_on_gpu(approval)
        tasks.job_finished(str(finish_of(approval).job_id))
        tasks.finish(approval.pk)
        assert "stretched:큰 액자" in finish_of(approval).remarks
        (said,) = [each for each in faults.remarks(finish_of(approval).remarks) if "늘린" in each]
        assert said.endswith("부드럽게 보일 수 있습니다: 큰 액자")

    @pytest.mark.parametrize("end", ["failed", "cancelled"])
    def test_a_job_that_ended_without_a_picture_leaves_it_to_us_in_words(self, approval: Approval, end: str):
        tasks.finish(approval.pk)
        end_on_gpu(approval, state=end)
        tasks.job_finished(str(finish_of(approval).job_id))
        tasks.finish(approval.pk)
        assert state(approval) == ("finished", "")
        assert "enlarged_here" in finish_of(approval).remarks

    def test_a_picture_of_another_shape_is_not_taken_for_the_approved_one(self, approval: Approval):
        tasks.finish(approval.pk)
        end_on_gpu(approval, (4608, 3584))
        tasks.job_finished(str(finish_of(approval).job_id))
        assert (finish_of(approval).master, finish_of(approval).without_gpu) == ("", True)

    def test_one_that_came_back_as_small_as_it_went_is_no_master(self, approval: Approval):
        tasks.finish(approval.pk)
        end_on_gpu(approval, (448, 576))
        tasks.job_finished(str(finish_of(approval).job_id))
        tasks.finish(approval.pk)
        assert finish_of(approval).remarks == ["enlarged_here"]

    def test_3300_by_4200_pixels_are_the_least_for_a_portrait(self, approval: Approval):
        tasks.finish(approval.pk)
        end_on_gpu(approval, (3264, 4197))
        tasks.job_finished(str(finish_of(approval).job_id))
        assert finish_of(approval).master == ""

    def test_a_host_that_is_back_is_asked_when_the_files_are_made_again(self, approval: Approval):
        Instance.objects.update(state=Instance.State.DRAINING)
        tasks.finish(approval.pk)
        Instance.objects.update(state=Instance.State.ACTIVE)
        finishing.again(finish_of(approval))
        tasks.finish(approval.pk)
        assert state(approval) == ("on_gpu", "")
        end_on_gpu(approval)
        tasks.job_finished(str(finish_of(approval).job_id))
        tasks.finish(approval.pk)
        assert state(approval) == ("finished", "")
        assert "enlarged_here" not in finish_of(approval).remarks

    def test_an_answer_just_after_it_was_given_up_leaves_no_file(
        self, approval: Approval, monkeypatch: pytest.MonkeyPatch
    ):
        tasks.finish(approval.pk)
        job = end_on_gpu(approval)
        moved_in = files.move_in

        def given_up_meanwhile(*args: Any, **options: Any) -> None:
            moved_in(*args, **options)
            Finish.objects.update(state="waiting", without_gpu=True)

        monkeypatch.setattr(files, "move_in", given_up_meanwhile)
        finishing.job_ended(job.pk)
        assert finish_of(approval).master == ""
        assert files.names_in(finish_of(approval).folder) == []

    def test_an_answer_taken_note_of_twice_keeps_its_file(self, approval: Approval):
        tasks.finish(approval.pk)
        job = end_on_gpu(approval)
        finishing.job_ended(job.pk)
        finishing.job_ended(job.pk)
        assert files.names_in(finish_of(approval).folder) == [finish_of(approval).master]

    def test_without_a_host_it_is_not_waited_for(self, approval: Approval):
        Instance.objects.update(state=Instance.State.DRAINING)
        tasks.finish(approval.pk)
        assert state(approval) == ("finished", "")
        assert "enlarged_here" in finish_of(approval).remarks

    def test_a_host_that_cannot_do_it_is_none(self, approval: Approval):
        Instance.objects.update(workflows=["portrait"])
        tasks.finish(approval.pk)
        assert state(approval) == ("finished", "")

    def test_after_ten_minutes_it_is_done_without(self, approval: Approval):
        tasks.finish(approval.pk)
        Finish.objects.update(changed_at=timezone.now() - timedelta(minutes=11))
        tasks.sweep()
        finish = finish_of(approval)
        assert (finish.state, finish.without_gpu) == ("waiting", True)
        assert finish.job is not None
        assert finish.job.state == Job.State.CANCELLED
        tasks.job_finished(str(finish.job_id))
        assert finish_of(approval).state == "waiting", "the late end changes nothing"

    def test_an_approval_taken_back_stops_it(self, approval: Approval, judge: User):
        tasks.finish(approval.pk)
        job = finish_of(approval).job
        review.undo(approval, by=judge, request=None)
        assert job is not None
        job.refresh_from_db()
        assert job.state == Job.State.CANCELLED
        tasks.job_finished(str(job.pk))
        job.refresh_from_db()
        assert job.noted_at is not None

    def test_a_withdrawn_consent_stops_it(self, approval: Approval):
        tasks.finish(approval.pk)
        finish = finish_of(approval)
        order = approval.candidate.item.order
        production.withdraw(order, by=order.created_by, reason="", request=None)
        assert authority.may_run([finish.code]) == set()
        assert finish.job is not None
        finish.job.refresh_from_db()
        assert finish.job.state == Job.State.CANCELLED
        tasks.job_finished(str(finish.job_id))
        tasks.finish(approval.pk)
        assert state(approval) == ("failed", "no_authority")
        assert not Deliverable.objects.exists()


class TestFiles:
    def test_all_of_them_come_at_once_and_each_hash_is_kept(self, approval: Approval):
        made.finish_files(approval)
        assert set(approval.deliverables.values_list("variant", flat=True)) == {"print-3.5x5", "screen-wide", "sheet"}
        for file in approval.deliverables.all():
            assert file.sha256 == files.sha256_of(file.file)
            assert Fingerprint.objects.get(sha256=file.sha256).product_key == "portrait"
            assert default_storage.exists(file.preview)
        assert AuditEvent.objects.get(action="approval.finished").details["files"] == 3

    def test_a_cut_saved_while_a_worker_is_about_to_begin_is_the_one_that_is_made(
        self, approval: Approval, monkeypatch: pytest.MonkeyPatch
    ):
        """Between the worker's reading of the approval and its taking it in hand."""
        held = production.locked

        def saved_meanwhile(order: Any) -> Any:
            Item.objects.filter(order=order).update(cut=Wish(head=0.6).as_dict())
            return held(order)

        seen: list[Wish] = []
        crop = pieces.print_crop

        def noted(source: pieces.Source, frame: tuple[int, int]) -> Any:
            seen.append(source.wish)
            return crop(source, frame)

        Finish.objects.update(without_gpu=True)
        monkeypatch.setattr(production, "locked", saved_meanwhile)
        monkeypatch.setattr(pieces, "print_crop", noted)
        finishing.work(approval.pk)
        assert state(approval) == ("finished", "")
        assert {wish.head for wish in seen} == {0.6}

    def test_the_unmarked_picture_itself_is_not_among_them(self, approval: Approval):
        made.finish_files(approval)
        assert approval.sha256 not in set(Deliverable.objects.values_list("sha256", flat=True))

    def test_made_again_each_keeps_its_address_and_the_old_bytes_go(
        self, approval: Approval, django_capture_on_commit_callbacks: Any
    ):
        made.finish_files(approval)
        before = {file.variant: (file.code, file.file) for file in approval.deliverables.all()}
        finishing.again(finish_of(approval))
        with django_capture_on_commit_callbacks(execute=True):
            made.finish_files(approval)
        for file in approval.deliverables.all():
            code, name = before[file.variant]
            assert file.code == code
            assert file.file != name
            assert default_storage.exists(file.file)
            assert not default_storage.exists(name)

    def test_a_hold_placed_meanwhile_keeps_the_old_bytes(
        self, approval: Approval, judge: User, django_capture_on_commit_callbacks: Any
    ):
        made.finish_files(approval)
        before = list(approval.deliverables.values_list("file", flat=True))
        finishing.again(finish_of(approval))
        retention.place_hold(approval.candidate.item.order, reason="법원의 요청", by=judge)
        with django_capture_on_commit_callbacks(execute=True):
            made.finish_files(approval)
        assert all(default_storage.exists(name) for name in before)

    def test_a_size_the_home_no_longer_wants_goes_when_they_are_made_again(self, approval: Approval):
        made.finish_files(approval)
        home = approval.candidate.item.order.home
        PrintPreset.objects.create(home=home, key="3.5x5", label="-", width=89, height=127, is_wanted=False)
        PrintPreset.objects.create(home=home, key="own-abc", label="우리 홀", width=60, height=80, with_pdf=True)
        finishing.again(finish_of(approval))
        made.finish_files(approval)
        names = dict(approval.deliverables.values_list("variant", "download_name"))
        assert set(names) == {"print-own-abc", "pdf-own-abc", "screen-wide", "sheet"}
        assert names["pdf-own-abc"] == "고 김영자 님 영정사진 우리 홀.pdf"

    def test_names_typed_in_pieces_are_put_together(self, approval: Approval):
        """A Mac's Hangul (NFD) looks the same and is another name to every other system."""
        order = approval.candidate.item.order
        Order.objects.filter(pk=order.pk).update(name=unicodedata.normalize("NFD", "김영자"))
        label = unicodedata.normalize("NFD", "우리 홀")
        PrintPreset.objects.create(home=order.home, key="own-abc", label=label, width=60, height=80)
        made.finish_files(approval)
        names = dict(approval.deliverables.values_list("variant", "download_name"))
        assert names["print-own-abc"] == "고 김영자 님 영정사진 우리 홀.jpg"

    def test_the_family_gets_no_pdf_and_no_sheet_the_print_shop_no_screens(self, approval: Approval):
        made.finish_files(approval)
        order = approval.candidate.item.order
        assert {file.variant for file in delivery.family_files(order)} == {"print-3.5x5", "screen-wide"}
        assert {file.variant for file in delivery.print_shop_files(order)} == {"print-3.5x5", "sheet"}


class TestFailure:
    def test_one_that_fails_leaves_the_approval_and_no_half_set(
        self, approval: Approval, monkeypatch: pytest.MonkeyPatch
    ):
        def fails(*args: object, **options: object) -> bytes:
            raise signing.SigningFailed("the key is gone")

        with monkeypatch.context() as patch:
            patch.setattr(signing, "sign", fails)
            made.finish_files(approval)
        assert state(approval) == ("failed", "not_signed")
        assert not Deliverable.objects.exists()
        assert Approval.objects.filter(pk=approval.pk).exists()
        finishing.again(finish_of(approval))
        made.finish_files(approval)
        assert state(approval) == ("finished", "")

    def test_a_full_disk_leaves_nothing_and_is_tried_again_by_itself(
        self, approval: Approval, monkeypatch: pytest.MonkeyPatch
    ):
        written = files.write
        calls = []

        def fills_up(name: str, data: bytes) -> None:
            calls.append(name)
            if len(calls) == 3:
                raise OSError(28, "No space left on device")
            written(name, data)

        with monkeypatch.context() as patch:
            patch.setattr(files, "write", fills_up)
            made.finish_files(approval)
        assert state(approval) == ("failed", "disk")
        assert not any(default_storage.exists(name) for name in calls)
        Finish.objects.update(changed_at=timezone.now() - timedelta(minutes=2))
        assert finishing.left_behind(older_than=timedelta(0)) == [approval.pk]
        tasks.finish(approval.pk)
        assert state(approval) == ("finished", "")

    def test_a_worker_that_died_is_taken_over_from(self, approval: Approval):
        Finish.objects.update(
            state="cutting", run=1, without_gpu=True, busy_until=timezone.now() - timedelta(seconds=1)
        )
        assert finishing.left_behind(older_than=timedelta(0)) == [approval.pk]
        tasks.finish(approval.pk)
        assert state(approval) == ("finished", "")

    def test_what_it_had_written_goes_with_the_next_run(self, approval: Approval):
        Finish.objects.update(
            state="cutting", run=1, without_gpu=True, busy_until=timezone.now() - timedelta(seconds=1)
        )
        left = f"{finish_of(approval).folder}/1-print-3.5x5.jpg"
        files.write(left, b"half a set")
        tasks.finish(approval.pk)
        assert state(approval) == ("finished", "")
        assert sorted(files.names_in(finish_of(approval).folder)) == sorted(finishing.files_of(approval)[:-1])

    def test_one_that_is_at_work_is_left_alone(self, approval: Approval):
        Finish.objects.update(state="cutting", run=1, busy_until=timezone.now() + timedelta(minutes=1))
        assert finishing.left_behind(older_than=timedelta(0)) == []
        tasks.finish(approval.pk)
        assert state(approval) == ("cutting", "")

    def test_one_that_dies_every_time_is_given_up_for_a_person_to_look(self, approval: Approval):
        Finish.objects.update(state="cutting", run=3, tries=3, busy_until=timezone.now() - timedelta(seconds=1))
        tasks.finish(approval.pk)
        assert state(approval) == ("failed", "interrupted")
        assert finishing.left_behind(older_than=timedelta(0)) == []

    def test_a_run_that_was_overtaken_changes_nothing(self, approval: Approval, monkeypatch: pytest.MonkeyPatch):
        """While it cuts, somebody asks for another cut."""
        made_sheet = pieces.sheets.sheet

        def overtaken(shown: Any) -> Image.Image:
            finishing.again(finish_of(approval))
            return made_sheet(shown)

        with monkeypatch.context() as patch:
            patch.setattr(pieces.sheets, "sheet", overtaken)
            made.finish_files(approval)
        assert state(approval) == ("waiting", "")
        assert not Deliverable.objects.exists()
        made.finish_files(approval)
        assert state(approval) == ("finished", "")

    def test_a_forgotten_approval_is_found(self, approval: Approval):
        Finish.objects.all().delete()
        Approval.objects.update(approved_at=timezone.now() - timedelta(minutes=1))
        assert finishing.left_behind(older_than=timedelta(seconds=20)) == [approval.pk]


def test_a_video_is_finished_without_a_gpu(judge: User, monkeypatch: pytest.MonkeyPatch):
    from orders.finishing import video

    monkeypatch.setattr(video, "FRAMES", {"video-wide": ((320, 180), "가로")})
    item = made.make_reviewable_item(product="living_video")
    (approval,) = review.approve(list(item.candidates.all()), by=judge, request=None)
    made.finish_files(approval)
    finish = finish_of(approval)
    assert (finish.state, finish.remarks) == ("finished", ["looped_here"])
    file = approval.deliverables.get(variant="video-wide")
    assert file.download_name == "고 김영자 님 메모리얼 비디오 가로.mp4"
    assert file.duration_ms >= 8000


@pytest.mark.parametrize(
    ("frames", "milliseconds", "fits"),
    [
        (288, 12_000, True),
        (240, 8_000, True),
        (192, 8_000, True),
        (192, 7_680, False),
        (288, 9_000, False),
        (384, 16_000, False),
        (49, 6_125, False),
    ],
)
def test_a_lengthened_video_runs_8_to_12_seconds_at_24_or_30_frames(
    judge: User, frames: int, milliseconds: int, fits: bool
):
    item = made.make_reviewable_item(product="living_video")
    (candidate,) = item.candidates.all()
    output = Output(kind="video", width=720, height=480, frames=frames, duration_ms=milliseconds)
    assert enlarging.is_what_was_asked_for(output, candidate) is fits
