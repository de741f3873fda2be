"""Every component and frame, looked at in a real browser: three sizes, light and dark; pictures go to screenshots/."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from portal.models import FuneralHome, User
from tests.browser import DESK, PHONE, SCREENSHOTS, SIZES, settled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOK = (Path(__file__).parent / "looking.js").read_text()
PAGES = {
    "desk": "/styleguide/desk/",
    "review": "/styleguide/review/",
    "parts": "/styleguide/parts/",
    "family": "/styleguide/family/",
    "login": "/accounts/login/",
    "reset": "/accounts/password/reset/",
    "missing": "/no/such/place/",
}


@pytest.fixture(autouse=True)
def _addresses_of_the_style_guide(settings) -> None:
    settings.ROOT_URLCONF = "tests.portal.styleguide"
    settings.TEMPLATES = [
        {**settings.TEMPLATES[0], "DIRS": [*settings.TEMPLATES[0]["DIRS"], Path(__file__).parent / "templates"]}
    ]


@pytest.fixture
def opened(browser: Browser, live_server):
    """Opens an address in a fresh window and complains about whatever the browser complained about."""
    contexts = []
    complaints: list[str] = []

    def go(address: str, *, size=DESK, theme="light", language="ko-KR", **options) -> Page:
        context = browser.new_context(
            viewport=size,
            color_scheme=theme,
            locale=language,
            base_url=live_server.url,
            timezone_id="Asia/Seoul",
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None
        )
        page.goto(address)
        page.evaluate("document.fonts.ready")
        return page

    yield go
    for context in contexts:
        context.close()
    assert not complaints


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_can_be_read_and_can_be_pressed(opened, name, size, theme):
    page = opened(PAGES[name], size=SIZES[size], theme=theme, has_touch=size != "desk", is_mobile=size != "desk")
    settled(page)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"look-{name}-{size}-{theme}.png", full_page=True)
    assert page.evaluate(LOOK) == []


def test_a_page_in_english_fits_a_phone_too(opened):
    page = opened("/styleguide/parts/", size=PHONE, language="en-GB")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.evaluate(LOOK) == []


def test_the_letters_are_our_own(opened):
    page = opened("/styleguide/family/", size=PHONE)
    settled(page)
    loaded = page.evaluate(
        "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family.replaceAll('\"', ''))"
    )
    assert {"Pretendard Variable", "Nanum Myeongjo"} <= set(loaded)


def test_a_chosen_theme_is_there_before_the_page_is_drawn_and_stays(opened):
    page = opened("/styleguide/desk/", theme="light")
    page.locator("summary").first.click()
    page.get_by_role("button", name="어둡게").click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 21)"


def test_keys_walk_the_list_and_the_korean_layout_does_not_matter(opened):
    page = opened("/styleguide/desk/")
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ㅓ', code: 'KeyJ', bubbles: true}))")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") == "order-2"
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == "order-1"
    page.keyboard.press("/")
    page.keyboard.type("jk n?")
    assert page.locator(".search").input_value() == "jk n?"


def test_the_keys_are_listed_and_can_be_turned_off(opened):
    page = opened("/styleguide/desk/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    assert "새 의뢰" in dialog.inner_text()
    page.screenshot(path=SCREENSHOTS / "look-keys.png")
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") != "order-1"


def test_what_cannot_be_undone_asks_for_the_name(opened):
    page = opened("/styleguide/parts/", size=PHONE)
    page.get_by_role("button", name="의뢰 지우기").click()
    dialog = page.get_by_role("dialog")
    yes = dialog.get_by_role("button", name="지우기")
    assert "사진 3장" in dialog.inner_text()
    assert yes.is_disabled()
    dialog.get_by_role("textbox").fill("김영자 ")
    assert yes.is_enabled()
    page.screenshot(path=SCREENSHOTS / "look-confirm-phone.png")
    # To the end of the navigation: a window that is closed in the middle of one once hung for five minutes.
    posted = page.expect_request(lambda request: request.method == "POST" and "styleguide/parts" in request.url)
    with page.expect_navigation(), posted as sent:
        yes.click()
    assert "typed=%EA%B9%80%EC%98%81%EC%9E%90" in sent.value.post_data


def test_each_photo_goes_alone_and_a_bad_one_keeps_its_sentence(opened, tmp_path):
    page = opened("/styleguide/parts/")
    for name, size in (("a.jpg", 10), ("notes.txt", 10), ("empty.png", 0), ("huge.jpg", 1_000_001)):
        (tmp_path / name).write_bytes(b"x" * size)
    page.locator("input[type=file]").first.set_input_files(sorted(tmp_path.iterdir()))
    page.locator("#photos .upload.bad").nth(2).wait_for()
    page.locator("#photos img[alt='a.jpg']").wait_for()
    told = page.locator("#photos .upload .told").all_inner_texts()
    assert "사진이 아닌 파일입니다. JPEG나 HEIC 사진을 골라 주세요." in told
    assert "빈 파일입니다. 다른 파일을 골라 주세요." in told
    assert any("너무 큽니다" in sentence for sentence in told)
    page.screenshot(path=SCREENSHOTS / "look-uploads.png", full_page=True)


def test_a_lost_photo_can_be_sent_again(opened, tmp_path):
    page = opened("/styleguide/parts/")
    (tmp_path / "a.jpg").write_bytes(b"x")
    page.context.set_offline(True)
    page.locator("input[type=file]").first.set_input_files(tmp_path / "a.jpg")
    page.get_by_text("연결이 끊겨 보내지 못했습니다").wait_for()
    page.context.set_offline(False)
    page.get_by_role("button", name="다시 시도").click()
    page.locator("#photos img[alt='a.jpg']").wait_for()


def test_a_draft_saves_itself_and_comes_back_after_a_lost_connection(opened):
    page = opened("/styleguide/parts/")
    box = page.get_by_label("고인 성함").first
    box.fill("김영자")
    page.get_by_text("저장됨").wait_for()
    page.context.set_offline(True)
    box.fill("김영희")
    page.get_by_text("아직 저장하지 못했습니다").wait_for()
    with page.expect_response("**/styleguide/draft/") as answer:
        page.context.set_offline(False)
    assert answer.value.status == 204
    page.get_by_text("저장됨").wait_for()


def test_a_double_click_sends_once(opened):
    page = opened("/styleguide/parts/")
    posts: list[str] = []
    page.on(
        "request",
        lambda request: posts.append(request.url) if request.method == "POST" and "parts" in request.url else None,
    )
    page.locator("#order").evaluate("form => { form.action = '/styleguide/parts/'; }")
    page.locator("#order [name=products]").first.check()
    with page.expect_navigation():
        page.evaluate(
            "() => { const form = document.querySelector('#order'); form.noValidate = true;"
            " const button = form.querySelector('.btn.main'); button.click(); button.click(); }"
        )
    assert len(posts) == 1


def test_the_login_is_reached_and_left_by_keyboard(opened):
    home = FuneralHome.objects.create(name="한빛장례식장")
    User.objects.create_user("park@example.com", "long enough a word", name="박서연", role=User.Role.STAFF, home=home)
    page = opened("/accounts/login/?next=/accounts/password/change/", size=PHONE)
    page.get_by_label("이메일").fill("park@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("long enough a word")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="비밀번호 바꾸기").wait_for()
    assert page.evaluate(LOOK) == []
    page.screenshot(path=SCREENSHOTS / "look-password-phone.png", full_page=True)
    page.locator(".menu summary").click()
    page.screenshot(path=SCREENSHOTS / "look-menu-phone.png")
    page.get_by_role("button", name="교대하기").click()
    page.wait_for_url("**/accounts/login/**")


def test_without_script_the_forms_are_still_forms(opened):
    page = opened("/styleguide/parts/", java_script_enabled=False)
    assert page.locator("form.drop button", has_text="올리기").is_visible()
    assert page.locator("form.drop input[type=file]").first.is_visible()
    assert page.locator(".js-only").first.is_hidden()
    page.screenshot(path=SCREENSHOTS / "look-parts-no-script.png", full_page=True)
