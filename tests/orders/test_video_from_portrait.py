"""A video that is to show the approved portrait: it waits, begins by itself, and stops when that is taken back."""

from typing import Any

import pytest
from django.core.files.storage import default_storage

from gpujobs.models import Job
from orders import authority, production, review
from orders.models import Approval, Candidate, Item, Order, OrderState
from orders.review import Refused
from portal.models import AuditEvent, User
from tests import factories as made

pytestmark = pytest.mark.django_db


@pytest.fixture
def judge() -> User:
    return made.make_reviewer()


def sent(*products: str) -> Order:
    """An order whose video is to show the portrait, submitted."""
    order = made.make_ready_order(products=products or ("portrait", "living_video"))
    order.items.filter(product_key="living_video").update(options={"motion": "smile", "source": "portrait"})
    production.submit(order, by=order.created_by, request=None)
    return Order.objects.get(pk=order.pk)


def item(order: Order, product: str) -> Item:
    return Item.objects.select_related("order").get(order=order, product_key=product)


def make(order: Order, product: str) -> list[Candidate]:
    """The fleet makes what is asked for now."""
    for candidate in item(order, product).current_candidates:
        made.finish_job(candidate)
    return list(item(order, product).current_candidates)


def approve(candidate: Candidate, judge: User) -> Approval:
    return review.approve([candidate], by=judge, request=None)[0]


def undo(approval: Approval, judge: User) -> None:
    review.undo(Approval.objects.get(pk=approval.pk), by=judge, request=None)


def jobs(order: Order) -> Any:
    return Job.objects.filter(pk__in=item(order, "living_video").candidates.values("job"))


def test_it_waits_for_the_approval_and_says_so(client, judge: User):
    order = sent()
    video = item(order, "living_video")
    assert (video.state, video.round, jobs(order).count()) == ("waiting", 0, 0)
    assert video.awaits_portrait
    assert "바탕: 승인된 영정사진으로 만들기" in video.chosen()
    client.force_login(order.created_by)
    page = client.get(f"/orders/{order.code}/").content.decode()
    assert "영정사진 승인을 기다립니다." in page
    assert "영정사진 승인 대기" in page


def test_the_order_is_the_reviewers_turn_while_the_video_waits(judge: User):
    order = sent()
    assert Order.objects.get(pk=order.pk).state == OrderState.PRODUCING
    make(order, "portrait")
    assert Order.objects.get(pk=order.pk).state == OrderState.TO_REVIEW


def test_it_begins_with_the_approved_picture_in_the_same_moment(judge: User):
    order = sent()
    chosen = make(order, "portrait")[2]
    approve(chosen, judge)
    video = item(order, "living_video")
    assert (video.state, video.round) == ("producing", 1)
    (job,) = jobs(order)
    assert job.images == {"photo": chosen.file}
    assert default_storage.exists(chosen.file)
    assert "source" not in job.params
    assert authority.may_run([job.reference]) == {job.reference}
    assert AuditEvent.objects.get(action="item.begun").details["product"] == "living_video"


def test_without_a_portrait_in_the_order_it_is_made_from_the_photo():
    order = sent("living_video")
    (job,) = jobs(order)
    assert job.images == {"photo": order.photos.get().master}
    assert "바탕" not in " ".join(item(order, "living_video").chosen())


def test_an_approval_taken_back_stops_it_and_it_waits_again(judge: User):
    order = sent()
    first, second, *_ = make(order, "portrait")
    approval = approve(first, judge)
    (job,) = jobs(order)
    undo(approval, judge)
    video = item(order, "living_video")
    assert video.state == "waiting"
    assert video.awaits_portrait
    assert authority.may_run([job.reference]) == set()
    job.refresh_from_db()
    assert job.state == "cancelled"
    production.attach(job.pk)
    assert item(order, "living_video").state == "waiting", "the end of what was stopped changes nothing"
    approve(second, judge)
    assert item(order, "living_video").round == 2
    assert jobs(order).latest("queued_at").images == {"photo": second.file}


def test_one_already_made_is_not_approved_once_its_portrait_is_not(judge: User):
    order = sent()
    first, second, *_ = make(order, "portrait")
    approval = approve(first, judge)
    (shown,) = make(order, "living_video")
    assert item(order, "living_video").state == "to_review"
    undo(approval, judge)
    assert item(order, "living_video").state == "waiting"
    approve(second, judge)
    make(order, "living_video")
    shown.refresh_from_db()
    with pytest.raises(Refused, match="바탕이 된 영정사진"):
        approve(shown, judge)
    approve(item(order, "living_video").current_candidates.get(), judge)
    assert item(order, "living_video").state == "approved"


def test_the_portraits_approval_stands_while_a_video_of_it_is_approved(judge: User):
    order = sent()
    approval = approve(make(order, "portrait")[0], judge)
    of_video = approve(make(order, "living_video")[0], judge)
    with pytest.raises(Refused, match="영상의 승인을 먼저"):
        undo(approval, judge)
    undo(of_video, judge)
    undo(approval, judge)
    assert item(order, "living_video").state == "waiting"


def test_a_portrait_made_again_is_waited_for(judge: User):
    order = sent()
    make(order, "portrait")
    portrait = item(order, "portrait")
    assert production.make_again(portrait, by=judge, request=None, after_round=1)
    assert item(order, "living_video").state == "waiting"
    chosen = make(order, "portrait")[0]
    approve(chosen, judge)
    assert jobs(order).get().images == {"photo": chosen.file}


def test_one_that_came_back_waits_where_the_portrait_is_no_longer_approved(judge: User):
    order = sent()
    approval = approve(make(order, "portrait")[0], judge)
    review.send_back(item(order, "living_video"), by=judge, reason="움직임이 어색합니다.", request=None)
    undo(approval, judge)
    assert item(order, "living_video").state == "returned"
    assert production.resubmit(item(order, "living_video"), by=order.created_by, request=None, after_round=1)
    assert item(order, "living_video").awaits_portrait


def test_staff_need_not_wait(client, judge: User):
    order = sent()
    video = item(order, "living_video")
    client.force_login(order.created_by)
    answer = client.post(f"/orders/{order.code}/items/{video.code}/from-photo/", follow=True)
    assert "받은 사진으로 만들기 시작합니다." in answer.content.decode()
    assert jobs(order).get().images == {"photo": order.photos.get().master}
    client.post(f"/orders/{order.code}/items/{video.code}/from-photo/")
    assert jobs(order).count() == 1, "pressed twice it is made once"
    approval = approve(make(order, "portrait")[0], judge)
    undo(approval, judge)
    assert item(order, "living_video").state == "producing", "it shows the photo, not the portrait"


def test_a_withdrawn_consent_begins_nothing(judge: User):
    order = sent()
    make(order, "portrait")
    production.withdraw(order, by=order.created_by, reason="", request=None)
    with pytest.raises(Refused):
        approve(item(order, "portrait").current_candidates.first(), judge)
    assert jobs(order).count() == 0


def test_a_cancelled_order_waits_for_nothing():
    order = sent()
    production.cancel(order, by=order.created_by, request=None)
    assert not item(order, "living_video").awaits_portrait


def test_the_form_offers_it_and_keeps_it(client):
    order = made.make_ready_order(products=("portrait", "living_video"))
    client.force_login(order.created_by)
    page = client.get(f"/orders/{order.code}/").content.decode()
    assert 'name="living_video-source" value="portrait"' in page
    sent_form = {"name": "김영자", "want": ["portrait", "living_video"], "living_video-source": "portrait"}
    client.post(f"/orders/{order.code}/save/", sent_form)
    assert item(order, "living_video").options["source"] == "portrait"
