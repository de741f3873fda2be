"""A family sends photos by a link: whole by a plain form, in pieces by script; what goes wrong keeps nothing."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import arriving, photos
from orders.models import Arrival, FamilyLink, Item, Photo
from portal import limits
from portal.models import AuditEvent
from portal.rates import PORTAL
from tests.factories import drawn_person, make_photo
from tests.family.phones import Phone, picture, stored_files
from tests.orders.people import make_order


@pytest.fixture
def draft(alice):
    return make_order(alice)


@pytest.fixture
def phone(draft, alice):
    return Phone(draft, alice)


def test_the_page_asks_for_photos_and_names_nobody_in_its_card(phone):
    page = phone.browser.get(phone.url)
    words = page.content.decode()
    assert "고 김영자 님의" in words
    assert "모두 20장까지" in words
    head = words.partition("<body")[0]
    assert "og:title" in head
    assert "김영자" not in head
    assert phone.token not in head
    assert not page.cookies
    assert "style=" not in words


def test_a_plain_form_brings_several_and_says_of_each_that_is_refused_why(phone):
    bad = SimpleUploadedFile("청구서.jpg", b"<html>", "image/jpeg")
    answer = phone.post(picture(1), bad, picture(2, "아버지.png"))
    assert answer.status_code == 422
    assert "청구서.jpg: 사진 파일이 아닙니다." in answer.content.decode()
    assert [photo.given_name for photo in phone.order.photos.all()] == ["어머니.png", "아버지.png"]
    assert {photo.family_link for photo in phone.order.photos.all()} == {phone.link}
    phone.link.refresh_from_db()
    assert phone.link.uses == 2
    added = AuditEvent.objects.filter(action="photo.added", subject=phone.order.code)
    assert {event.actor_kind for event in added} == {"family"}
    page = phone.browser.get(phone.url).content.decode()
    assert page.count("잘 받았습니다") == 2


def test_all_well_leads_back_to_the_page_so_that_a_reload_sends_nothing_twice(phone):
    assert phone.post(picture()).status_code == 302
    again = phone.post(picture())
    assert again.status_code == 422
    assert "이미 받은 사진입니다." in again.content.decode()
    assert phone.order.photos.count() == 1


def test_nothing_chosen_is_said(phone):
    assert "사진을 먼저 골라 주세요." in phone.post().content.decode()


def test_a_link_shows_what_came_by_it_and_nothing_else(phone, alice):
    theirs = make_photo(phone.order)
    other = Phone(phone.order, alice)
    other.post(picture(5))
    foreign = other.link.photos.get()
    page = phone.browser.get(phone.url).content.decode()
    for photo in (theirs, foreign):
        assert str(photo.code) not in page
        assert phone.browser.get(f"{phone.url}{photo.code}/picture/").status_code == 404
        assert phone.browser.post(f"{phone.url}{photo.code}/", {"remove": "1"}).status_code == 404
    assert other.browser.get(f"{other.url}{foreign.code}/picture/").status_code == 200


def test_the_right_face_is_tapped_when_there_are_several(phone):
    faces = [[0.1, 0.2, 0.2, 0.2], [0.5, 0.2, 0.2, 0.2]]
    photo = make_photo(phone.order, family_link=phone.link, faces=faces, main_face=0)
    page = phone.browser.get(phone.url).content.decode()
    assert page.count('name="face"') == 2
    answer = phone.browser.post(f"{phone.url}{photo.code}/", {"face": "1"})
    assert answer["Location"] == f"{phone.url}#photo-{photo.code}"
    photo.refresh_from_db()
    assert photo.main_face == 1
    assert phone.browser.post(f"{phone.url}{photo.code}/", {"face": "2"}).status_code == 404
    assert phone.browser.post(f"{phone.url}{photo.code}/", {"face": "-1"}).status_code == 404


def test_advice_is_gentle_and_keeps_nothing_out(phone):
    phone.post(picture())
    page = phone.browser.get(phone.url).content.decode()
    assert "더 가까이 찍은 사진이 있으면 좋습니다" in page or "원본 화질로 다시 받은 사진이 있으면 좋습니다" in page


def test_a_photo_is_taken_out_again_with_its_files(phone, django_capture_on_commit_callbacks):
    phone.post(picture())
    photo = phone.order.photos.get()
    with django_capture_on_commit_callbacks(execute=True):
        assert phone.browser.post(f"{phone.url}{photo.code}/", {"remove": "1"}).status_code == 302
    assert not Photo.objects.exists()
    assert not stored_files()


def test_while_it_is_made_nothing_comes_and_nothing_goes(phone):
    phone.post(picture())
    photo = phone.order.photos.get()
    type(phone.order).objects.update(submitted_at=timezone.now())
    Item.objects.update(state=Item.State.PRODUCING, round=1)
    page = phone.browser.get(phone.url).content.decode()
    assert "사진을 더 받지 않습니다" in page
    assert 'type="file"' not in page
    assert phone.post(picture(2)).status_code == 422
    assert phone.browser.post(f"{phone.url}{photo.code}/", {"remove": "1"}).status_code == 404
    assert phone.begin(drawn_person(3, (300, 400))).status_code == 422
    assert phone.order.photos.count() == 1


# In pieces.


def test_pieces_make_the_very_photo_and_leave_no_piece(phone, django_capture_on_commit_callbacks):
    data = drawn_person(3, (300, 400))
    with django_capture_on_commit_callbacks(execute=True):
        answer = phone.send(data)
    assert answer.status_code == 200
    told = answer.json()
    photo = phone.order.photos.get()
    assert f"photo-{photo.code}" in told["photo"]
    assert (photo.given_name, photo.byte_count) == ("어머니.jpg", len(data))
    assert not (Path(settings.STORAGE_ROOT) / phone.order.folder / "arriving").exists()
    assert phone.browser.get(phone.url).content.decode().count("잘 받았습니다") == 1


def test_a_lost_connection_goes_on_from_what_the_server_has(phone):
    data = drawn_person(3, (600, 800))
    code = phone.begin(data).json()["code"]
    assert phone.piece(code, data, 0, 3000).json()["offset"] == 3000
    # The answer was lost: the same piece again, and one too far ahead.
    for first, last in ((0, 3000), (3500, 4000)):
        answer = phone.piece(code, data, first, last)
        assert (answer.status_code, answer.json()["offset"]) == (409, 3000)
    assert phone.browser.get(f"{phone.url}send/{code}/").json()["offset"] == 3000
    # The page was closed and the same file chosen again.
    again = phone.begin(data).json()
    assert (again["code"], again["offset"]) == (code, 3000)
    assert "photo" in phone.piece(code, data, 3000, len(data)).json()
    # And the last answer was lost as well.
    assert "photo" in phone.piece(code, data, 3000, len(data)).json()
    assert "photo" in phone.begin(data).json()
    assert phone.order.photos.count() == 1


def test_what_a_crash_left_beyond_the_count_is_written_over(phone):
    data = drawn_person(3, (300, 400))
    code = phone.begin(data).json()["code"]
    phone.piece(code, data, 0, 1000)
    path = Path(settings.STORAGE_ROOT) / Arrival.objects.get().file
    with path.open("ab") as file:
        file.write(b"half a piece")
    assert "photo" in phone.piece(code, data, 1000, len(data)).json()


def test_a_piece_that_says_one_length_and_brings_another_is_refused(phone):
    data = drawn_person(3, (300, 400))
    code = phone.begin(data).json()["code"]
    assert phone.piece(code, data, 0, 1000, **{"Content-Range": "bytes 0-1998/9999"}).status_code == 400
    assert phone.piece(code, data, 0, 1000, **{"Content-Range": "nonsense"}).status_code == 400
    assert Arrival.objects.get().received == 0


def test_a_piece_that_says_a_length_below_nothing_is_not_read(phone):
    """A length of ten digits was read as "unknown", and with it the whole body into memory."""
    data = drawn_person(3, (300, 400))
    code = phone.begin(data).json()["code"]
    answer = phone.browser.put(
        f"{phone.url}send/{code}/",
        data,
        content_type="application/octet-stream",
        headers={"Content-Range": "bytes 2-0/9999"},
        CONTENT_LENGTH="1000000000",
    )
    assert answer.status_code == 400


def test_more_than_was_promised_is_not_taken(phone):
    data = drawn_person(3, (300, 400))
    code = phone.begin(data[:1000]).json()["code"]
    assert phone.piece(code, data, 0, 1500).status_code == 409
    assert not stored_files()


def test_a_piece_that_is_no_photo_keeps_nothing(phone):
    answer = phone.send(b"not a picture at all" * 300)
    assert answer.status_code == 422
    assert answer.content.decode().startswith("사진 파일이 아닙니다.")
    assert not Arrival.objects.exists()
    assert not stored_files()


def test_a_photo_taken_out_may_be_sent_again(phone):
    data = drawn_person(3, (300, 400))
    phone.send(data)
    photos.remove_by_family(phone.order.photos.get(), request=None)
    assert "photo" in phone.send(data).json()
    assert phone.order.photos.count() == 1


def test_another_links_arrival_is_not_there(phone, draft, alice):
    data = drawn_person(3, (300, 400))
    code = phone.begin(data).json()["code"]
    other = Phone(draft, alice)
    assert other.piece(code, data, 0, 1000).status_code == 404
    assert other.browser.get(f"{other.url}send/{code}/").status_code == 404


# Limits, each with its sentence.


def test_so_many_and_no_more(draft, alice):
    phone = Phone(draft, alice, max_uses=2)
    answer = phone.post(picture(1), picture(2), picture(3))
    assert "이 주소로는 사진을 2장까지 올리실 수 있습니다." in answer.content.decode()
    assert phone.order.photos.count() == 2
    assert phone.begin(drawn_person(9, (300, 400))).status_code == 422
    page = phone.browser.get(phone.url).content.decode()
    assert "모두 올리셨습니다" in page
    assert 'type="file"' not in page


def test_so_many_bytes_and_no_more(phone, monkeypatch, settings):
    data = drawn_person(3, (300, 400))
    monkeypatch.setattr(arriving, "MOST_BYTES", len(data) + 10)
    phone.send(data)
    refused = phone.begin(drawn_person(4, (300, 400)), mark="2")
    assert refused.status_code == 422
    assert refused.content.decode().startswith("이 주소로는 모두 합쳐")
    assert "모두 합쳐" in phone.post(picture(4)).content.decode()
    settings.UPLOAD_MAX_BYTES = 500
    assert phone.begin(data, mark="3").content.decode().startswith("파일이 너무 큽니다.")
    assert phone.begin(b"", mark="4").content.decode().startswith("빈 파일입니다.")


@pytest.fixture
def clock(monkeypatch):
    """Set to the beginning of a window of the rates."""

    class Clock:
        now = 1_800_000_000 // 86400 * 86400.0

    monkeypatch.setattr(limits.time, "time", lambda: Clock.now)
    return Clock


def use_up_the_hour(phone):
    while not limits.seconds_until_next("upload_of_link", str(phone.link.code)):
        limits.allow("upload_of_link", str(phone.link.code))


def test_so_many_an_hour_and_then_again_when_it_was_said(phone, clock):
    begun, new = drawn_person(3, (300, 400)), drawn_person(4, (300, 400))
    code = phone.begin(begun, mark="begun").json()["code"]
    phone.piece(code, begun, 0, 1000)
    use_up_the_hour(phone)
    for _ in range(5):
        refused = phone.begin(new, mark="new")
        assert refused.status_code == 429
        assert "부터 다시 올리실 수 있습니다." in refused.content.decode()
    # What was begun before goes on.
    assert phone.begin(begun, mark="begun").json()["offset"] == 1000
    assert "photo" in phone.piece(code, begun, 1000, len(begun)).json()
    # Nobody's trying has moved the end on.
    clock.now += int(refused["Retry-After"])
    assert phone.begin(new, mark="new").status_code == 201


def test_what_is_refused_at_once_counts_as_nothing(phone, clock, settings):
    settings.UPLOAD_MAX_BYTES = 500
    for number in range(2 * PORTAL["upload_of_link"].times):
        assert phone.begin(b"x" * 501, mark=str(number)).status_code == 422
    assert phone.begin(b"x" * 500).status_code == 201


def test_the_rest_of_a_form_that_is_too_many_is_said_photo_by_photo(phone, clock, monkeypatch):
    monkeypatch.setitem(PORTAL, "upload_of_link", replace(PORTAL["upload_of_link"], times=1))
    answer = phone.post(picture(1), picture(2, "아버지.png"), picture(3, "할머니.png"))
    assert answer.status_code == 422
    for name in ("아버지.png", "할머니.png"):
        assert f"{name}: 한 시간에 받는 사진 수를 넘었습니다." in answer.content.decode()
    assert "잘 받았습니다" in answer.content.decode()
    assert [photo.given_name for photo in phone.order.photos.all()] == ["어머니.png"]


def test_so_many_at_once_and_no_more(phone):
    for number in range(arriving.MOST_AT_ONCE):
        assert phone.begin(b"x" * 100, mark=str(number)).status_code == 201
    assert phone.begin(b"x" * 100, mark="one more").status_code == 422


def test_so_long_and_no_longer(phone):
    data = drawn_person(3, (300, 400))
    code = phone.begin(data).json()["code"]
    FamilyLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert phone.piece(code, data, 0, 1000).status_code == 404
    assert arriving.forget_stale() == 1
    assert not Arrival.objects.exists()


def test_what_nobody_goes_on_with_is_forgotten(phone):
    data = drawn_person(3, (300, 400))
    code = phone.begin(data).json()["code"]
    phone.piece(code, data, 0, 1000)
    assert arriving.forget_stale() == 0
    Arrival.objects.update(touched_at=timezone.now() - timedelta(hours=25))
    assert arriving.forget_stale() == 1
    assert not stored_files()


# What staff see.


def test_staff_see_it_come_without_loading_the_page_again(phone, alice):
    desk = Client()
    desk.force_login(alice)
    page = desk.get(f"/orders/{phone.order.code}/").content.decode()
    assert re.search(r'id="photo-list"[^>]*every 5s', page)
    first = desk.get(f"/orders/{phone.order.code}/photos/")
    tag = {"If-None-Match": first["ETag"]}
    assert desk.get(f"/orders/{phone.order.code}/photos/", headers=tag).status_code == 304
    phone.post(picture())
    then = desk.get(f"/orders/{phone.order.code}/photos/", headers=tag)
    assert then.status_code == 200
    assert then["HX-Trigger"] == "draft-changed"
    assert str(phone.order.photos.get().code) in then.content.decode()
    assert "20 가운데 1 씀" in then.content.decode()


def test_the_page_asks_no_more_of_the_database_for_more_photos(phone, django_assert_num_queries):
    make_photo(phone.order, family_link=phone.link)
    with CaptureQueriesContext(connection) as before:
        phone.browser.get(phone.url)
    for _ in range(3):
        make_photo(phone.order, family_link=phone.link)
    with django_assert_num_queries(len(before)):
        phone.browser.get(phone.url)


def test_forms_work_without_a_cookie_and_from_a_page_that_sends_no_referrer(phone):
    """A browser posts from such a page with the origin "null"; the token in the address is what a forger lacks."""
    phone.browser = Client(enforce_csrf_checks=True)
    answer = phone.browser.post(phone.url, {"photos": [picture()]}, headers={"Origin": "null"})
    assert answer.status_code == 302
    assert not answer.cookies
    assert phone.order.photos.count() == 1
