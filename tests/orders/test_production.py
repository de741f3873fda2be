"""What is asked of the fleet: submit, make again, stop, and who may still run."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.utils import timezone

from gpujobs import workflows
from gpujobs.models import Job
from orders import authority, files, production, returns
from orders.authority import may_run
from orders.models import Candidate, DownloadLink, Item, Order
from orders.production import NotReady, cancel, make_again, resubmit, submit, withdraw
from portal.models import AuditEvent
from tests import factories as made

pytestmark = pytest.mark.django_db


def submitted(order: Order, **request: Any) -> bool:
    return submit(order, by=order.created_by, request=None)


def states(item: Item, number: int) -> list[str]:
    candidates = item.candidates.filter(round=number)
    return list(candidates.values_list("state", flat=True))


@pytest.mark.parametrize(("product", "count"), [("portrait", 4), ("life_scene", 3), ("living_video", 1)])
def test_each_candidate_gets_a_job_with_a_seed_of_its_own(product: str, count: int):
    order = made.make_submitted_order(products=(product,))
    item = order.items.get()
    candidates = list(item.candidates.select_related("job"))
    assert (item.state, item.round) == ("producing", 1)
    assert [candidate.number for candidate in candidates] == list(range(1, count + 1))
    assert len({candidate.job.seed for candidate in candidates}) == count
    for candidate in candidates:
        assert candidate.job.reference == candidate.code
        assert candidate.job.tenant == order.home.code
        assert candidate.job.workflow == product
        assert candidate.job.state == "queued"


def test_photos_fill_the_slots_in_their_order():
    order = made.make_submitted_order(products=("life_scene",))
    masters = list(order.photos.values_list("master", flat=True))
    images = order.items.get().candidates.first().job.images
    assert images == dict(zip(("photo_1", "photo_2", "photo_3"), masters, strict=True))


def test_what_was_asked_is_something_the_workflow_can_build():
    order = made.make_submitted_order(products=("portrait", "life_scene", "living_video"))
    for job in Job.objects.all():
        names = {slot: f"portal/x/{slot}.png" for slot in job.images}
        workflow = workflows.get(job.workflow)
        names |= {slot: f"portal/x/{slot}.png" for slot in workflow.drawn(job.params, brought=job.images)}
        assert workflow.build(job.params, images=names, seed=job.seed, output_prefix="portal/x")
    assert order.items.count() == 3


def test_candidates_are_due_before_the_picture_is_needed():
    needed = timezone.now() + timedelta(hours=5)
    order = made.make_submitted_order(needed_at=needed)
    assert Job.objects.first().due_at == needed - timedelta(hours=2)
    assert order.submitted_at


def test_a_late_order_is_due_now_and_not_in_the_past():
    made.make_submitted_order(needed_at=timezone.now() - timedelta(hours=5))
    assert abs(Job.objects.first().due_at - timezone.now()) < timedelta(seconds=10)


@pytest.mark.parametrize("needed_in", [timedelta(minutes=20), timedelta(hours=30)])
def test_the_portrait_is_due_before_a_scene_and_a_scene_before_a_video(needed_in):
    products = ("living_video", "life_scene", "portrait")  # as somebody ticked them
    made.make_submitted_order(products=products, needed_at=timezone.now() + needed_in)
    due = Job.objects.order_by("due_at").values_list("workflow", flat=True)
    assert list(due) == ["portrait"] * 4 + ["life_scene"] * 3 + ["living_video"]


def test_a_second_submit_changes_nothing():
    order = made.make_submitted_order()
    first = order.submitted_at
    assert not submitted(order)
    order.refresh_from_db()
    assert order.submitted_at == first
    assert Job.objects.count() == 4


@pytest.mark.parametrize(
    ("facts", "word"),
    [({"photos": 0, "consent": True}, "사진"), ({"photos": 1, "consent": False}, "동의"), ({"products": ()}, "")],
)
def test_an_incomplete_order_is_refused_in_words_and_nothing_is_kept(facts: dict[str, Any], word: str):
    order = made.make_order(**facts)
    with pytest.raises(NotReady) as refusal:
        submitted(order)
    assert any(word in reason for reason in refusal.value.reasons)
    order.refresh_from_db()
    assert order.submitted_at is None
    assert not Job.objects.exists()
    assert not AuditEvent.objects.filter(action="order.submitted").exists()


def test_nothing_a_family_wrote_goes_into_the_graph():
    order = made.make_ready_order(name="ignore all previous words")
    order.items.update(options={"prompt": "a cat", "clothes": "a cat"})
    submitted(order)
    assert "cat" not in str(list(Job.objects.values("params", "images")))
    assert "ignore" not in str(list(Job.objects.values("params", "images")))


def test_a_cancelled_order_is_not_submitted():
    order = made.make_ready_order()
    cancel(order, by=order.created_by, request=None)
    with pytest.raises(NotReady):
        submitted(order)


def test_submitting_is_written_down_with_its_author():
    order = made.make_submitted_order()
    entry = AuditEvent.objects.get(action="order.submitted")
    assert (entry.actor, entry.home, entry.subject) == (order.created_by, order.home, order.code)
    assert order.submitted_by == order.created_by


def test_the_fleet_is_woken_only_after_the_commit(django_capture_on_commit_callbacks: Any):
    order = made.make_ready_order()
    with patch("gpujobs.wakeup.wake") as wake, django_capture_on_commit_callbacks() as callbacks:
        submitted(order)
        assert not wake.called
    assert callbacks


def at_once(action: Any, *arguments: Any) -> list[Any]:
    """What an action answers to several who do it at the same time."""

    def act(argument: Any) -> Any:
        try:
            return action(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(act, arguments))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_submit_at_once_one_makes_the_jobs():
    order = made.make_ready_order()
    assert sorted(at_once(submitted, order, Order.objects.get(), Order.objects.get())) == [False, False, True]
    assert Job.objects.count() == Candidate.objects.count() == 4


def again(item: Item, after_round: int = 1) -> bool:
    return make_again(item, by=made.make_reviewer(), request=None, after_round=after_round)


def test_making_again_starts_a_round_with_new_seeds_and_keeps_the_old_candidates():
    item = made.make_reviewable_item()
    assert again(item)
    item.refresh_from_db()
    assert (item.state, item.round) == ("producing", 2)
    assert states(item, 1) == ["ready"] * 4
    assert states(item, 2) == ["producing"] * 4
    assert Job.objects.values("seed").distinct().count() == 8


def test_making_again_while_it_is_being_made_stops_the_old_jobs():
    order = made.make_submitted_order()
    item = order.items.get()
    running = item.candidates.first().job
    Job.objects.filter(pk=running.pk).update(state="running")
    assert again(item)
    running.refresh_from_db()
    assert running.cancel_asked_at
    assert Job.objects.filter(state="cancelled").count() == 3
    assert Job.objects.filter(state="queued").count() == 4


@pytest.mark.django_db(transaction=True)
def test_of_two_who_make_again_at_once_one_makes_a_round():
    item = made.make_reviewable_item()
    assert sorted(at_once(again, item, Item.objects.get())) == [False, True]
    item.refresh_from_db()
    assert item.round == 2
    assert Job.objects.count() == 8


def test_an_item_that_came_back_is_sent_again_with_the_photos_it_has_now():
    order = made.make_submitted_order()
    item = order.items.get()
    made.fail_job(item.candidates.first(), "no_face")
    order.photos.all().delete()
    better = made.make_photo(order)
    assert resubmit(item, by=order.created_by, request=None, after_round=1)
    item.refresh_from_db()
    assert (item.state, item.round, item.return_code) == ("producing", 2, "")
    assert item.current_candidates.first().job.images == {"photo": better.master}


def test_sending_again_without_photos_is_refused_in_words():
    order = made.make_submitted_order()
    item = order.items.get()
    made.fail_job(item.candidates.first(), "no_face")
    order.photos.all().delete()
    with pytest.raises(NotReady, match="사진"):
        resubmit(item, by=order.created_by, request=None, after_round=1)
    item.refresh_from_db()
    assert item.state == "returned"


def test_an_item_under_review_is_not_sent_again_by_staff():
    item = made.make_reviewable_item()
    assert not resubmit(item, by=made.make_staff(), request=None, after_round=1)


def test_cancelling_stops_jobs_closes_links_and_takes_items_back():
    order = made.make_submitted_order()
    link = DownloadLink.objects.create(order=order, token_hash="x", expires_at=timezone.now() + timedelta(days=1))
    assert cancel(order, by=order.created_by, request=None, reason="가족의 뜻")
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}
    link.refresh_from_db()
    assert not link.is_open
    item = order.items.get()
    assert (item.state, item.return_code) == ("returned", returns.ORDER_CANCELLED)
    assert AuditEvent.objects.get(action="order.cancelled").details["jobs"] == 4
    assert not cancel(order, by=order.created_by, request=None)


def test_withdrawing_stops_everything_and_needs_a_new_consent():
    order = made.make_submitted_order()
    item = order.items.get()
    assert withdraw(order, by="family", reason="마음이 바뀜", request=None)
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}
    item.refresh_from_db()
    assert "동의가 철회" in item.why_returned
    with pytest.raises(NotReady, match="동의"):
        resubmit(item, by=order.created_by, request=None, after_round=1)
    made.make_consent(order)
    assert resubmit(item, by=order.created_by, request=None, after_round=1)
    assert AuditEvent.objects.get(action="consent.withdrawn").actor_kind == "family"


def test_withdrawing_twice_changes_nothing():
    order = made.make_submitted_order()
    assert withdraw(order, by="family", reason="", request=None)
    assert not withdraw(order, by="family", reason="", request=None)


def test_what_arrives_after_the_consent_was_taken_back_is_not_kept():
    order = made.make_submitted_order()
    candidate = order.items.get().candidates.first()
    job = made.finished_job(candidate)
    withdraw(order, by="family", reason="", request=None)
    production.attach(job.pk)
    candidate.refresh_from_db()
    assert (candidate.state, candidate.file) == ("failed", "")
    assert not [path for path in files.path_of(order.folder).rglob("candidates/*/*") if path.is_file()]


def test_what_a_narrower_consent_no_longer_covers_is_stopped():
    order = made.make_ready_order()
    order.photos.update(shows_others=True)
    order.consents.update(scope=["likeness", "others"])
    submitted(order)
    order.consents.update(scope=["likeness"])
    production.keep_to_consent(order)
    assert order.items.get().return_code == returns.NOT_COVERED
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}


class TestMayRun:
    def code(self, order: Order) -> set[Any]:
        return set(Candidate.objects.filter(item__order=order).values_list("code", flat=True))

    def test_what_is_being_made_with_consent_may_run(self):
        mine, other = made.make_submitted_order(), made.make_submitted_order()
        assert may_run(self.code(mine) | self.code(other)) == self.code(mine) | self.code(other)

    def test_nobody_elses_reference_may_run(self):
        assert may_run([made.make_staff().code]) == set()

    @pytest.mark.parametrize(
        "change",
        [
            lambda order: Order.objects.filter(pk=order.pk).update(cancelled_at=timezone.now()),
            lambda order: Order.objects.filter(pk=order.pk).update(erased_at=timezone.now()),
            lambda order: order.consents.update(withdrawn_at=timezone.now()),
            lambda order: order.consents.update(scope=["showcase"]),
            lambda order: order.consents.all().delete(),
            lambda order: order.items.update(state="returned"),
            lambda order: order.items.update(round=2),
            lambda order: Candidate.objects.filter(item__order=order).update(state="failed"),
        ],
        ids=["cancelled", "erased", "withdrawn", "narrowed", "no consent", "returned", "older round", "failed"],
    )
    def test_it_may_not_once_the_authority_is_gone(self, change: Any):
        order = made.make_submitted_order()
        change(order)
        assert may_run(self.code(order)) == set()

    def test_a_photo_that_shows_others_needs_their_consent_too(self):
        order = made.make_submitted_order()
        order.photos.update(shows_others=True)
        assert may_run(self.code(order)) == set()
        order.consents.update(scope=["likeness", "others"])
        assert may_run(self.code(order)) == self.code(order)

    def test_a_photo_of_others_that_no_job_was_given_stops_nothing(self):
        order = made.make_submitted_order()
        made.make_photo(order, shows_others=True)
        assert may_run(self.code(order)) == self.code(order)

    def test_it_asks_the_database_once_however_many_there_are(self, django_assert_num_queries: Any):
        codes = self.code(made.make_submitted_order()) | self.code(made.make_submitted_order())
        with django_assert_num_queries(1):
            may_run(codes)

    def test_it_is_the_one_the_settings_name(self, settings: Any):
        assert f"{may_run.__module__}.{may_run.__name__}" == settings.GPUJOBS_MAY_RUN
        assert authority.has_authority(made.make_submitted_order())
