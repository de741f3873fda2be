"""What people do in the browser, each as they would: by what they read on the page and by their keys."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from portal.models import User
from tests.browser import DESK, PHONE, SCREENSHOTS
from tests.factories import PASSWORD

PICTURES = SCREENSHOTS / "journey"
# A machine that runs the fleet, the portal and a browser at once is slow at times.
expect.set_options(timeout=30_000)
# Every picture of the page, those far down too, is there to be seen.
DRAWN = """() => Promise.all([...document.images].filter(image => image.getClientRects().length).map(image => {
    image.loading = 'eager';
    return image.decode().catch(() => null);
}))"""


def look(page: Page, name: str, *, sizes: dict[str, dict[str, int]] | None = None) -> None:
    """Keep pictures of the page as it is, on a desk and on a phone."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for size, pixels in (sizes or {"desk": DESK, "phone": PHONE}).items():
        page.set_viewport_size(pixels)
        page.evaluate(DRAWN)
        page.screenshot(path=PICTURES / f"{name}-{size}.png", full_page=True, animations="disabled")
    page.set_viewport_size(before)


def log_in(page: Page, user: User) -> None:
    page.goto("/")
    page.get_by_label("이메일").fill(user.email)
    page.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="로그인", exact=True).click()


def type_the_facts(page: Page) -> None:
    page.get_by_label("성함", exact=True).first.fill("김영자")
    page.get_by_text("여", exact=True).click()
    page.get_by_label("생년월일").fill("480305")
    page.get_by_label("별세일").fill("오늘")
    page.get_by_label("빈소 차림 시각").fill("내일 14:00")
    page.get_by_label("빈소", exact=True).fill("특실 2호")
    page.get_by_role("textbox", name="상주 성함", exact=True).fill("이민정")
    page.get_by_label("관계", exact=True).fill("딸")
    page.get_by_label("연락처").fill("01012345678")


def choose_everything(page: Page) -> None:
    for product in ("영정사진", "인생 더하기", "메모리얼 비디오"):
        page.locator("label.card", has_text=product).first.click()
    page.locator("#product-portrait").get_by_text("한복", exact=True).click()


def is_kept(page: Page) -> None:
    expect(page.locator("[data-draft-status]")).to_contain_text("저장됨")


def upload(page: Page, *files: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("label.btn", has_text="사진 고르기").click()
    chooser.value.set_files(files)


def record_consent(page: Page) -> None:
    part = page.locator("#consent-part")
    part.locator("summary").click()
    for box in part.locator("input[name=scope]").all()[:2]:
        box.check()
    part.get_by_label("동의하시는 분", exact=True).fill("이민정")
    part.get_by_label("고인과의 관계").fill("딸")
    part.get_by_text("화면을 보고 직접 확인").click()


def said(place: Locator, pattern: str) -> re.Match[str]:
    """What the place says that looks like this, waited for."""
    expect(place).to_contain_text(re.compile(pattern), timeout=90_000)
    found = re.search(pattern, place.inner_text())
    assert found
    return found
