import hashlib
import re
import shutil
import subprocess
import unicodedata
import zipfile
from datetime import timedelta
from io import BytesIO
from urllib.parse import unquote

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Approval, Deliverable, Download, DownloadLink, Item
from portal.models import AuditEvent
from tests.family.making import PICTURE, VIDEO, approved_order, make_deliverable


def body_of(response):
    return b"".join(response.streaming_content)


def file_of(family, product_key="portrait"):
    return Deliverable.objects.get(item__order=family.order, item__product_key=product_key)


def test_the_page_shows_what_was_approved(family):
    page = family.browser.get(family.url)
    assert page.status_code == 200
    words = page.content.decode()
    assert "고 김영자 님을" in words
    assert "메모리얼 비디오 · 10초 · 소리 없음" in words
    assert "AI가 만든 이미지입니다" in words
    assert 'href="tel:' not in words  # this home has not said its number


def test_a_phone_held_upright_is_given_the_tall_video_and_its_poster(family):
    broad = file_of(family, "living_video")
    tall = Deliverable.objects.create(
        item=broad.item,
        approval=broad.approval,
        variant="video-tall",
        media_type="video/mp4",
        file=broad.file,
        preview=broad.preview,
        download_name="고 김영자 님 메모리얼 비디오 세로.mp4",
        sha256=broad.sha256,
        byte_count=broad.byte_count,
        width=1080,
        height=1920,
        duration_ms=10_000,
    )
    words = family.browser.get(family.url).content.decode()
    for shape, file in (("on-upright", tall), ("on-broad", broad)):
        shown = words.partition(f'<div class="frame bare {shape}">')[2].partition("</div>")[0]
        assert f'poster="{family.url}/{file.code}/picture/"' in shown
        assert f'src="{family.url}/{file.code}/video/"' in shown
        assert f'width="{file.width}" height="{file.height}"' in shown
        button = words.partition(f'<p class="{shape}">')[2].partition("</p>")[0]
        assert f"{family.url}/{file.code}/" in button


def test_the_page_needs_no_script_and_sets_no_cookie(family):
    page = family.browser.get(family.url)
    assert "<script" not in page.content.decode()
    assert "style=" not in page.content.decode()
    assert not page.cookies


def test_the_page_is_kept_by_no_cache_found_by_no_search_and_says_no_referrer(family):
    page = family.browser.get(family.url)
    assert page["Cache-Control"] == "private, no-store"
    assert page["X-Robots-Tag"] == "noindex, nofollow"
    assert page["Referrer-Policy"] == "no-referrer"


def test_neither_the_title_nor_the_card_names_anybody(family):
    head = family.browser.get(family.url).content.decode().partition("<body")[0]
    assert "og:title" in head
    assert "og:image" in head
    assert "김영자" not in head
    assert family.token not in head


def test_the_address_works_with_a_slash_more(family):
    assert family.browser.get(family.url + "/").status_code == 200


def test_a_visit_is_counted_but_not_a_head_nor_a_messenger_that_draws_a_card(family):
    family.browser.get(family.url)
    family.browser.head(family.url)
    family.browser.get(family.url, headers={"User-Agent": "facebookexternalhit/1.1; kakaotalk-scrap/1.0"})
    family.link.refresh_from_db()
    assert family.link.visits == 1
    assert AuditEvent.objects.filter(action="link.visited").count() == 1


def test_a_single_file_comes_whole_under_its_korean_name(family):
    answer = family.browser.get(f"{family.url}/{file_of(family).code}/")
    assert body_of(answer) == PICTURE + b"1"
    name = unquote(re.search(r"filename\*=utf-8''(\S+)", answer["Content-Disposition"])[1])
    assert name == "고 김영자 님 영정사진.png"
    assert unicodedata.is_normalized("NFC", name)
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_download_is_counted_and_logged(family):
    file = file_of(family)
    family.browser.get(f"{family.url}/{file.code}/", headers={"User-Agent": "KAKAOTALK 10"}, REMOTE_ADDR="203.0.113.7")
    family.link.refresh_from_db()
    assert family.link.downloads == 1
    logged = Download.objects.get()
    assert (logged.link, logged.deliverable, logged.address) == (family.link, file, "203.0.113.7")
    assert AuditEvent.objects.get(action="link.downloaded").details["file"] == str(file.code)


def test_a_head_does_not_count(family):
    for path in (f"{family.url}/{file_of(family).code}/", f"{family.url}/all.zip"):
        answer = family.browser.head(path)
        assert answer.status_code == 200
        assert int(answer["Content-Length"]) > 1000
    family.link.refresh_from_db()
    assert family.link.downloads == 0
    assert not Download.objects.exists()


def test_a_download_that_goes_on_after_a_break_is_still_the_same_one(family):
    url = f"{family.url}/{file_of(family).code}/"
    first = body_of(family.browser.get(url, headers={"Range": "bytes=0-9999"}))
    rest = body_of(family.browser.get(url, headers={"Range": "bytes=10000-"}))
    assert first + rest == PICTURE + b"1"
    family.link.refresh_from_db()
    assert family.link.downloads == 1


@pytest.mark.parametrize("asked", ["BYTES=0-", "bytes=00-", "bytes=-99999999", "bytes=1-"])
def test_however_the_range_is_spelled_the_first_answer_is_a_download(family, asked):
    url = f"{family.url}/{file_of(family).code}/"
    assert len(body_of(family.browser.get(url, headers={"Range": asked}))) >= len(PICTURE)
    family.link.refresh_from_db()
    assert family.link.downloads == 1


def test_a_range_of_another_file_than_this_one_is_a_download_of_the_whole(family):
    url = f"{family.url}/{file_of(family).code}/"
    body_of(family.browser.get(url))
    again = family.browser.get(url, headers={"Range": "bytes=5-", "If-Range": '"another"'})
    assert body_of(again) == PICTURE + b"1"
    family.link.refresh_from_db()
    assert family.link.downloads == 2


def test_a_video_plays_by_ranges(family):
    url = f"{family.url}/{file_of(family, 'living_video').code}/video/"
    answer = family.browser.get(url, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes 0-1/{len(VIDEO) + 1}")
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Accept-Ranges"] == "bytes"
    assert body_of(answer) == VIDEO[:2]
    family.link.refresh_from_db()
    assert family.link.downloads == 0


def test_only_a_video_plays(family):
    assert family.browser.get(f"{family.url}/{file_of(family).code}/video/").status_code == 404


def test_the_zip_opens_with_korean_names_and_every_byte(family, tmp_path):
    answer = family.browser.get(f"{family.url}/all.zip")
    body = body_of(answer)
    assert len(body) == int(answer["Content-Length"])
    with zipfile.ZipFile(BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["고 김영자 님 영정사진.png", "고 김영자 님 메모리얼 비디오.mp4"]
        assert all(unicodedata.is_normalized("NFC", name) for name in archive.namelist())
        assert hashlib.sha256(archive.read(archive.namelist()[0])).hexdigest() == file_of(family).sha256
    assert "고 김영자 님 사진과 영상.zip" in unquote(answer["Content-Disposition"])
    assert Download.objects.get().deliverable is None


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_the_zip_opens_with_another_program(family, tmp_path):
    file = tmp_path / "all.zip"
    file.write_bytes(body_of(family.browser.get(f"{family.url}/all.zip")))
    told = subprocess.run(["unzip", "-l", file], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert "고 김영자 님 영정사진.png" in told.stdout.decode()


def test_two_files_of_one_name_are_both_in_the_zip(family, alice):
    item = family.order.items.get(product_key="portrait")
    make_deliverable(item, alice, number=2)
    body = body_of(family.browser.get(f"{family.url}/all.zip"))
    names = zipfile.ZipFile(BytesIO(body)).namelist()
    assert names[:2] == ["고 김영자 님 영정사진.png", "고 김영자 님 영정사진 (2).png"]


@pytest.mark.parametrize("way", ["gallery", "file", "picture", "zip"])
def test_what_is_no_longer_approved_does_not_leave(family, way):
    file = file_of(family)
    Item.objects.filter(order=family.order).update(state=Item.State.TO_REVIEW)
    path = {"gallery": "", "file": f"/{file.code}/", "picture": f"/{file.code}/picture/", "zip": "/all.zip"}[way]
    answer = family.browser.get(family.url + path)
    assert str(file.code) not in answer.content.decode()
    assert answer.status_code == (200 if way == "gallery" else 404)
    assert not Download.objects.exists()


def test_an_approval_of_other_bytes_hands_out_nothing(family):
    Approval.objects.update(sha256="0" * 64)
    assert family.browser.get(f"{family.url}/{file_of(family).code}/").status_code == 404


def test_files_of_another_order_do_not_come_through_this_link(family, alice):
    other = Deliverable.objects.get(item__order=approved_order(alice))
    for path in ("", "picture/"):
        assert family.browser.get(f"{family.url}/{other.code}/{path}").status_code == 404


def ways_to_be_closed():
    def expired(family):
        DownloadLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        return family.token

    def revoked(family):
        DownloadLink.objects.update(revoked_at=timezone.now())
        return family.token

    def cancelled(family):
        type(family.order).objects.update(cancelled_at=timezone.now())
        return family.token

    def erased(family):
        type(family.order).objects.update(erased_at=timezone.now())
        return family.token

    def without_consent(family):
        family.order.consents.update(withdrawn_at=timezone.now())
        return family.token

    def unknown(family):
        return family.token[::-1]

    def malformed(family):
        return "%EA%B0%80%00.."

    return [expired, revoked, cancelled, erased, without_consent, unknown, malformed]


@pytest.mark.parametrize("close", ways_to_be_closed(), ids=lambda way: way.__name__)
@pytest.mark.parametrize("path", ["", "/", "/all.zip", "/{code}/", "/{code}/picture/", "/{code}/video/", "/no/such"])
def test_all_that_is_closed_looks_the_same_to_the_byte(family, close, path):
    path = path.format(code=file_of(family, "living_video").code)
    never_was = Client().get("/g/never-was")
    token = close(family)
    answer = family.browser.get(f"/g/{token}{path}")
    assert answer.status_code == 404
    assert answer.content == never_was.content
    assert dict(answer.headers) == dict(never_was.headers)
    assert "열 수 없는 주소입니다" in answer.content.decode()


def test_the_last_allowed_download_shows_its_end_and_the_page_stays(family):
    DownloadLink.objects.update(max_downloads=1)
    url = f"{family.url}/{file_of(family).code}/"
    assert family.browser.get(url).status_code == 200
    over = family.browser.get(url)
    assert over.status_code == 403
    assert "횟수를 모두 쓰셨습니다" in over.content.decode()
    page = family.browser.get(family.url)
    assert page.status_code == 200
    assert "all.zip" not in page.content.decode()


def test_the_language_is_chosen_by_a_link_and_kept(family):
    pressed = family.browser.get(family.url, {"language": "en"})
    assert (pressed.status_code, pressed["Location"]) == (302, family.url)
    assert pressed["Referrer-Policy"] == "no-referrer"
    assert 'lang="en"' in family.browser.get(family.url).content.decode().partition("<head")[0]


def test_a_language_that_is_none_changes_nothing(family):
    assert family.browser.get(family.url, {"language": "xx"}).status_code == 200


def test_only_reading_is_allowed(family):
    assert family.browser.post(family.url).status_code == 405


def test_the_page_asks_the_database_no_more_for_more_pictures(family, alice, django_assert_num_queries):
    with CaptureQueriesContext(connection) as before:
        family.browser.get(family.url)
    for number in (2, 3, 4):
        make_deliverable(family.order.items.get(product_key="portrait"), alice, number=number)
    with django_assert_num_queries(len(before)):
        family.browser.get(family.url)


def test_a_missing_file_is_our_fault_and_says_so(family):
    file = file_of(family)
    default_storage.delete(file.file)
    family.browser.raise_request_exception = False
    assert family.browser.get(f"{family.url}/{file.code}/").status_code == 500
