"""Photos at the desk: what is good is kept, what is bad gets its sentence, and nobody else's is touched."""

import io
import unicodedata
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client
from django.utils import timezone
from PIL import Image

from orders import photos
from orders.models import Item, Order, Photo
from portal.demo.sample_people import sample_photo
from portal.models import AuditEvent, User
from tests.factories import drawn_person, make_order, make_photo, make_submitted_order
from tests.intake.pictures import bomb_png
from tests.orders.conftest import browser_of
from tests.uploads import fill_the_disk_for_uploads

pytestmark = pytest.mark.django_db


def picture(number: int = 1, name: str = "어머니.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, drawn_person(number, (300, 400)), "image/png")


def add(browser: Client, code: UUID, *files: SimpleUploadedFile, script: bool = True) -> Any:
    headers = {"X-Requested-With": "XMLHttpRequest"} if script else {}
    return browser.post(f"/orders/{code}/photos/add/", {"photos": files}, headers=headers)


def change(browser: Client, photo: Photo, **asked: Any) -> Any:
    return browser.post(f"/orders/{photo.order.code}/photos/{photo.code}/", asked)


def stored_files() -> list[Path]:
    return [path for path in Path(settings.STORAGE_ROOT).rglob("*") if path.is_file()]


def test_a_photo_is_kept_with_its_previews_and_shown(desk: Client, alice: User) -> None:
    order = make_order(alice)
    assert add(desk, order.code, picture()).status_code == 201
    photo = order.photos.get()
    assert (photo.given_name, photo.position, photo.added_by) == ("어머니.png", 1, alice)
    assert {*photo.previews} == {"320", "1280"}
    shown = desk.get(f"/photos/{photo.code}/320/")
    assert shown["Content-Type"] == "image/webp"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Cache-Control"].startswith("private")
    assert f"/photos/{photo.code}/320/" in desk.get(f"/orders/{order.code}/photos/").content.decode()
    assert AuditEvent.objects.filter(action="photo.added", subject=order.code, actor=alice).count() == 1


def test_a_photo_may_be_the_first_thing_that_comes(desk: Client) -> None:
    code = uuid4()
    assert add(desk, code, picture()).status_code == 201
    assert Order.objects.get(code=code).photos.count() == 1


def test_a_bad_file_gets_its_sentence_and_the_others_survive(desk: Client, alice: User) -> None:
    order = make_order(alice)
    files = [
        picture(1, "하나.png"),
        SimpleUploadedFile("웹.jpg", b"<html><script>alert(1)</script></html>", "image/jpeg"),
        SimpleUploadedFile("빈.jpg", b"", "image/jpeg"),
        SimpleUploadedFile("반.png", drawn_person(2, (300, 400))[:2000], "image/png"),
        picture(3, "셋.png"),
    ]
    answer = add(desk, order.code, *files, script=False)
    assert answer.url == f"/orders/{order.code}/#photos"
    assert [photo.given_name for photo in order.photos.all()] == ["하나.png", "셋.png"]
    page = desk.get(f"/orders/{order.code}/").content.decode()
    assert "웹.jpg: 사진 파일이 아닙니다." in page
    assert "빈.jpg: 빈 파일입니다." in page
    assert "반.png: " in page


def test_a_script_is_answered_with_the_sentence_alone(desk: Client, alice: User) -> None:
    answer = add(desk, make_order(alice).code, SimpleUploadedFile("x.jpg", b"GIF89a no", "image/jpeg"))
    assert answer.status_code == 422
    assert answer["Content-Type"].startswith("text/plain")
    assert answer.content.decode().endswith("주세요.")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (sample_photo(0, 0)[:100_000], "파일이 끝까지 들어 있지 않습니다."),
        (bomb_png(60_000, 60_000), "사진이 너무 큽니다."),
        (b"<!doctype html><title>a page, not a photo</title>", "사진 파일이 아닙니다."),
        (b"", "빈 파일입니다."),
    ],
    ids=["truncated JPEG", "60,000 × 60,000 PNG", "HTML named .jpg", "0 bytes"],
)
def test_a_file_that_is_no_whole_photo_is_refused_in_words_and_leaves_nothing(
    desk: Client, alice: User, data: bytes, why: str
) -> None:
    order = make_order(alice)
    answer = add(desk, order.code, SimpleUploadedFile("어머니.jpg", data, "image/jpeg"))
    assert (answer.status_code, answer.content.decode().startswith(why)) == (422, True)
    assert not order.photos.exists()
    assert stored_files() == []


def test_a_photo_sent_with_a_wrong_csrf_token_is_not_looked_at(alice: User) -> None:
    order = make_order(alice)
    browser = browser_of(alice, enforce_csrf_checks=True)
    sent = {"photos": [picture()], "csrfmiddlewaretoken": "x" * 64}
    assert browser.post(f"/orders/{order.code}/photos/add/", sent).status_code == 403
    assert not order.photos.exists()
    assert stored_files() == []


def test_nothing_is_kept_of_a_refused_file(desk: Client, alice: User) -> None:
    add(desk, make_order(alice).code, SimpleUploadedFile("x.jpg", b"\xff\xd8\xff broken", "image/jpeg"))
    assert stored_files() == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\사진\\어머니.png", "어머니.png"),
        (unicodedata.normalize("NFD", "할머니 사진.png"), "할머니 사진.png"),
        ("가" * 300 + ".png", "가" * 196 + ".png"),
    ],
)
def test_a_name_is_shown_and_never_a_path(desk: Client, alice: User, name: str, kept: str) -> None:
    order = make_order(alice)
    assert add(desk, order.code, picture(name=name)).status_code == 201
    photo = order.photos.get()
    assert photo.given_name == kept
    assert photo.master.startswith(f"orders/{order.code}/photos/{photo.code}/")


def test_a_200_mb_file_is_stopped_on_its_way(
    desk: Client, alice: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("django.conf.settings.FILE_UPLOAD_TEMP_DIR", str(tmp_path))

    class Endless(io.BytesIO):
        name = "큰.jpg"
        left, most_on_disk = 200 * 1024 * 1024, 0

        def read(self, size: int | None = -1) -> bytes:
            taken = min(self.left, size if size and size > 0 else self.left)
            self.left -= taken
            return b"\xff" * taken

    order = make_order(alice)
    answer = add(desk, order.code, Endless())  # type: ignore[arg-type]  # a file as far as the test client looks
    assert answer.status_code == 422
    assert "60 MB까지" in answer.content.decode()
    assert list(tmp_path.iterdir()) == []
    assert stored_files() == []


@pytest.fixture
def on_the_disk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of uploads went to the disk, chunk by chunk."""
    written: list[int] = []
    write = TemporaryFileUploadHandler.receive_data_chunk

    def counted(handler: TemporaryFileUploadHandler, raw_data: bytes, start: int) -> None:
        written.append(len(raw_data))
        write(handler, raw_data, start)

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", counted)
    monkeypatch.setattr("django.conf.settings.FILE_UPLOAD_MAX_MEMORY_SIZE", 0)
    return written


@pytest.mark.parametrize("page", ["photos/add/", "consent/", "save/"])
def test_of_a_stranger_nothing_goes_to_the_disk(alice: User, on_the_disk: list[int], page: str) -> None:
    """Django looks for the token against forgery in the form, and reads all of it before anybody is asked for."""
    order = make_order(alice)
    nobody = Client(enforce_csrf_checks=True)
    nobody.cookies["csrftoken"] = "a" * 32
    sent = {"csrfmiddlewaretoken": "a" * 32, "photos": [picture(), picture(2)], "scan": picture(3)}
    answer = nobody.post(f"/orders/{order.code}/{page}", sent)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/accounts/login/")
    assert sum(on_the_disk) == 0


def test_of_staff_it_does(desk: Client, alice: User, on_the_disk: list[int]) -> None:
    order = make_order(alice)
    assert add(desk, order.code, picture(), script=False).status_code == 302
    assert sum(on_the_disk) > 0
    assert order.photos.count() == 1


def test_a_file_that_the_disk_for_uploads_does_not_hold_gets_its_sentence(
    desk: Client, alice: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    order = make_order(alice)
    fill_the_disk_for_uploads(monkeypatch, tmp_path, after=1)
    add(desk, order.code, picture(), picture(2, "아버지.png"), picture(3, "할머니.png"), script=False)
    page = desk.get(f"/orders/{order.code}/").content.decode()
    for name in ("아버지.png", "할머니.png"):
        assert f"{name}: 저장 공간이 부족해 사진을 받지 못했습니다." in page
    assert [photo.given_name for photo in order.photos.all()] == ["어머니.png"]
    assert list(tmp_path.iterdir()) == []


def test_a_scan_that_the_disk_for_uploads_does_not_hold_gets_its_sentence(
    desk: Client, alice: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    order = make_order(alice)
    fill_the_disk_for_uploads(monkeypatch, tmp_path, after=0)
    answer = desk.post(f"/orders/{order.code}/consent/", {"method": "paper", "scan": picture()})
    assert answer.status_code == 422
    assert "저장 공간이 부족해 사진을 받지 못했습니다." in answer.content.decode()


def test_the_same_photo_again_is_recognised(desk: Client, alice: User) -> None:
    order = make_order(alice)
    add(desk, order.code, picture(7))
    answer = add(desk, order.code, picture(7, "다른 이름.png"))
    assert (answer.status_code, answer.content.decode()) == (422, "이미 올린 사진입니다. (1번 사진)")
    assert order.photos.count() == 1
    assert len(stored_files()) == 3


def test_no_file_at_all_is_said(desk: Client, alice: User) -> None:
    order = make_order(alice)
    assert add(desk, order.code).status_code == 422
    add(desk, order.code, script=False)
    assert "사진을 먼저 골라 주세요." in desk.get(f"/orders/{order.code}/").content.decode()


def test_photos_are_put_in_order_and_taken_out(
    desk: Client, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    order = make_order(alice, photos=3)
    first, second, third = order.photos.all()
    change(desk, third, to="1")
    assert list(order.photos.all()) == [third, first, second]
    change(desk, third, to="99")
    assert list(order.photos.all()) == [first, second, third]
    with django_capture_on_commit_callbacks(execute=True):
        change(desk, second, remove="1")
    assert list(order.photos.all()) == [first, third]
    assert not any(str(second.code) in str(path) for path in stored_files())
    assert AuditEvent.objects.filter(action="photo.removed", subject=order.code).count() == 1


def test_the_face_that_is_meant_is_chosen(desk: Client, alice: User) -> None:
    order = make_order(alice)
    photo = make_photo(order, faces=[[0.1, 0.1, 0.2, 0.2], [0.6, 0.1, 0.2, 0.2]], main_face=0, shows_others=True)
    change(desk, photo, face="1")
    photo.refresh_from_db()
    assert photo.main_face == 1
    assert change(desk, photo, face="2").status_code == 404
    change(desk, photo, others="no")
    photo.refresh_from_db()
    assert not photo.shows_others
    page = desk.get(f"/orders/{order.code}/").content.decode()
    assert page.count("<rect") == 2


def test_who_ordered_them_chose_a_face_and_said_who_is_in_it_is_written_down(desk: Client, alice: User) -> None:
    order = make_order(alice, photos=2)
    Photo.objects.update(faces=[[0.3, 0.2, 0.4, 0.38], [0.7, 0.2, 0.2, 0.2]])
    photo = order.photos.first()
    assert photo is not None
    for asked in ({"to": "2"}, {"face": "1"}, {"others": "yes"}, {"face": "7"}):
        change(desk, photo, **asked)
    written = AuditEvent.objects.filter(subject=order.code, actor=alice, action__startswith="photo.").order_by("pk")
    assert [(event.action, event.details) for event in written] == [
        ("photo.placed", {"photo": str(photo.code), "number": 2}),
        ("photo.face_chosen", {"photo": str(photo.code)}),
        ("photo.others_said", {"photo": str(photo.code), "shown": True}),
    ]


def test_a_face_is_not_chosen_once_it_is_being_made(alice: User) -> None:
    """The order's row decides, not what the page knew."""
    order = make_order(alice, photos=1)
    photo = order.photos.select_related("order").get()
    Order.objects.update(submitted_at=timezone.now())
    assert not photos.choose_face(photo, 0, by=alice, request=None)
    assert not photos.choose_face_by_family(photo, 0, request=None)
    Order.objects.update(submitted_at=None)
    assert photos.choose_face_by_family(photo, 0, request=None)
    assert AuditEvent.objects.get(action="photo.face_chosen").actor_kind == "family"


def test_a_print_of_several_people_is_noticed(desk: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from orders import intake

    order = make_order(alice)
    faces = ((0.1, 0.1, 0.2, 0.2), (0.6, 0.1, 0.2, 0.2))
    look = intake.look_at(Image.new("RGB", (10, 10)))
    monkeypatch.setattr(intake, "look_at", lambda picture: type(look)(faces, 0, (intake.Advice.SEVERAL_FACES,)))
    add(desk, order.code, picture())
    assert order.photos.get().shows_others
    assert "여러 분이 함께" in desk.get(f"/orders/{order.code}/").content.decode()


def test_while_it_is_made_photos_stay_as_they_are(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    photo = order.photos.get()
    assert add(desk, order.code, picture(9)).status_code == 422
    assert change(desk, photo, remove="1").status_code == 404
    assert order.photos.count() == 1


def test_what_came_back_takes_another_photo(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    Item.objects.filter(order=order).update(state="returned", return_code="no_face")
    assert add(desk, order.code, picture(9)).status_code == 201
    change(desk, order.photos.last(), to="1")
    assert order.photos.first().given_name == "어머니.png"


def test_there_is_an_end_to_how_many(desk: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.photos.MOST", 1)
    order = make_order(alice, photos=1)
    assert "1장까지" in add(desk, order.code, picture()).content.decode()


def test_strangers_touch_nothing(alice: User, bob: User, strangers: list[Client]) -> None:
    order = make_order(alice, photos=1)
    photo = order.photos.get()
    for stranger in strangers:
        assert add(stranger, order.code, picture(5)).status_code == 404
        assert change(stranger, photo, remove="1").status_code == 404
        assert stranger.get(f"/orders/{order.code}/photos/").status_code == 404
        assert stranger.get(f"/photos/{photo.code}/320/").status_code == 404
    assert order.photos.count() == 1
    assert len(stored_files()) == 3
    assert browser_of(bob).get(f"/photos/{photo.code}/320/").status_code == 200


def test_a_photo_of_another_order_is_not_reached_through_ones_own(desk: Client, alice: User, charlie: User) -> None:
    own, foreign = make_order(alice, photos=1), make_order(charlie, photos=1)
    assert desk.post(f"/orders/{own.code}/photos/{foreign.photos.get().code}/", {"remove": "1"}).status_code == 404
