"""A manager chooses the home's print sizes, and adds its own."""

import pytest
from django.test import Client

from orders.finishing import prints
from orders.models import PrintPreset
from portal.models import AuditEvent, User
from tests import factories as made

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return made.make_staff(role=User.Role.MANAGER)


@pytest.fixture
def browser(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def wanted(manager: User) -> list[str]:
    assert manager.home is not None
    return [preset.key for preset in prints.wanted(manager.home)]


def test_three_sizes_are_made_until_somebody_chooses(manager: User):
    assert wanted(manager) == ["11x14", "8x10", "5x7"]


def test_a_size_that_no_master_fills_says_so(browser: Client, manager: User):
    sentence = "300 dpi보다 조금 부드럽게 인쇄됩니다."
    assert sentence not in browser.get("/settings/").content.decode(), "the usual ones are filled"
    PrintPreset.objects.create(home=manager.home, key="own-large", label="큰 액자", width=400, height=500)
    assert browser.get("/settings/").content.decode().count(sentence) == 1


def test_what_is_ticked_is_made(browser: Client, manager: User):
    browser.post("/settings/", {"wanted": ["a4", "11x14"], "pdf": ["a4"]})
    assert wanted(manager) == ["11x14", "a4"]
    assert manager.home is not None
    assert [preset.key for preset in prints.presets_of(manager.home) if preset.with_pdf] == ["a4"]
    event = AuditEvent.objects.get(action="prints.chosen")
    assert (event.home, event.details["wanted"]) == (manager.home, ["11x14", "a4"])


def test_what_is_no_size_does_not_get_into_the_audit(browser: Client, manager: User):
    browser.post("/settings/", {"wanted": ["a4", "고 김영자"], "pdf": ["고 김영자"]})
    details = AuditEvent.objects.get(action="prints.chosen").details
    assert (details["wanted"], details["pdf"]) == (["a4"], [])


def test_nothing_at_all_is_refused(browser: Client, manager: User):
    page = browser.post("/settings/", {}, follow=True).content.decode()
    assert "적어도 한 가지 크기는 골라 주세요." in page
    assert wanted(manager) == ["11x14", "8x10", "5x7"]


def test_a_size_of_ones_own_is_added_and_taken_away(browser: Client, manager: User):
    browser.post("/settings/prints/add/", {"label": "우리 홀 액자", "width": "300", "height": "400.5"})
    preset = PrintPreset.objects.get(label="우리 홀 액자")
    assert wanted(manager)[-1] == preset.key
    assert manager.home is not None
    assert prints.presets_of(manager.home)[-1].pixels == (3543, 4730)
    assert "우리 홀 액자" in browser.get("/settings/").content.decode()
    browser.post(f"/settings/prints/{preset.key}/remove/")
    assert not PrintPreset.objects.filter(pk=preset.pk).exists()


@pytest.mark.parametrize(
    "given",
    [
        {"label": "", "width": "300", "height": "400"},
        {"label": "크다", "width": "700", "height": "900"},
        {"label": "작다", "width": "10", "height": "20"},
        {"label": "띠", "width": "60", "height": "600"},
        {"label": "글자", "width": "삼백", "height": "400"},
    ],
)
def test_a_size_that_cannot_be_is_refused_in_words(browser: Client, given: dict[str, str]):
    answer = browser.post("/settings/prints/add/", given)
    assert answer.status_code == 422
    assert "errors" in answer.content.decode()
    assert not PrintPreset.objects.exists()


def test_another_homes_size_is_not_mine_to_take_away(browser: Client):
    other = PrintPreset.objects.create(home=made.make_home(), key="own-b", label="남의 것", width=100, height=100)
    browser.post("/settings/prints/own-b/remove/")
    assert PrintPreset.objects.filter(pk=other.pk).exists()


def test_a_usual_size_cannot_be_taken_away(browser: Client, manager: User):
    browser.post("/settings/", {"wanted": ["a4"]})
    browser.post("/settings/prints/a4/remove/")
    assert wanted(manager) == ["a4"]
