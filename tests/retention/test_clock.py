"""When data are due, by a home's own periods; the sweep; the dry run; the half that goes earlier; holds."""

from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from django.utils import timezone

from orders import arriving, erasing, files, photos, retention, retention_clock, review, tasks
from orders.models import Arrival, Candidate, Erasure, Item, LegalHold, Order, Photo, SourceRemoval
from portal.models import AuditEvent
from tests.factories import make_order, make_reviewable_item, make_reviewer, make_staff
from tests.family.making import make_deliverable, make_family_link, make_link

DAY = timedelta(days=1)


@pytest.fixture
def staff(db):
    staff = make_staff()
    staff.home.keep_source_days, staff.home.keep_file_days, staff.home.keep_draft_days = 10, 40, 5
    staff.home.save()
    return staff


def at(order: Order, **facts: datetime | None) -> Order:
    """With these moments, and no other that counts."""
    plain = {"procession_at": None, "needed_at": None, "submitted_at": None, "delivered_at": None, "cancelled_at": None}
    Order.objects.filter(pk=order.pk).update(**plain | facts)
    return Order.objects.get(pk=order.pk)


def test_a_delivered_order_goes_in_two_halves(staff):
    now = timezone.now()
    order = at(make_order(staff, consent=True), submitted_at=now - 3 * DAY, delivered_at=now - 2 * DAY)
    clock = retention_clock.of(order)
    assert (clock.sources_due_at, clock.due_at) == (now + 8 * DAY, now + 38 * DAY)
    assert clock.only_sources


def test_the_procession_counts_when_it_is_later_than_the_delivery(staff):
    now = timezone.now()
    facts = {"submitted_at": now - DAY, "delivered_at": now, "procession_at": now + 2 * DAY}
    assert retention_clock.of(at(make_order(staff, consent=True), **facts)).due_at == now + 42 * DAY


def test_a_draft_counts_from_when_it_was_last_touched_or_is_needed(staff):
    now = timezone.now()
    touched = make_order(staff)
    touched = at(touched)
    assert retention_clock.of(touched).due_at == touched.updated_at + 5 * DAY
    assert retention_clock.of(at(make_order(staff), needed_at=now + 100 * DAY)).due_at == now + 105 * DAY
    assert retention_clock.of(touched).sources_due_at is None


def test_a_cancelled_one_goes_as_a_draft_does(staff):
    now = timezone.now()
    order = at(make_order(staff, consent=True), submitted_at=now, cancelled_at=now)
    assert retention_clock.of(order).due_at == now + 5 * DAY


def test_a_withdrawn_one_is_due_at_once_unless_consent_was_given_anew(staff):
    now = timezone.now()
    order = at(make_order(staff, consent=True), submitted_at=now)
    order.consents.update(withdrawn_at=now)
    clock = retention_clock.of(order)
    assert (clock.due_at, clock.withdrawn) == (now, True)


def test_nothing_goes_while_a_familys_link_is_open(staff):
    now = timezone.now()
    order = at(make_order(staff, consent=True), submitted_at=now - 99 * DAY, delivered_at=now - 98 * DAY)
    link, _token = make_link(order, staff)
    assert retention_clock.of(order).due_at == link.expires_at
    order.links.update(revoked_at=now)
    assert retention_clock.of(order).due_at == now - 58 * DAY


def test_the_sweep_erases_what_is_due_and_nothing_else(staff):
    now = timezone.now()
    due = at(make_order(staff, consent=True), submitted_at=now - 50 * DAY, delivered_at=now - 41 * DAY)
    young = at(make_order(staff, consent=True), submitted_at=now, delivered_at=now)
    held = at(make_order(staff, consent=True), submitted_at=now - 50 * DAY, delivered_at=now - 41 * DAY)
    retention.place_hold(held, reason="소송", by=staff)
    assert retention.sweep() == {"erased": 1, "sources": 0}
    assert [erasure.order for erasure in Erasure.objects.all()] == [due]
    assert Erasure.objects.get().why == "due"
    assert not Order.objects.filter(pk__in=[young.pk, held.pk]).exclude(erased_at=None).exists()
    retention.lift_hold(held, by=staff)
    assert retention.sweep() == {"erased": 1, "sources": 0}
    assert set(AuditEvent.objects.filter(action__startswith="hold.").values_list("action", "reason")) == {
        ("hold.placed", "소송"),
        ("hold.lifted", ""),
    }


def test_a_dry_run_says_what_would_go_and_removes_nothing(staff, capsys):
    now = timezone.now()
    order = at(make_order(staff, consent=True), submitted_at=now - 50 * DAY, delivered_at=now - 41 * DAY)
    half = at(make_order(staff, consent=True), submitted_at=now - 50 * DAY, delivered_at=now - 11 * DAY)
    call_command("retention", "--dry-run")
    said = capsys.readouterr().out
    assert f"{order.code}  all" in said
    assert f"{half.code}  photos" in said
    assert "2 would go; nothing was removed." in said
    assert order.name not in said
    assert not Erasure.objects.exists()
    call_command("retention")
    assert "1 orders, and photos and candidates of 1." in capsys.readouterr().out


@pytest.fixture
def half(staff):
    """Delivered eleven days ago: one candidate approved, another rejected; its photos are due."""
    now = timezone.now()
    item = make_reviewable_item(staff)
    deliverable = make_deliverable(item, staff, number=9)
    order = at(item.order, submitted_at=now - 12 * DAY, delivered_at=now - 11 * DAY)
    approved = Candidate.objects.get(approval=deliverable.approval)
    for name in ("made.png", "preview.webp"):
        files.write(f"{approved.folder}/{name}", name.encode())
    Candidate.objects.filter(pk=approved.pk).update(
        file=f"{approved.folder}/made.png", preview=f"{approved.folder}/preview.webp"
    )
    return order


def test_photos_and_candidates_go_and_what_the_family_has_stays(half, django_capture_on_commit_callbacks):
    deliverable = half.items.get().deliverables.get()
    sources = [half.photos.get().master, *Candidate.objects.values_list("file", flat=True)]
    with django_capture_on_commit_callbacks():
        assert retention.sweep() == {"erased": 0, "sources": 1}
    removal = half.source_removal
    tasks.remove_sources(removal.pk)
    assert not [name for name in sources if files.exists(name)]
    assert not Photo.objects.exists()
    kept = Candidate.objects.get()
    assert kept.file == ""
    assert files.exists(kept.preview)
    assert files.exists(deliverable.file)
    removal.refresh_from_db()
    assert {each["kind"] for each in removal.files} == {"photo", "candidate"}
    assert retention.sweep() == {"erased": 0, "sources": 0}
    assert half.items.get().state == Item.State.APPROVED


def test_a_removal_that_was_cut_off_is_resumed(half, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*names: str) -> None:
        raise Killed

    retention.sweep()
    removal = half.source_removal
    with monkeypatch.context() as patched:
        patched.setattr(files, "remove", die)
        with pytest.raises(Killed):
            tasks.remove_sources(removal.pk)
    type(removal).objects.update(begun_at=timezone.now() - Erasure.LEASE)
    sent = []
    monkeypatch.setattr(tasks, "_send", lambda task, *args: sent.append((task, *args)))
    tasks.sweep()
    assert ("remove_sources", removal.pk) in sent
    tasks.remove_sources(removal.pk)
    assert not Photo.objects.exists()


def test_a_hold_takes_back_a_removal_that_has_not_begun(half, staff):
    masters = [half.photos.get().master]
    retention.sweep()
    removal = half.source_removal
    retention.place_hold(half, reason="소송", by=staff)
    tasks.remove_sources(removal.pk)
    assert all(files.exists(master) for master in masters)
    assert not SourceRemoval.objects.exists()
    assert retention.sweep() == {"erased": 0, "sources": 0}
    retention.lift_hold(half, by=staff)
    assert retention.sweep() == {"erased": 0, "sources": 1}


def test_a_hold_stops_a_removal_that_was_cut_off(half, staff):
    retention.sweep()
    removal = half.source_removal
    SourceRemoval.objects.update(files=[{"name": "x", "kind": "photo"}], begun_at=timezone.now() - Erasure.LEASE)
    retention.place_hold(half, reason="소송", by=staff)
    assert erasing.sources_left_behind() == []
    tasks.remove_sources(removal.pk)
    assert files.exists(half.photos.get().master)
    retention.lift_hold(half, by=staff)
    assert erasing.sources_left_behind() == [removal.pk]
    tasks.remove_sources(removal.pk)
    assert not Photo.objects.exists()


def test_a_hold_that_comes_while_files_are_hashed_is_still_in_time(half, staff, monkeypatch):
    real = files.sha256_of

    def placed_meanwhile(name: str) -> str:
        retention.place_hold(half, reason="소송", by=staff)
        return real(name)

    retention.sweep()
    removal = half.source_removal
    monkeypatch.setattr(files, "sha256_of", placed_meanwhile)
    tasks.remove_sources(removal.pk)
    assert files.exists(half.photos.get().master)


@pytest.mark.parametrize("who", ["staff", "family"])
def test_no_photo_is_taken_out_under_a_hold(staff, who):
    order = make_order(staff, photos=1)
    photo = order.photos.get()
    retention.place_hold(order, reason="소송", by=staff)
    with pytest.raises(photos.NotTaken, match="법에 따라 보존하고 있는 사진"):
        photos.remove(photo, by=staff, request=None) if who == "staff" else photos.remove_by_family(photo, request=None)
    assert files.exists(photo.master)
    assert order.photos.exists()


def test_half_a_photo_stays_under_a_hold(staff):
    link, _token = make_family_link(make_order(staff), staff, revoked_at=timezone.now())
    arrival = Arrival.objects.create(link=link, mark="0" * 64, byte_count=100)
    retention.place_hold(link.order, reason="소송", by=staff)
    assert arriving.forget_stale() == 0
    retention.lift_hold(link.order, by=staff)
    assert arriving.forget_stale() == 1
    assert not Arrival.objects.filter(pk=arrival.pk).exists()


def test_no_approval_is_taken_back_under_a_hold(staff):
    deliverable = make_deliverable(make_reviewable_item(staff), staff, number=9)
    retention.place_hold(deliverable.item.order, reason="소송", by=staff)
    with pytest.raises(review.Refused, match="법적 보존"):
        review.undo(deliverable.approval, by=make_reviewer(), request=None)
    assert files.exists(deliverable.file)


def test_a_hold_is_placed_once_and_never_on_what_is_erased(staff):
    order = make_order(staff)
    first = retention.place_hold(order, reason="소송", by=staff)
    assert retention.place_hold(order, reason="또", by=staff) == first
    assert retention.lift_hold(order, by=staff)
    assert not retention.lift_hold(order, by=staff)
    retention.begin_erasure(order, why="by_hand", by=staff)
    assert retention.place_hold(order, reason="늦음", by=staff) is None
    assert LegalHold.objects.count() == 1


def test_the_database_holds_that_files_stay_as_long_as_photos(staff):
    staff.home.keep_file_days = 1
    with pytest.raises(IntegrityError):
        staff.home.save()
