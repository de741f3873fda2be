"""The reviewer's pages: who may see them, what they show, and what the buttons do."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gpujobs import progress
from orders.models import Candidate, DownloadLink, Item
from portal.models import User
from tests import factories as made

pytestmark = pytest.mark.django_db


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def judge() -> User:
    return made.make_reviewer()


@pytest.fixture
def client(judge: User) -> Client:
    return browser(judge)


@pytest.fixture
def item() -> Item:
    return made.make_reviewable_item()


def page(client: Client, item: Item, query: str = "") -> str:
    response = client.get(reverse("orders:review_item", args=[item.code]) + query)
    assert response.status_code == 200
    return str(response.content.decode())


def decide(client: Client, item: Item, what: str, **data: Any) -> Any:
    return client.post(reverse(f"orders:review_{what}", args=[item.code]), data, follow=True)


def codes(response: Any) -> list[Any]:
    return [row.item.code for row in response.context["rows"]]


class TestQueue:
    def ask(self, client: Client, **query: str) -> Any:
        return client.get(reverse("orders:review_queue"), query)

    def test_it_holds_every_homes_items_the_most_urgent_first(self, client: Client):
        late = made.make_reviewable_item(needed_at=timezone.now() + timedelta(hours=9))
        soon = made.make_reviewable_item(needed_at=timezone.now() + timedelta(hours=1))
        response = self.ask(client)
        assert codes(response) == [soon.code, late.code]
        assert soon.order.home.name in response.content.decode()

    def test_what_is_being_made_or_cancelled_does_not_wait_there(self, client: Client, item: Item):
        made.make_submitted_order()
        type(item.order).objects.filter(pk=item.order_id).update(cancelled_at=timezone.now())
        assert codes(self.ask(client)) == []

    def test_the_address_narrows_it(self, client: Client, item: Item):
        scene = made.make_reviewable_item(product="life_scene", name="박철수")
        making = made.make_submitted_order().items.get()
        assert codes(self.ask(client, product="life_scene")) == [scene.code]
        assert codes(self.ask(client, home=str(item.order.home.code))) == [item.code]
        assert codes(self.ask(client, q="ㅂㅊㅅ")) == [scene.code]
        assert codes(self.ask(client, state="producing")) == [making.code]
        assert [chip["count"] for chip in self.ask(client).context["chips"]] == [2, 1, 0, 0]

    @pytest.mark.parametrize("query", [{"state": "x"}, {"home": "x"}, {"product": "../"}, {"home": "' OR 1=1"}])
    def test_an_address_that_makes_no_sense_is_the_plain_queue(self, client: Client, item: Item, query: Any):
        assert codes(self.ask(client, **query)) == [item.code]

    def test_ten_items_cost_as_many_queries_as_one(self, client: Client, django_assert_max_num_queries: Any):
        made.make_reviewable_item()
        with django_assert_max_num_queries(30) as counted:
            self.ask(client)
        one = len(counted)
        for _number in range(3):
            made.make_reviewable_item()
        with django_assert_max_num_queries(one):
            self.ask(client)

    def test_items_being_made_cost_as_many_queries_as_one(self, client: Client, django_assert_max_num_queries: Any):
        made.make_submitted_order()
        self.ask(client, state="producing")
        with django_assert_max_num_queries(30) as counted:
            self.ask(client, state="producing")
        for _number in range(3):
            made.make_submitted_order()
        with django_assert_max_num_queries(len(counted)):
            self.ask(client, state="producing")

    def test_unchanged_it_costs_a_304(self, client: Client, item: Item):
        address = reverse("orders:review_queue_live")
        first = client.get(address)
        assert first.status_code == 200
        assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
        made.make_reviewable_item()
        assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200

    def test_the_page_itself_says_which_version_it_shows(self, client: Client, item: Item):
        version = self.ask(client).context["version"]
        assert client.get(reverse("orders:review_queue_live"), {"shown": version}).status_code == 204

    def test_progress_makes_a_new_version(self, client: Client):
        order = made.make_submitted_order()
        job = order.items.get().candidates.first().job
        type(job).objects.filter(pk=job.pk).update(state="running")
        address = reverse("orders:review_queue_live") + "?state=producing"
        before = client.get(address)["ETag"]
        progress.tell(job.pk, step=3, steps=8, started_at=timezone.now())
        after = client.get(address)
        assert after["ETag"] != before
        assert "3/8단계" in after.content.decode()


class TestItem:
    def test_it_shows_the_photo_beside_every_candidate(self, client: Client, item: Item):
        text = page(client, item)
        assert "고 김영자 님의 영정사진" in text
        photo = item.order.photos.get()
        assert reverse("orders:photo_preview", args=[photo.code, 1280]) in text
        for candidate in item.candidates.all():
            assert reverse("orders:candidate_preview", args=[candidate.code]) in text

    def test_the_face_of_the_photo_is_shown_as_large_as_the_candidates(self, client: Client, item: Item):
        item.order.photos.update(width=3000, height=4000, faces=[[0.45, 0.4, 0.1, 0.1]])
        shown = client.get(reverse("orders:review_item", args=[item.code])).context["page"]
        left, top, wide, tall = (float(part) for part in shown.originals[0].box.split())
        model = item.candidates.first().face[3]
        assert 0.1 * 4000 / tall == pytest.approx(model, abs=0.03)
        assert left >= 0
        assert top >= 0
        assert wide / tall == pytest.approx(448 / 576, abs=0.01)

    def test_it_costs_as_many_queries_with_many_candidates_as_with_few(
        self, client: Client, item: Item, django_assert_max_num_queries: Any
    ):
        page(client, item)
        with django_assert_max_num_queries(30) as counted:
            page(client, item)
        few = len(counted)
        one = made.make_reviewable_item(product="life_scene")
        page(client, one)
        with django_assert_max_num_queries(few):
            page(client, one)

    def test_unchanged_it_costs_a_304_and_a_colleagues_approval_is_news(self, client: Client, item: Item):
        address = reverse("orders:review_item_live", args=[item.code])
        version = client.get(reverse("orders:review_item", args=[item.code])).context["version"]
        assert client.get(address, {"shown": version}).status_code == 204
        tag = client.get(address)["ETag"]
        assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
        colleague = made.make_reviewer("한여름")
        decide(browser(colleague), item, "approve", candidate=item.candidates.first().code)
        news = client.get(address, headers={"If-None-Match": tag})
        assert news.status_code == 200
        assert "한여름 님이" in news.content.decode()

    def test_the_next_one_is_a_key_away(self, client: Client, item: Item):
        later = made.make_reviewable_item(needed_at=timezone.now() + timedelta(hours=9))
        shown = client.get(reverse("orders:review_item", args=[item.code])).context["place"]
        assert (shown.number, shown.total, shown.before, shown.after) == (1, 2, None, later.code)

    def test_a_video_can_be_played_muted_and_never_by_itself_with_sound(self, client: Client):
        text = page(client, made.make_reviewable_item(product="living_video"))
        assert "<video" in text
        assert "muted" in text
        assert "autoplay" not in text

    def test_an_item_being_made_shows_how_far(self, client: Client):
        item = made.make_submitted_order().items.get()
        job = item.candidates.first().job
        type(job).objects.filter(pk=job.pk).update(state="running")
        progress.tell(job.pk, step=5, steps=8, started_at=timezone.now())
        assert "5/8단계" in page(client, item)

    def test_without_consent_it_says_so(self, client: Client, item: Item):
        item.order.consents.update(withdrawn_at=timezone.now())
        assert "동의가 서 있지 않습니다" in page(client, item)


class TestDecisions:
    def test_approving_goes_on_to_the_next(self, client: Client, judge: User, item: Item):
        later = made.make_reviewable_item(needed_at=timezone.now() + timedelta(hours=9))
        response = decide(client, item, "approve", candidate=item.candidates.get(number=3).code)
        assert response.redirect_chain[-1][0] == reverse("orders:review_item", args=[later.code])
        item.refresh_from_db()
        assert item.state == "approved"
        assert item.candidates.get(number=3).approval.approved_by == judge
        assert "3번을 승인했습니다" in response.content.decode()

    def test_after_the_last_comes_the_queue(self, client: Client, item: Item):
        response = decide(client, item, "approve", candidate=item.candidates.first().code)
        assert response.redirect_chain[-1][0] == reverse("orders:review_queue")

    def test_a_refusal_is_said_in_words(self, client: Client, item: Item):
        first, second = item.candidates.all()[:2]
        decide(client, item, "approve", candidate=first.code)
        response = decide(client, item, "approve", candidate=second.code)
        assert "그 사이에 상태가 바뀌었습니다" in response.content.decode()

    def test_a_scene_is_approved_with_one_key(self, client: Client):
        scene = made.make_reviewable_item(product="life_scene")
        decide(client, scene, "approve_all")
        scene.refresh_from_db()
        assert scene.state == "approved"

    def test_a_scene_short_of_one_is_settled_on_purpose(self, client: Client):
        scene = made.make_reviewable_item(product="life_scene")
        one, two, three = scene.candidates.all()
        decide(client, scene, "reject", candidate=three.code)
        decide(client, scene, "approve_all")
        text = page(client, scene)
        assert "3장 가운데 2장만" in text
        assert "2장으로 마치기" in text
        decide(client, scene, "settle")
        scene.refresh_from_db()
        assert scene.state == "approved"
        assert Candidate.objects.get(pk=one.pk).approval
        assert Candidate.objects.get(pk=two.pk).approval

    def test_rejecting_and_restoring(self, client: Client):
        scene = made.make_reviewable_item(product="life_scene")
        first = scene.candidates.first()
        decide(client, scene, "reject", candidate=first.code, reason=" 손\x00 ")
        first.refresh_from_db()
        assert (first.state, first.reject_reason) == ("rejected", "손")
        decide(client, scene, "restore", candidate=first.code)
        first.refresh_from_db()
        assert first.state == "ready"

    def test_undoing(self, client: Client, item: Item):
        chosen = item.candidates.first()
        decide(client, item, "approve", candidate=chosen.code)
        assert "승인 되돌리기" in page(client, item)
        decide(client, item, "undo", candidate=chosen.code)
        item.refresh_from_db()
        assert item.state == "to_review"

    def test_once_the_family_has_looked_undoing_is_not_offered(self, client: Client, item: Item):
        decide(client, item, "approve", candidate=item.candidates.first().code)
        DownloadLink.objects.create(
            order=item.order, token_hash="x", visits=1, expires_at=timezone.now() + timedelta(days=1)
        )
        assert "승인 되돌리기" not in page(client, item)

    def test_sending_back_with_a_preset_and_words(self, client: Client, item: Item):
        decide(client, item, "return", preset="얼굴이 작습니다.", reason="안경도 여쭈어 주세요.")
        item.refresh_from_db()
        assert item.return_reason == "얼굴이 작습니다. 안경도 여쭈어 주세요."

    def test_making_again_counts_from_the_round_that_was_seen(self, client: Client, item: Item):
        decide(client, item, "again", round="1")
        response = decide(client, item, "again", round="1")
        assert "이미 다시 만들고 있습니다" in response.content.decode()
        item.refresh_from_db()
        assert item.round == 2

    @pytest.mark.parametrize("seen", ["", "x", "٣", "9" * 5000], ids=["none", "a word", "another script", "endless"])
    def test_a_round_that_is_no_number_makes_nothing(self, client: Client, item: Item, seen: str):
        response = decide(client, item, "again", round=seen)
        assert "이미 다시 만들고 있습니다" in response.content.decode()
        item.refresh_from_db()
        assert item.round == 1

    @pytest.mark.parametrize("data", [{}, {"candidate": "x"}, {"candidate": "../../etc"}])
    def test_a_candidate_that_is_not_there_is_404(self, client: Client, item: Item, data: Any):
        assert decide(client, item, "approve", **data).status_code == 404

    def test_another_items_candidate_is_404(self, client: Client, item: Item):
        other = made.make_reviewable_item()
        assert decide(client, item, "approve", candidate=other.candidates.first().code).status_code == 404

    @pytest.mark.parametrize(
        "what", ["approve", "approve_all", "settle", "undo", "reject", "restore", "return", "again"]
    )
    def test_a_decision_is_never_a_get_and_needs_the_token(self, judge: User, item: Item, what: str):
        address = reverse(f"orders:review_{what}", args=[item.code])
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(judge)
        assert strict.get(address).status_code == 405
        assert strict.post(address).status_code == 403
        for other in (made.make_staff(item.order.home), made.make_operator()):
            assert browser(other).post(address).status_code == 404
        assert Client().post(address).status_code == 302


class TestPictures:
    def test_only_the_home_and_reviewers_get_them(self, client: Client, item: Item):
        candidate, photo = item.candidates.first(), item.order.photos.get()
        addresses = [
            reverse("orders:candidate_file", args=[candidate.code]),
            reverse("orders:candidate_preview", args=[candidate.code]),
            reverse("orders:photo_preview", args=[photo.code, 320]),
        ]
        for address in addresses:
            assert client.get(address).status_code == 200
            assert browser(item.order.created_by).get(address).status_code == 200
            assert browser(made.make_staff()).get(address).status_code == 404
            assert browser(made.make_operator()).get(address).status_code == 404
            assert Client().get(address).status_code == 302

    def test_they_are_kept_by_nobody_but_the_browser(self, client: Client, item: Item):
        response = client.get(reverse("orders:candidate_file", args=[item.candidates.first().code]))
        assert response["Cache-Control"].startswith("private")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Type"] == "image/png"

    def test_a_video_comes_in_ranges(self, client: Client):
        candidate = made.make_reviewable_item(product="living_video").candidates.get()
        response = client.get(reverse("orders:candidate_file", args=[candidate.code]), headers={"Range": "bytes=0-99"})
        assert response.status_code == 206
        assert len(b"".join(response.streaming_content)) == 100

    def test_a_file_that_is_not_there_yet_is_404(self, client: Client):
        candidate = made.make_submitted_order().items.get().candidates.first()
        assert client.get(reverse("orders:candidate_file", args=[candidate.code])).status_code == 404

    def test_sizes_that_were_not_made_are_404(self, client: Client, item: Item):
        address = reverse("orders:photo_preview", args=[item.order.photos.get().code, 999])
        assert client.get(address).status_code == 404

    def test_nothing_of_an_erased_order_is_shown(self, client: Client, item: Item):
        type(item.order).objects.update(erased_at=timezone.now())
        assert client.get(reverse("orders:candidate_file", args=[item.candidates.first().code])).status_code == 404
