"""A reviewer's judgement: bound to a person and to bytes, once, and taken back while nobody has seen it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from orders import delivery, files, production, review, tasks
from orders.models import Approval, Candidate, Deliverable, DownloadLink, Item
from orders.review import Refused
from portal.models import AuditEvent, User
from tests import factories as made

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_files")]


@pytest.fixture
def judge() -> User:
    return made.make_reviewer()


@pytest.fixture
def item() -> Item:
    return made.make_reviewable_item()


@pytest.fixture
def scene() -> Item:
    return made.make_reviewable_item(product="life_scene")


def pick(item: Item, number: int = 1) -> Candidate:
    return item.candidates.get(round=item.round, number=number)


def state(item: Item) -> str:
    return Item.objects.get(pk=item.pk).state


def approve(by: User, *candidates: Candidate) -> list[Approval]:
    return review.approve(candidates, by=by, request=None)


def test_an_approval_names_the_person_the_time_and_the_bytes(item: Item, judge: User):
    chosen = pick(item, 2)
    (approval,) = approve(judge, chosen)
    assert approval.approved_by == judge
    assert approval.sha256 == files.sha256_of(chosen.file)
    assert abs(approval.approved_at - timezone.now()) < timedelta(seconds=10)
    assert state(item) == "approved"
    entry = AuditEvent.objects.get(action="candidate.approved")
    assert (entry.actor, entry.home, entry.subject) == (judge, item.order.home, item.order.code)
    assert entry.details["sha256"] == approval.sha256


def test_bytes_that_changed_on_the_disk_are_not_approved_and_that_is_written_down(item: Item, judge: User):
    chosen = pick(item)
    files.path_of(chosen.file).write_bytes(made.drawn_person(5, (480, 600)))
    with pytest.raises(Refused, match="바뀌었거나"):
        approve(judge, chosen)
    assert state(item) == "to_review"
    assert not Approval.objects.exists()
    assert AuditEvent.objects.get(action="candidate.bytes_differ").actor == judge


def test_a_file_that_is_gone_is_not_approved(item: Item, judge: User):
    files.remove(pick(item).file)
    with pytest.raises(Refused):
        approve(judge, pick(item))


def test_of_a_scene_all_or_none_are_approved(scene: Item, judge: User):
    files.remove(pick(scene, 3).file)
    with pytest.raises(Refused):
        approve(judge, *scene.candidates.all())
    assert not Approval.objects.exists()


def test_a_scene_is_approved_once_as_many_are_as_promised(scene: Item, judge: User):
    approve(judge, pick(scene, 1), pick(scene, 2))
    assert state(scene) == "to_review"
    approve(judge, pick(scene, 3))
    assert state(scene) == "approved"


def test_a_scene_can_be_settled_with_fewer_and_not_with_none(scene: Item, judge: User):
    with pytest.raises(Refused):
        review.approve_as_it_is(scene, by=judge, request=None)
    approve(judge, pick(scene, 1))
    review.approve_as_it_is(scene, by=judge, request=None)
    assert state(scene) == "approved"
    assert AuditEvent.objects.get(action="item.approved_short").details["approved"] == 1


def test_only_what_is_missing_of_a_scene_is_made_again(scene: Item, judge: User):
    approve(judge, pick(scene, 1), pick(scene, 2))
    review.reject(pick(scene, 3), by=judge, reason="손이 이상합니다", request=None)
    production.make_again(scene, by=judge, request=None, after_round=1)
    scene.refresh_from_db()
    assert scene.current_candidates.count() == 1
    made.finish_job(pick(scene, 1))
    approve(judge, pick(Item.objects.get(), 1))
    assert state(scene) == "approved"
    assert Approval.objects.count() == 3


def test_a_portrait_has_one_approval(item: Item, judge: User):
    approve(judge, pick(item, 1))
    with pytest.raises(Refused):
        approve(judge, pick(item, 2))
    with pytest.raises(Refused):
        approve(judge, pick(item, 2), pick(item, 3))
    assert Approval.objects.count() == 1


def test_the_same_yes_twice_is_one(item: Item, judge: User):
    assert approve(judge, pick(item)) == approve(made.make_reviewer(), pick(item))
    assert Approval.objects.get().approved_by == judge
    assert AuditEvent.objects.filter(action="candidate.approved").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_approve_different_ones_at_once_one_does(item: Item, judge: User):
    def act(number: int) -> bool:
        try:
            return bool(approve(judge, pick(item, number)))
        except Refused:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(act, (1, 2, 3, 4))) == [False, False, False, True]
    assert Approval.objects.count() == 1


@pytest.mark.parametrize("gone", ["withdrawn", "cancelled"])
def test_nothing_is_approved_without_authority(item: Item, judge: User, gone: str):
    if gone == "withdrawn":
        item.order.consents.update(withdrawn_at=timezone.now())
    else:
        type(item.order).objects.update(cancelled_at=timezone.now())
    with pytest.raises(Refused, match="동의"):
        approve(judge, pick(item))


@pytest.mark.parametrize("refused", ["producing", "returned", "waiting"])
def test_only_what_is_under_review_is_approved(item: Item, judge: User, refused: str):
    Item.objects.update(state=refused)
    with pytest.raises(Refused):
        approve(judge, pick(item))


@pytest.mark.parametrize("refused", ["producing", "failed", "rejected"])
def test_only_a_ready_candidate_is_approved(item: Item, judge: User, refused: str):
    Candidate.objects.filter(pk=pick(item).pk).update(state=refused)
    with pytest.raises(Refused):
        approve(judge, pick(item))


def test_an_earlier_candidate_can_still_be_chosen(item: Item, judge: User):
    earlier = pick(item, 2)
    production.make_again(item, by=judge, request=None, after_round=1)
    item.refresh_from_db()
    for candidate in item.current_candidates:
        made.finish_job(candidate)
    approve(judge, earlier)
    assert state(item) == "approved"


class TestUndo:
    def test_it_takes_everything_back(self, item: Item, judge: User, django_capture_on_commit_callbacks: Any):
        (approval,) = approve(judge, pick(item))
        made.finish_files(approval)
        names = [name for file in approval.deliverables.all() for name in (file.file, file.preview)]
        with django_capture_on_commit_callbacks(execute=True):
            review.undo(approval, by=judge, request=None)
        assert state(item) == "to_review"
        assert not Approval.objects.exists()
        assert not Deliverable.objects.exists()
        assert not any(default_storage.exists(name) for name in names)
        files.verify(pick(item).file, pick(item).sha256)
        assert AuditEvent.objects.get(action="approval.undone").actor == judge

    @pytest.mark.parametrize("use", ["visits", "downloads"])
    def test_not_once_the_family_has_seen_it(self, item: Item, judge: User, use: str):
        (approval,) = approve(judge, pick(item))
        DownloadLink.objects.create(
            order=item.order, token_hash="x", expires_at=timezone.now() + timedelta(days=1), **{use: 1}
        )
        with pytest.raises(Refused, match="가족"):
            review.undo(approval, by=judge, request=None)
        assert state(item) == "approved"

    def test_twice_is_refused(self, item: Item, judge: User):
        (approval,) = approve(judge, pick(item))
        again = Approval.objects.get()
        review.undo(approval, by=judge, request=None)
        with pytest.raises(Refused):
            review.undo(again, by=judge, request=None)


def test_a_rejected_one_can_be_brought_back(scene: Item, judge: User):
    review.reject(pick(scene), by=judge, reason="", request=None)
    assert pick(scene).state == "rejected"
    review.restore(pick(scene), by=judge, request=None)
    assert pick(scene).state == "ready"


def test_an_approved_one_cannot_be_rejected(scene: Item, judge: User):
    approve(judge, pick(scene))
    with pytest.raises(Refused):
        review.reject(pick(scene), by=judge, reason="", request=None)


def test_sending_back_gives_staff_the_reviewers_words(item: Item, judge: User):
    with pytest.raises(Refused):
        review.send_back(item, by=judge, reason="  ", request=None)
    review.send_back(item, by=judge, reason="얼굴이 작습니다.", request=None)
    item.refresh_from_db()
    assert (item.state, item.why_returned) == ("returned", "얼굴이 작습니다.")


def test_sending_back_stops_what_is_being_made(judge: User):
    item = made.make_submitted_order().items.get()
    review.send_back(item, by=judge, reason="사진이 다릅니다.", request=None)
    assert set(item.candidates.values_list("job__state", flat=True)) == {"cancelled"}


class TestNothingUnapprovedLeaves:
    def test_files_are_made_of_the_approved_bytes_alone(self, item: Item, judge: User):
        (approval,) = approve(judge, pick(item, 3))
        made.finish_files(approval)
        names = {file.variant: file.download_name for file in Deliverable.objects.all()}
        assert names["print-11x14"] == "고 김영자 님 영정사진 11x14인치.jpg"
        assert list(delivery.ready_files(item.order)) == list(approval.deliverables.order_by("pk"))
        assert all(file.sha256 == files.sha256_of(file.file) for file in approval.deliverables.all())

    def test_finishing_twice_makes_them_once(self, item: Item, judge: User):
        (approval,) = approve(judge, pick(item))
        made.finish_files(approval)
        before = list(Deliverable.objects.values_list("pk", "sha256"))
        tasks.finish(approval.pk)
        assert list(Deliverable.objects.values_list("pk", "sha256")) == before

    def test_bytes_that_changed_after_the_approval_are_not_finished(self, item: Item, judge: User):
        (approval,) = approve(judge, pick(item))
        files.path_of(pick(item).file).write_bytes(b"something else")
        made.finish_files(approval)
        approval.finish.refresh_from_db()
        assert (approval.finish.state, approval.finish.fault) == ("failed", "bytes_differ")
        assert not Deliverable.objects.exists()

    def test_an_approval_taken_back_meanwhile_is_not_finished(self, item: Item, judge: User):
        (approval,) = approve(judge, pick(item))
        number = approval.pk
        review.undo(approval, by=judge, request=None)
        tasks.finish(number)
        assert not Deliverable.objects.exists()

    def test_a_scene_half_approved_hands_out_nothing(self, scene: Item, judge: User):
        for approval in approve(judge, pick(scene, 1), pick(scene, 2)):
            made.finish_files(approval)
        assert Deliverable.objects.exists()
        assert not delivery.ready_files(scene.order).exists()

    def test_pictures_of_a_scene_are_numbered_in_their_names(self, scene: Item, judge: User):
        for approval in approve(judge, *scene.candidates.all()):
            made.finish_files(approval)
        names = list(Deliverable.objects.filter(variant="print-10x8").values_list("download_name", flat=True))
        assert sorted(names) == [f"고 김영자 님 인생 더하기 {number} 10x8인치.jpg" for number in (1, 2, 3)]
