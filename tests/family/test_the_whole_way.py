"""One family's whole way on a phone: photos, consent, choice, gallery with digits, zip; with and without script."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from orders import choosing, delivery, production
from orders.models import Approval, Consent, Order, PrintPreset
from portal.models import User
from tests.factories import (
    finish_files,
    finish_job,
    make_home,
    make_ready_order,
    make_reviewer,
    make_staff,
)
from tests.family import test_in_browser
from tests.family.making import make_family_link
from tests.family.test_consent_in_browser import sign
from tests.family.test_in_browser import look
from tests.journey.approvals import due_to_the_family, zipped
from tests.orders.people import make_order

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
window, mothers = test_in_browser.window, test_in_browser.mothers
PIN = "2580"


@pytest.fixture
def staff(transactional_db: None) -> User:
    """Of a home whose families choose, and that prints a single small size: prints take their time."""
    home = make_home()
    home.family_chooses = True
    home.save()
    for key in ("11x14", "8x10"):
        PrintPreset.objects.create(home=home, key=key, label=key, width=279, height=356, is_wanted=False)
    return make_staff(home)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_from_the_first_photo_to_the_zip(window, staff, mothers, tmp_path, script):
    order, kind = make_order(staff), "" if script else "-without-script"
    phone = window(java_script_enabled=script)
    send_photos(phone, order, staff, mothers[:1], script=script)
    agree(phone, order, staff, script=script)
    make_and_offer(order, staff)
    choose(phone, order, staff, kind)
    finish_files(Approval.objects.get())
    received = receive(phone, order, staff, tmp_path, kind)
    assert zipped(received) == due_to_the_family(Order.objects.get())


def test_a_wish_is_one_tap(window, staff):
    order = make_ready_order(staff)
    make_and_offer(order, staff)
    _link, token = make_family_link(order, staff, "choice")
    phone = window()
    phone.goto(f"/f/{token}/choice/")
    phone.get_by_role("button", name="더 웃는 얼굴").click()
    phone.get_by_role("heading", name="바라시는 점을 전했습니다").wait_for()
    look(phone, "choice-wished")


def send_photos(phone: Page, order: Order, staff: User, files: list[Path], *, script: bool) -> None:
    _link, token = make_family_link(order, staff)
    phone.goto(f"/f/{token}/photos/")
    phone.locator("input[multiple]").set_input_files(files)
    if not script:
        phone.get_by_role("button", name="고른 사진 올리기").click()
    expect(phone.locator(".sent > li")).to_have_count(1, timeout=60_000)


def agree(phone: Page, order: Order, staff: User, *, script: bool) -> None:
    _link, token = make_family_link(order, staff, "consent", max_uses=1)
    phone.goto(f"/f/{token}/consent/")
    for box in ("likeness", "others"):
        phone.locator(f"input[name=scope][value={box}]").check()
    phone.get_by_label("동의하시는 분의 성함").fill("이민정")
    phone.get_by_label("고인과의 관계").fill("딸")
    if script:
        sign(phone)
    else:
        phone.get_by_label("위에 적은 성함으로 서명을 대신합니다").check()
    phone.get_by_role("button", name="동의하고 보내기").click()
    phone.get_by_role("heading", name="동의를 받았습니다").wait_for()
    assert Consent.objects.get().method == ("signed" if script else "typed")


def make_and_offer(order: Order, staff: User) -> None:
    """What the staff, the fleet and a reviewer do meanwhile."""
    production.submit(Order.objects.get(), by=staff, request=None)
    item = order.items.get()
    for candidate in item.candidates.all():
        finish_job(candidate)
    codes = list(item.candidates.filter(number__in=(1, 2, 4)).values_list("code", flat=True))
    choosing.offer(item, codes, by=make_reviewer(), request=None)


def choose(phone: Page, order: Order, staff: User, kind: str) -> None:
    _link, token = make_family_link(order, staff, "choice")
    phone.goto(f"/f/{token}/choice/")
    expect(phone.locator("main img")).to_have_count(3)
    look(phone, f"choice{kind}")
    phone.get_by_role("button", name="2번 사진으로 정하기").click()
    phone.get_by_role("heading", name="영정사진을 정했습니다").wait_for()
    look(phone, f"choice-made{kind}")
    assert Approval.objects.get().candidate.number == 2


def receive(phone: Page, order: Order, staff: User, directory: Path, kind: str) -> Path:
    _link, token = delivery.issue_link(Order.objects.get(), by=staff, recipient="큰딸", pin=PIN)
    phone.goto(f"/g/{token}")
    look(phone, f"code{kind}")
    phone.get_by_label("번호").fill("9999")
    phone.get_by_role("button", name="열기").click()
    phone.get_by_text("번호가 다릅니다.").wait_for()
    look(phone, f"code-wrong{kind}")
    phone.get_by_label("번호").fill(PIN)
    phone.get_by_role("button", name="열기").click()
    phone.get_by_role("heading", name="기억하며").wait_for()
    look(phone, f"gallery{kind}")
    with phone.expect_download() as download:
        phone.get_by_role("link", name="사진과 영상 모두 받기").click()
    received = directory / "received.zip"
    download.value.save_as(received)
    return received
