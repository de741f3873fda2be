"""A family chooses among portraits that a reviewer picked: whose approval it is, what is shown, who is quicker."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from PIL import Image

from orders import choosing, files, production, proofs, review
from orders.finishing import marks
from orders.finishing.metadata import SOURCE_TYPE, source_type_in
from orders.models import Approval, Candidate, FamilyAnswer, FamilyLink, Item, Showing
from portal.models import AuditEvent
from tests.factories import make_home, make_reviewable_item, make_reviewer, make_staff
from tests.family.making import make_family_link


@pytest.fixture
def staff(db):
    home = make_home()
    home.family_chooses = True
    home.save()
    return make_staff(home)


@pytest.fixture
def reviewer(db):
    return make_reviewer()


@pytest.fixture
def item(staff):
    return make_reviewable_item(staff)


def candidates(item):
    return list(item.candidates.order_by("number"))


def offer(item, reviewer, *numbers):
    codes = [each.code for each in candidates(item) if each.number in (numbers or (1, 3))]
    choosing.offer(item, codes, by=reviewer, request=None)
    item.refresh_from_db()
    return [Candidate.objects.get(code=code) for code in codes]


class Phone:
    def __init__(self, item, by):
        self.link, self.token = make_family_link(item.order, by, "choice", max_uses=10)
        self.url, self.browser = f"/f/{self.token}/choice/", Client()

    def page(self):
        return self.browser.get(self.url).content.decode()

    def choose(self, candidate):
        return self.browser.post(self.url, {"choice": candidate.code}, headers={"User-Agent": "KAKAOTALK"})

    def wish(self, key):
        return self.browser.post(self.url, {"wish": key})

    def proof(self, candidate):
        return self.browser.get(f"{self.url}{candidate.code}/picture/")


@pytest.fixture
def phone(item, staff):
    return Phone(item, staff)


def browser_of(user):
    client = Client()
    client.force_login(user)
    return client


def test_by_one_tap_the_approval_is_the_reviewers_and_of_the_files_hash(item, reviewer, phone):
    first, third = offer(item, reviewer)
    page = phone.page()
    assert page.count('name="choice"') == 2
    assert "고 김영자 님의" in page
    answer = phone.choose(third)
    assert (answer.status_code, answer["Location"]) == (302, phone.url)
    approval = Approval.objects.get()
    assert approval.candidate == third
    assert approval.approved_by == reviewer
    assert approval.sha256 == files.sha256_of(third.file)
    item.refresh_from_db()
    assert (item.state, item.offered_at) == (Item.State.APPROVED, None)
    given = FamilyAnswer.objects.get()
    assert (given.candidate, given.link, given.given_by, given.address) == (third, phone.link, None, "127.0.0.1")
    assert given.given_at
    assert given.user_agent == "KAKAOTALK"
    event = AuditEvent.objects.get(action="candidate.approved")
    assert event.actor_kind == "family"
    assert event.details["reviewer"] == str(reviewer.code)
    assert "영정사진을 정했습니다" in phone.page()
    assert phone.proof(third).status_code == 200
    assert phone.proof(first).status_code == 404


def test_a_proof_is_all_that_a_family_gets(item, reviewer, phone):
    first, _third = offer(item, reviewer)
    shown = Showing.objects.get(candidate=first)
    with Image.open(files.path_of(shown.proof)) as proof, Image.open(files.path_of(first.preview)) as clean:
        assert max(proof.size) <= proofs.LONGEST
        assert proof.size == (shown.width, shown.height)
        marked, bare = np.asarray(proof.convert("L"), float), np.asarray(clean.convert("L").resize(proof.size), float)
        assert marks.is_seen(proof.convert("RGB"), marks.SCREEN)
    assert source_type_in(files.path_of(shown.proof).read_bytes()) == SOURCE_TYPE["portrait"]
    change = np.abs(marked - bare)
    # Something of the mark is in every sixth of the picture, the face's included.
    for rows in np.array_split(change, 3):
        for part in np.array_split(rows, 2, axis=1):
            assert (part > 15).mean() > 0.01
    for path in (first.file, first.preview):
        assert path not in phone.page()
    assert b"".join(phone.proof(first).streaming_content) == files.path_of(shown.proof).read_bytes()
    for address in (f"/candidates/{first.code}/file/", f"/candidates/{first.code}/preview/"):
        assert phone.browser.get(address).status_code == 302


def test_what_was_not_offered_is_neither_shown_nor_chosen(item, reviewer, phone):
    offer(item, reviewer)
    second = candidates(item)[1]
    assert str(second.code) not in phone.page()
    assert phone.proof(second).status_code == 404
    refused = phone.choose(second)
    assert refused.status_code == 422
    assert "고르실 수 있는 사진이 아닙니다" in refused.content.decode()
    assert phone.browser.post(phone.url, {"choice": "nonsense"}).status_code == 422
    assert not Approval.objects.exists()
    phone.link.refresh_from_db()
    assert phone.link.uses == 0


def test_before_anything_is_offered_the_page_says_so(phone, item):
    assert "사진을 준비하고 있습니다" in phone.page()
    assert phone.choose(candidates(item)[0]).status_code == 200
    assert not Approval.objects.exists()


@pytest.mark.parametrize("numbers", [(1,), ()])
def test_fewer_than_two_are_not_offered(item, reviewer, numbers):
    codes = [each.code for each in candidates(item) if each.number in numbers]
    with pytest.raises(review.Refused, match="두 장에서 네 장"):
        choosing.offer(item, codes, by=reviewer, request=None)


def test_a_home_that_does_not_let_families_choose_does_not(item, reviewer):
    type(item.order.home).objects.update(family_chooses=False)
    with pytest.raises(review.Refused):
        offer(item, reviewer)
    page = browser_of(reviewer).get(f"/review/{item.code}/").content.decode()
    assert "가족께 고르시게 하기" not in page


def test_the_reviewer_offers_on_the_page_and_takes_it_back(item, reviewer):
    browser = browser_of(reviewer)
    page = browser.get(f"/review/{item.code}/").content.decode()
    assert page.count('name="show"') == 4
    codes = [each.code for each in candidates(item)[:2]]
    browser.post(f"/review/{item.code}/offer/", {"show": codes})
    item.refresh_from_db()
    assert item.offered_at
    assert set(Showing.objects.values_list("reviewed_by", flat=True)) == {reviewer.pk}
    assert "가족이 후보 2장 가운데 고르고 있습니다" in browser.get(f"/review/{item.code}/").content.decode()
    assert "가족이 고르는 중" in browser.get("/review/").content.decode()
    browser.post(f"/review/{item.code}/offer/end/")
    item.refresh_from_db()
    assert item.offered_at is None
    assert not Showing.objects.exists()


def test_a_wish_goes_back_to_the_reviewer_as_options_and_nothing_else(item, reviewer, phone):
    offer(item, reviewer)
    assert phone.wish("smile").status_code == 302
    item.refresh_from_db()
    assert (item.state, item.offered_at) == (Item.State.TO_REVIEW, None)
    assert "‘더 웃는 얼굴’ 부탁을 받았습니다" in phone.page()
    browser = browser_of(reviewer)
    assert "가족의 바람: <b>더 웃는 얼굴</b>" in browser.get(f"/review/{item.code}/").content.decode()
    browser.post(f"/review/{item.code}/as-wished/", {"round": item.round})
    item.refresh_from_db()
    assert (item.state, item.round) == (Item.State.PRODUCING, 2)
    assert item.options["expression"] == "gentle_smile"
    jobs = [candidate.job.params for candidate in item.current_candidates.all()]
    assert {params["expression"] for params in jobs} == {"gentle_smile"}
    assert "가족의 바람:" not in browser.get(f"/review/{item.code}/").content.decode()
    assert "사진을 준비하고 있습니다" in phone.page()


@pytest.mark.parametrize("key", ["more light please", "", "smile'--"])
def test_a_wish_is_never_free_text(item, reviewer, phone, key):
    offer(item, reviewer)
    assert phone.wish(key).status_code == 422
    item.refresh_from_db()
    assert item.offered_at
    assert not FamilyAnswer.objects.exists()


def test_a_wish_that_would_change_nothing_is_not_offered(item, reviewer, phone):
    Item.objects.update(options={"clothes": "hanbok"})
    offer(item, reviewer)
    page = phone.page()
    assert "더 웃는 얼굴" in page
    assert "한복으로" not in page
    assert phone.wish("hanbok").status_code == 422


def test_a_file_changed_since_the_reviewer_saw_it_is_not_approved(item, reviewer, phone):
    first, _third = offer(item, reviewer)
    path = files.path_of(first.file)
    path.chmod(0o640)
    path.write_bytes(b"somebody else's face")
    refused = phone.choose(first)
    assert refused.status_code == 422
    assert "다시 살피고 있습니다" in refused.content.decode()
    assert not Approval.objects.exists()
    item.refresh_from_db()
    assert item.offered_at is None
    assert AuditEvent.objects.filter(action="candidate.bytes_differ").exists()


def test_a_reviewer_who_approves_meanwhile_is_quicker(item, reviewer, phone):
    first, third = offer(item, reviewer)
    review.approve([first], by=reviewer, request=None)
    assert phone.choose(third).status_code == 200
    assert Approval.objects.get().candidate == first
    assert "영정사진을 정했습니다" in phone.page()


def test_a_choice_that_never_comes_holds_nobody_up(item, reviewer, staff):
    first, _third = offer(item, reviewer)
    desk = browser_of(staff)
    for address in (f"/orders/{item.order.code}/", "/orders/"):
        assert "가족이 고르는 중" in desk.get(address).content.decode()
    desk.post(f"/orders/{item.order.code}/items/{item.code}/choose/", {"choice": first.code})
    approval = Approval.objects.get()
    assert (approval.candidate, approval.approved_by) == (first, reviewer)
    assert FamilyAnswer.objects.get().given_by == staff


def test_staff_choose_nothing_that_no_reviewer_offered(item, reviewer, staff):
    desk = browser_of(staff)
    desk.post(f"/orders/{item.order.code}/items/{item.code}/choose/", {"choice": candidates(item)[0].code})
    offer(item, reviewer)
    desk.post(f"/orders/{item.order.code}/items/{item.code}/choose/", {"choice": candidates(item)[1].code})
    assert not Approval.objects.exists()


def test_a_withdrawn_consent_ends_the_choice(item, reviewer, phone):
    first, _third = offer(item, reviewer)
    production.withdraw(item.order, by="family", reason="", request=None)
    assert phone.choose(first).status_code == 404
    item.refresh_from_db()
    assert item.offered_at is None


def test_while_a_relative_objects_nothing_is_chosen(item, reviewer, phone):
    first, _third = offer(item, reviewer)
    item.order.objections.create(name="김도현", relationship="아들", reason="반대합니다")
    page = phone.page()
    refused = phone.choose(first)
    assert refused.status_code == 422
    for shown in (page, refused.content.decode()):
        assert "잠시 멈추었습니다" in shown
        assert not any(word in shown for word in ("이의", "김도현", "반대")), "nobody reads there that somebody objects"
    assert phone.proof(first).status_code == 404
    assert not Approval.objects.exists()


def test_the_link_is_offered_to_staff_while_there_is_something_to_choose(item, reviewer, staff):
    desk = browser_of(staff)
    issue = f"/orders/{item.order.code}/family-links/"
    desk.post(issue, {"purpose": "choice"})
    assert not FamilyLink.objects.exists()
    offer(item, reviewer)
    assert "가족이 고르기" in desk.get(f"/orders/{item.order.code}/").content.decode()
    assert desk.post(issue, {"purpose": "choice"}).status_code == 200
    assert FamilyLink.objects.get().purpose == "choice"


def test_an_item_is_offered_only_while_it_is_reviewed(item, reviewer):
    offer(item, reviewer)
    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.filter(pk=item.pk).update(state=Item.State.PRODUCING)


def test_a_manager_decides_whether_families_choose(staff):
    manager = make_staff(staff.home, role="manager")
    browser = browser_of(manager)
    for given, stands in (({}, False), ({"family_chooses": "yes"}, True)):
        browser.post("/settings/family/", given)
        staff.home.refresh_from_db()
        assert staff.home.family_chooses is stands
    assert AuditEvent.objects.filter(action="home.family_chooses").count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_relatives_who_choose_at_once_one_does():

    home = make_home()
    type(home).objects.update(family_chooses=True)
    home.refresh_from_db()
    staff = make_staff(home)
    item = make_reviewable_item(staff)
    first, third = offer(item, make_reviewer())
    phones, together = [Phone(item, staff), Phone(item, staff)], Barrier(2)

    def choose(pair):
        phone, candidate = pair
        together.wait(10)
        try:
            return phone.choose(candidate).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(choose, zip(phones, (first, third), strict=True)))
    assert told[0] in (200, 302)
    assert told in ([302, 422], [200, 302])
    assert Approval.objects.count() == 1
    assert FamilyAnswer.objects.count() == 1
