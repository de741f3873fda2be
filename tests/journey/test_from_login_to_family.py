"""The whole way as people walk it: staff at the desk, a reviewer by keys, a daughter with her phone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from gpujobs.standin import Settings
from orders.models import Order, PrintPreset
from portal.demo.sample_people import sample_photo
from tests.browser import PHONE
from tests.factories import make_home, make_reviewer, make_staff
from tests.gpujobs.fleet import fleet_of, wait_until
from tests.journey import steps
from tests.journey.approvals import due_to_the_family, is_finished, zipped
from tests.workers import worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
]


def test_an_order_goes_from_the_staffs_login_to_the_familys_phone(window, tmp_path):
    staff, reviewer = make_staff(a_home(), name="박서연"), make_reviewer("정하늘")
    with fleet_of(tmp_path, settings=Settings(step_seconds=0.03, control=True)):
        desk = window()
        draft_an_order(desk, staff)
        bring_photos_and_consent(desk, tmp_path)
        submit(desk)
        with worker("portal"), worker("gpu"):
            watch_it_being_made(desk)
            approve_by_keys(window(), reviewer)
            wait_until(lambda: is_finished(Order.objects.get()), 240)
    link = hand_out_a_link(desk)
    phone = window(PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    receive_on_the_phone(phone, link)
    assert zipped(download_everything(phone, tmp_path)) == due_to_the_family(Order.objects.get())


def a_home():
    """One that prints a single small size: prints have tests of their own, and take their time."""
    home = make_home("한빛장례식장")
    for key in ("11x14", "8x10"):
        PrintPreset.objects.create(home=home, key=key, label=key, width=279, height=356, is_wanted=False)
    return home


def draft_an_order(desk, staff):
    """Typed, left, found again on the list, and still as it was typed."""
    desk.goto("/")
    steps.look(desk, "01-login")
    steps.log_in(desk, staff)
    desk.get_by_text("아직 의뢰가 없습니다").wait_for()
    steps.look(desk, "02-empty-desk")
    desk.keyboard.press("n")
    desk.wait_for_url("**/orders/new/**")
    steps.look(desk, "03-new-order")
    steps.type_the_facts(desk)
    steps.choose_everything(desk)
    steps.is_kept(desk)
    desk.get_by_role("link", name="의뢰", exact=True).click()
    steps.look(desk, "04-draft-on-the-list")
    desk.locator(".orders a", has_text="고 김영자 님").click()
    expect(desk.get_by_label("빈소", exact=True)).to_have_value("특실 2호")
    expect(desk.get_by_role("textbox", name="연락처", exact=True)).to_have_value("010-1234-5678")
    expect(desk.locator("#said-born_on")).to_contain_text("1948년 3월 5일")
    expect(desk.locator("#product-portrait input[value=hanbok]")).to_be_checked()
    steps.look(desk, "05-draft-again")


def bring_photos_and_consent(desk, directory):
    """Three files at once, one of them no picture; another in its place; consent."""
    photos = [directory / f"어머니 {number}.jpg" for number in (1, 2, 3)]
    for pose, photo in enumerate(photos):
        photo.write_bytes(sample_photo(0, pose))
    bad = directory / "청구서.jpg"
    bad.write_bytes(b"<!doctype html><title>not a photograph</title>")
    steps.upload(desk, photos[0], bad, photos[1])
    expect(desk.locator("#uploads .bad .told")).to_have_text(
        "사진 파일이 아닙니다. JPEG, PNG, HEIC, WebP, TIFF 사진을 올려 주세요."
    )
    expect(desk.locator("#photo-list > li")).to_have_count(2)
    steps.look(desk, "06-a-bad-photo")
    steps.upload(desk, photos[2])
    expect(desk.locator("#photo-list .clip")).to_have_text([photo.name for photo in photos])
    expect(desk.locator("#todo")).to_contain_text("사진 3장")
    steps.record_consent(desk)
    steps.look(desk, "07-consent")
    desk.get_by_role("button", name="동의 기록하기").click()
    expect(desk.locator("#todo")).to_contain_text("이민정 님 동의")
    steps.look(desk, "08-complete")


def submit(desk):
    desk.get_by_role("button", name="의뢰하기").dblclick()
    expect(desk.locator("#live")).to_contain_text("번째로 기다리는 중")
    assert Order.objects.count() == 1
    steps.look(desk, "09-submitted")


def watch_it_being_made(desk):
    """The queue place gives way to steps that move, and those to what was made; the page is never loaded again."""
    desk.evaluate("window.stillHere = true")
    live = desk.locator("#live")
    first = steps.said(live, r"(\d+)/(\d+)장째 · (\d+)/(\d+)단계").group()
    steps.look(desk, "10-being-made")
    expect(live).not_to_contain_text(first)
    expect(live.locator(".item .state", has_text="검수 대기")).to_have_count(3, timeout=120_000)
    assert desk.evaluate("window.stillHere") is True
    expect(live.locator("img")).to_have_count(4 + 3 + 1)
    steps.look(desk, "11-to-review")


def approve_by_keys(page, reviewer):
    steps.log_in(page, reviewer)
    expect(page.locator("#queue .rows > a")).to_have_count(3)
    steps.look(page, "12-review-queue")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="고 김영자 님의 영정사진").wait_for()
    page.keyboard.press("2")
    expect(page.locator(".large figure.n2")).to_be_visible()
    steps.look(page, "13-review-portrait")
    page.keyboard.press("a")
    for number, product in ((14, "인생 더하기"), (15, "메모리얼 비디오")):
        page.get_by_role("heading", name=f"고 김영자 님의 {product}").wait_for()
        steps.look(page, f"{number}-review-{product}")
        page.keyboard.press("a")
    page.get_by_text("지금 검수할 것이 없습니다.").wait_for()
    steps.look(page, "16-review-done")


def hand_out_a_link(desk):
    """Offered on the page that stood open all the while."""
    desk.get_by_role("button", name="새 링크 만들기").wait_for()
    steps.look(desk, "17-approved")
    every_picture_fills_its_place(desk)
    desk.get_by_role("button", name="새 링크 만들기").click()
    steps.look(desk, "18-link")
    return desk.locator("#link-url").input_value()


def every_picture_fills_its_place(desk):
    """A scene lies where a portrait stands: no empty ground below it; photos that nobody may add to keep their size."""
    expect(desk.get_by_role("button", name="사진 고르기")).to_have_count(0)
    places = desk.locator(".cands .photo.whole, .photos .photo")
    expect(places).to_have_count(4 + 3 + 1 + 3)
    for place in places.all():
        place.scroll_into_view_if_needed()
        assert place.locator("img").evaluate("image => image.decode().then(() => true)")
        around, picture = place.bounding_box(), place.locator("img").bounding_box()
        assert around["width"] > 100
        assert abs(around["height"] - picture["height"]) <= 1


def receive_on_the_phone(phone, link):
    """The pictures are there and the video plays, asked for range by range; nothing plays by itself."""
    ranges = []
    phone.on("response", lambda answer: ranges.append(answer.status) if "/video/" in answer.url else None)
    phone.goto(link)
    phone.get_by_role("heading", name="기억하며").wait_for()
    steps.look(phone, "19-family", sizes={"phone": PHONE})
    assert phone.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert ranges == []
    video = phone.locator("video:visible")
    assert video.evaluate("video => Number(video.height) > Number(video.width)"), "upright, as the phone is held"
    video.scroll_into_view_if_needed()
    video.evaluate("video => video.play()")
    wait_until(lambda: video.evaluate("video => video.currentTime") > 0.2)
    assert set(ranges) == {206}
    steps.look(phone, "20-family-video", sizes={"phone": PHONE})


def download_everything(phone, directory) -> Path:
    with phone.expect_download() as download:
        phone.get_by_role("link", name="사진과 영상 모두 받기").click()
    assert download.value.suggested_filename == "고 김영자 님 사진과 영상.zip"
    download.value.save_as(directory / "received.zip")
    return directory / "received.zip"
