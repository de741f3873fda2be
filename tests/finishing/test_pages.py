"""What staff and reviewers do with what was approved: cut it otherwise, try again, look, take it to the print shop."""

import io
import zipfile
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from gpujobs.models import Instance
from orders import production, retention, review
from orders.models import Approval, Deliverable, Finish, Item
from portal.models import AuditEvent, User
from tests import factories as made

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_small_print")]


@pytest.fixture
def staff() -> User:
    return made.make_staff()


@pytest.fixture
def item(staff: User) -> Item:
    item = made.make_reviewable_item(staff)
    (approval,) = review.approve([item.candidates.all()[0]], by=made.make_reviewer(), request=None)
    made.finish_files(approval)
    item.refresh_from_db()
    return item


@pytest.fixture
def desk(staff: User) -> Client:
    return browser_of(staff)


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def finish_of(item: Item) -> Finish:
    return Finish.objects.get(approval__candidate__item=item)


class TestOrderPage:
    def test_it_lists_the_files_with_the_sheet(self, desk: Client, item: Item):
        page = desk.get(f"/orders/{item.order.code}/").content.decode()
        assert "고 김영자 님 영정사진 3.5x5인치.jpg" in page
        assert "인쇄소용 모두 받기" in page
        assert f"/files/{Deliverable.objects.get(variant='sheet').code}/preview/" in page
        assert "크게 만들 장비가 없어" in page

    def test_it_shows_how_far_it_is(self, desk: Client, item: Item):
        Finish.objects.update(state="cutting", done=2, total=6)
        page = desk.get(f"/orders/{item.order.code}/live/").content.decode()
        assert "인쇄용과 화면용 파일을 만들고 있습니다 · 3/6" in page
        assert 'value="33"' in page

    def test_what_no_gpu_enlarged_can_be_asked_for_again_once_there_is_one(
        self, desk: Client, item: Item, django_capture_on_commit_callbacks: Any
    ):
        assert "장비로 다시 크게 만들기" in desk.get(f"/orders/{item.order.code}/").content.decode()
        answer = desk.post(f"/items/{item.code}/finish/", {"enlarge": "1"}, follow=True)
        assert "지금도 맡길 장비가 없습니다." in answer.content.decode()
        assert finish_of(item).state == "finished"
        Instance.objects.update(workflows=["print_master"])
        with django_capture_on_commit_callbacks() as sent:
            desk.post(f"/items/{item.code}/finish/", {"enlarge": "1"})
        assert (finish_of(item).state, finish_of(item).without_gpu) == ("waiting", False)
        assert len(sent) == 1

    def test_what_a_gpu_did_enlarge_is_not_offered_again(self, desk: Client, item: Item):
        Finish.objects.update(master="orders/x/master.png", remarks=[])
        assert "장비로 다시 크게 만들기" not in desk.get(f"/orders/{item.order.code}/").content.decode()

    def test_a_failure_says_what_happened_and_offers_to_try_again(
        self, desk: Client, item: Item, django_capture_on_commit_callbacks: Any
    ):
        Finish.objects.update(state="failed", fault="not_signed")
        assert "파일에 서명하지 못했습니다." in desk.get(f"/orders/{item.order.code}/").content.decode()
        with django_capture_on_commit_callbacks() as sent:
            assert desk.post(f"/items/{item.code}/finish/").status_code == 302
        assert finish_of(item).state == "waiting"
        assert len(sent) == 1
        assert AuditEvent.objects.filter(action="approval.finished_again").exists()

    def test_trying_again_what_did_not_fail_changes_nothing(self, desk: Client, item: Item):
        before = finish_of(item).run
        desk.post(f"/items/{item.code}/finish/")
        assert (finish_of(item).state, finish_of(item).run) == ("finished", before)


class TestReviewPage:
    def test_a_failure_is_told_to_the_reviewer_too(self, item: Item):
        Finish.objects.update(state="failed", fault="video")
        page = browser_of(made.make_reviewer()).get(f"/review/{item.code}/").content.decode()
        assert "영상을 만들지 못했습니다." in page
        assert f"/items/{item.code}/finish/" in page


class TestCutting:
    def test_the_numbers_say_how_it_is_cut_now(self, desk: Client, item: Item):
        page = desk.get(f"/items/{item.code}/cut/").content.decode()
        assert 'name="eyes" min="20" max="60" step="1" value="40"' in page
        assert 'name="x" min="25" max="75" step="1" value="50"' in page
        assert "/cut/3.5x5/?head=" in page

    def test_a_choice_is_kept_written_down_and_made(
        self, desk: Client, item: Item, django_capture_on_commit_callbacks: Any
    ):
        with django_capture_on_commit_callbacks() as sent:
            answer = desk.post(f"/items/{item.code}/cut/", {"head": "50", "eyes": "36", "x": "55", "ribbon": "on"})
        assert answer.status_code == 302
        item.refresh_from_db()
        assert item.cut == {"head": 0.5, "eyes": 0.36, "x": 0.55, "ribbon": True}
        assert finish_of(item).state == "waiting"
        assert len(sent) == 1
        assert AuditEvent.objects.get(action="item.cut").details["cut"] == item.cut
        assert Approval.objects.filter(candidate__item=item).exists()
        assert Deliverable.objects.filter(item=item).exists(), "the earlier files stay until the new ones are there"
        page = desk.get(f"/items/{item.code}/cut/").content.decode()
        assert 'value="36"' in page
        assert "checked" in page

    def test_a_head_size_left_alone_stays_free_to_differ(self, desk: Client, item: Item):
        page = desk.get(f"/items/{item.code}/cut/")
        usual = page.context["numbers"]
        desk.post(f"/items/{item.code}/cut/", usual | {"eyes": "42"})
        item.refresh_from_db()
        assert (item.cut["head"], item.cut["eyes"]) == (None, 0.42)

    def test_it_goes_back_to_the_usual(self, desk: Client, item: Item):
        Item.objects.update(cut={"head": 0.5, "eyes": 0.3, "x": 0.5, "ribbon": True})
        desk.post(f"/items/{item.code}/cut/", {"head": "50", "eyes": "30", "x": "50", "usual": "yes"})
        item.refresh_from_db()
        assert item.cut == {}

    def test_the_result_is_shown_before_it_is_made(self, desk: Client, item: Item):
        answer = desk.get(f"/items/{item.code}/cut/3.5x5/", {"head": "50", "eyes": "30", "x": "50"})
        assert answer["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size == (504, 720)
        assert desk.get(f"/items/{item.code}/cut/no-such/").status_code == 404

    @pytest.mark.parametrize("asked", [{"head": "nan"}, {"head": "1e999", "eyes": "-5", "x": "x"}, {}])
    def test_numbers_that_are_none_do_no_harm(self, desk: Client, item: Item, asked: dict[str, str]):
        assert desk.get(f"/items/{item.code}/cut/screen-wide/", asked).status_code == 200
        assert desk.post(f"/items/{item.code}/cut/", asked).status_code == 302

    def test_without_consent_nothing_is_cut_anew(self, desk: Client, item: Item):
        production.withdraw(item.order, by=item.order.created_by, reason="", request=None)
        desk.post(f"/items/{item.code}/cut/", {"head": "50", "eyes": "36", "x": "55"})
        item.refresh_from_db()
        assert item.cut == {}

    def test_under_a_hold_no_file_gives_way_to_another(self, desk: Client, item: Item):
        retention.place_hold(item.order, reason="소송", by=item.order.created_by)
        said = desk.post(f"/items/{item.code}/cut/", {"head": "50", "eyes": "36", "x": "55"}, follow=True)
        assert "법적 보존이 걸려 있어" in said.content.decode()
        item.refresh_from_db()
        assert item.cut == {}

    def test_only_an_approved_portrait_has_it(self, desk: Client, staff: User):
        waiting = made.make_reviewable_item(staff, name="박철수")
        assert desk.get(f"/items/{waiting.code}/cut/").status_code == 404


class TestPrintShop:
    def test_the_zip_holds_the_prints_and_the_sheet_and_is_written_down(self, desk: Client, item: Item):
        answer = desk.get(f"/orders/{item.order.code}/print.zip")
        body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        assert len(body) == int(answer["Content-Length"])
        names = zipfile.ZipFile(io.BytesIO(body)).namelist()
        assert names == ["고 김영자 님 영정사진 3.5x5인치.jpg", "고 김영자 님 영정사진 미리보기.jpg"]
        assert AuditEvent.objects.get(action="print_shop.taken").details["files"] == 2

    def test_nothing_leaves_once_consent_is_withdrawn(self, desk: Client, item: Item):
        file = Deliverable.objects.first()
        assert file is not None
        assert desk.get(f"/files/{file.code}/").status_code == 200
        production.withdraw(item.order, by=item.order.created_by, reason="", request=None)
        assert desk.get(f"/orders/{item.order.code}/print.zip").status_code == 404
        assert desk.get(f"/files/{file.code}/").status_code == 404
