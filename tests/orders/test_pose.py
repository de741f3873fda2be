"""The head of a portrait may be held as in the order's second photo; what cannot be met keeps nothing waiting."""

import pytest

from gpujobs import workflows
from gpujobs.models import Job
from orders import authority, production
from orders.models import Candidate, Consent
from tests.factories import make_consent, make_order, make_photo, make_ready_order

pytestmark = pytest.mark.django_db


def submitted(*photos: dict[str, object]) -> Candidate:
    order = make_order(products=("portrait",))
    order.items.update(options={"pose": "second_photo"})
    for facts in photos:
        make_photo(order, **facts)
    make_consent(order, scope=[Consent.LIKENESS, Consent.OTHERS])
    production.submit(order, by=order.created_by, request=None)
    return Candidate.objects.filter(item__order=order)[0]


def drawn(job: Job) -> set[str]:
    return set(workflows.get("portrait").drawn(job.params, brought=job.images))


def test_the_second_photo_goes_along() -> None:
    candidate = submitted({}, {}, {})
    first, second, _third = candidate.item.order.photos.all()
    assert candidate.job.images == {"photo": first.master, "pose": second.master}
    assert drawn(candidate.job) == set()
    assert "자세: 두 번째 사진의 자세 (사진이 있을 때만)" in candidate.item.chosen()


@pytest.mark.parametrize("photos", [[{}], [{}, {"faces": [], "main_face": None}]], ids=["one photo", "no face"])
def test_without_one_that_can_be_used_the_studio_s_pose_is_drawn(photos: list[dict[str, object]]) -> None:
    candidate = submitted(*photos)
    assert set(candidate.job.images) == {"photo"}
    assert drawn(candidate.job) == {"pose"}


def test_it_is_not_taken_unless_it_is_asked_for() -> None:
    order = make_ready_order()
    make_photo(order)
    production.submit(order, by=order.created_by, request=None)
    assert [set(job.images) for job in Job.objects.all()] == [{"photo"}] * 4


def test_others_in_it_need_their_consent_like_those_of_any_photo() -> None:
    candidate = submitted({}, {"shows_others": True})
    assert authority.may_run([candidate.code]) == {candidate.code}
    Consent.objects.update(scope=[Consent.LIKENESS])
    assert authority.may_run([candidate.code]) == set()
