"""A page with every component on it, and addresses for it: for the tests and for looking, never in production."""

from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import quote

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from django.utils import timezone

from gpujobs.progress import Progress

GROUNDS = {
    "a": ("#d9d2c4", "#8f836d"),
    "b": ("#cfd6d4", "#97a5a1"),
    "c": ("#e6dfd5", "#c7bba9"),
    "d": ("#aeb4bb", "#6c747d"),
}
FIGURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 110 140"><defs><linearGradient id="g" x2="0" y2="1">'
    '<stop stop-color="{0}"/><stop offset="1" stop-color="{1}"/></linearGradient></defs><rect width="110" height="140" '
    'fill="url(#g)"/><ellipse cx="55" cy="60" rx="19" ry="24" fill="#6f6452"/>'
    '<path d="M8 140c0-34 18-45 47-45s47 11 47 45z" fill="#4c4438"/></svg>'
)


def drawn(ground: str) -> str:
    return "data:image/svg+xml," + quote(FIGURE.format(*GROUNDS[ground]))


class SampleForm(forms.Form):
    name = forms.CharField(label="고인 성함", help_text="한글로 적어 주세요. 한자는 아래 칸에 적습니다.")
    born_on = forms.CharField(label="생년월일", help_text="1948-03-05, 1948.3.5, 480305 모두 됩니다.")
    religion = forms.ChoiceField(
        label="종교", required=False, choices=[("", "적지 않음"), ("b", "불교"), ("c", "천주교")]
    )
    made_for = forms.ChoiceField(
        label="누구를 위한 의뢰",
        choices=[("deceased", "고인"), ("living", "생전 준비")],
        widget=forms.RadioSelect(attrs={"class": "segmented"}),
        initial="deceased",
    )
    clothes = forms.ChoiceField(
        label="옷",
        choices=[("suit", "정장 (검정)"), ("hanbok", "한복"), ("own", "사진 속 옷 그대로")],
        widget=forms.RadioSelect,
        initial="suit",
    )
    products = forms.MultipleChoiceField(
        label="무엇을 만들까요",
        help_text="여러 가지를 함께 고를 수 있습니다.",
        choices=[("portrait", "영정사진"), ("life_scene", "인생 더하기"), ("living_video", "메모리얼 비디오")],
        widget=forms.CheckboxSelectMultiple,
    )
    wishes = forms.CharField(label="가족의 말씀", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    showcase = forms.BooleanField(
        label="다른 가족에게 보기로 보여 드려도 됩니다.",
        required=False,
        help_text="고르지 않으셔도 제작에는 아무 차이가 없습니다.",
    )


KEYS = ("picture", "in_minutes", "tone", "name", "where", "what", "photos", "state", "more")
ROWS = """
a|38||고 김영자 님|특실 2호 · 상주 김도현 (아들)|영정사진, 메모리얼 비디오|사진 3장 · 동의 완료|제작 중|영정 3/4장째
b|120|wait|고 이상호 님|5호 · 상주 이민정 (딸)|영정사진|사진 1장 · 동의 완료|검수 대기|후보 4장 · 6분 전 완성
c|-12|bad|고 남궁옥분 님|VIP실 · 상주 남궁석 (아들)|영정사진, 인생 더하기|사진 2/3장 · 동의 완료|사진을 다시 받아야 합니다|얼굴을 찾지 못했습니다 (2번 사진)
d|4320|wait|최병국 님|상담실 · 본인|영정사진 (장수사진)|사진 1장 · 본인 동의 대기|동의 대기|문자 보냄 · 09:12
|1560|quiet|고 황보선우알렉산드라마리아 님|국화실 (지하 1층 임시 빈소) · 상주 황보크리스티나 (며느리, 부산에서 오는 중)|영정사진, 인생 더하기|사진 없음|작성 중|사진을 기다립니다
""".strip().splitlines()  # noqa: E501  # a table, read across


def orders() -> list[SimpleNamespace]:
    made = [SimpleNamespace(**dict(zip(KEYS, row.split("|"), strict=True))) for row in ROWS]
    for order in made:
        minutes = int(order.in_minutes)
        order.at = timezone.now() + timedelta(minutes=minutes, seconds=20 if minutes > 0 else -20)
        order.picture = order.picture and drawn(order.picture)
    made[0].progress = Progress(state="running", step=24, steps=30)
    made[3].living = True
    return made


def context() -> dict[str, object]:
    now = timezone.now()
    wrong = SampleForm({"w-born_on": "이른 봄", "w-made_for": "deceased", "w-clothes": "suit"}, prefix="w")
    wrong.full_clean()
    wrong.add_error(None, "사진 두 장이 더 있어야 인생 더하기를 만들 수 있습니다.")
    return {
        "now": now,
        "in_an_hour": now + timedelta(hours=1, minutes=30, seconds=20),
        "pictures": {key: drawn(key) for key in GROUNDS},
        "form": SampleForm(initial={"name": "김영자"}),
        "wrong": wrong,
        "running": Progress(state="running", step=24, steps=30, seconds_left=170),
        "queued": Progress(state="queued", place=3, seconds_left=420),
        "page": Paginator(range(95), 20).get_page(2),
        "orders": orders(),
        "candidates": [(1, drawn("c"), 90417), (2, drawn("b"), 22851), (3, drawn("a"), 61003), (4, drawn("d"), 18277)],
    }


class Person:
    """As much of a logged-in person as the frame shows."""

    is_authenticated = works_at_home = is_manager = True
    is_reviewer = is_operator = False
    name = "박서연"
    home = SimpleNamespace(name="한빛장례식장", phone="02-123-4567")

    def get_role_display(self) -> str:
        return "관리자"


def page(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, f"styleguide/{name}.html", context() | {"user": Person(), "home": Person.home})


def fragment(request: HttpRequest) -> HttpResponse:
    """What an upload answers: a list item, or a sentence for a file that is no picture."""
    photo = request.FILES["photos"]
    if photo.name.endswith(".txt"):
        return HttpResponse(
            "사진이 아닌 파일입니다. JPEG나 HEIC 사진을 골라 주세요.", status=422, content_type="text/plain"
        )
    return render(request, "styleguide/photo_item.html", {"name": photo.name, "src": drawn("a")})


def draft(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def nowhere(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=404)


names = [("desk", ""), ("order_new", "new/")]
urlpatterns = [
    # By the name of a page that takes photos of anybody; most read no file of a form.
    path("styleguide/upload/", fragment, name="family_upload"),
    path("styleguide/draft/", draft),
    path("styleguide/<name>/", page, name="styleguide"),
    path("gpus/", nowhere, name="operator"),
    path("settings/", nowhere, name="home_settings"),
    path("", include("portal.urls")),
]
