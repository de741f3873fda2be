"""The three products: what each needs, what may be chosen and how many pictures are made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, kw_only=True)
class Choice:
    """``only_with`` names the choices of the product's first option beside which this one makes sense; empty: all."""

    key: str
    label: Promise
    only_with: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Option:
    """A choice a family or staff makes; its keys are the workflow's parameter values.

    With ``several``, any number of the choices may be taken and none is the default. One that is not ``for_workflow``
    says what the portal does, not what a GPU is asked for.
    """

    key: str
    label: Promise
    choices: tuple[Choice, ...]
    default: str = ""
    several: bool = False
    for_workflow: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(choice.key for choice in self.choices)

    def clean(self, value: Any) -> str | list[str]:
        """A value the workflow takes: what was chosen, or the default for what it does not know."""
        if self.several:
            return [key for key in self.keys if isinstance(value, list | tuple) and key in value]
        return value if isinstance(value, str) and value in self.keys else self.default

    def label_of(self, key: str) -> str:
        return next((str(choice.label) for choice in self.choices if choice.key == key), key)


@dataclass(frozen=True, kw_only=True)
class Product:
    """One thing a home can order.

    ``slots`` are the workflow's image inputs, filled by the order's photos in their order; ``candidates`` is how
    many jobs are made, each with a seed of its own; ``picks`` how many of them are approved.
    """

    key: str
    label: Promise
    promise: Promise
    workflow: str
    slots: tuple[str, ...]
    candidates: int
    picks: int
    options: tuple[Option, ...]
    # How long before the needed time the candidates should be there, for review and printing.
    ahead: timedelta

    @property
    def photos_needed(self) -> int:
        return len(self.slots)

    def clean(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Every option with a value the workflow takes."""
        cleaned = {option.key: option.clean(options.get(option.key)) for option in self.options}
        for option in self.options:
            if option.several:
                cleaned[option.key] = [key for key in cleaned[option.key] if self._fits(option, key, cleaned)]
        return cleaned

    def params(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What of it the workflow is asked for."""
        cleaned = self.clean(options)
        return {option.key: cleaned[option.key] for option in self.options if option.for_workflow}

    def _fits(self, option: Option, key: str, cleaned: Mapping[str, Any]) -> bool:
        only_with = next(choice.only_with for choice in option.choices if choice.key == key)
        return not only_with or cleaned[self.options[0].key] in only_with

    def words(self, options: Mapping[str, Any]) -> list[str]:
        """What was chosen, as "옷: 한복"; what is the default goes without saying, except the first option."""
        words = []
        for option in self.options:
            value = self.clean(options)[option.key]
            if value and (value != option.default or option is self.options[0]):
                labels = [option.label_of(key) for key in (value if option.several else [value])]
                words.append(f"{option.label}: {', '.join(labels)}")
        return words


GLASSES = Option(
    key="glasses",
    label=_("안경"),
    choices=(
        Choice(key="as_photo", label=_("사진처럼")),
        Choice(key="keep", label=_("안경 쓰심")),
        Choice(key="off", label=_("안경 벗으심")),
    ),
    default="as_photo",
)
PORTRAIT = Product(
    key="portrait",
    label=_("영정사진"),
    promise=_("일상 사진 한 장으로 스튜디오에서 찍은 듯한 영정사진을 만듭니다."),
    workflow="portrait",
    slots=("photo",),
    candidates=4,
    picks=1,
    options=(
        Option(
            key="clothes",
            label=_("옷"),
            choices=(
                Choice(key="suit", label=_("정장")),
                Choice(key="hanbok", label=_("한복")),
                Choice(key="own", label=_("사진 속 옷")),
            ),
            default="suit",
        ),
        Option(
            key="background",
            label=_("배경"),
            choices=(
                Choice(key="grey", label=_("연회색")),
                Choice(key="blue", label=_("하늘색")),
                Choice(key="beige", label=_("베이지")),
                Choice(key="white", label=_("흰색")),
                Choice(key="pink", label=_("연분홍")),
                Choice(key="brown", label=_("짙은 갈색")),
            ),
            default="grey",
        ),
        Option(
            key="expression",
            label=_("표정"),
            choices=(
                Choice(key="as_photo", label=_("사진처럼")),
                Choice(key="gentle_smile", label=_("더 웃는 얼굴")),
            ),
            default="as_photo",
        ),
        Option(
            key="hair",
            label=_("머리"),
            choices=(
                Choice(key="as_photo", label=_("사진처럼")),
                Choice(key="tidy", label=_("단정하게")),
            ),
            default="as_photo",
        ),
        GLASSES,
        # Of a second photo only the way the head is held is taken: sources.pictures.
        Option(
            key="pose",
            label=_("자세"),
            choices=(
                Choice(key="studio", label=_("정면 스튜디오 자세")),
                Choice(key="second_photo", label=_("두 번째 사진의 자세 (사진이 있을 때만)")),
            ),
            default="studio",
            for_workflow=False,
        ),
    ),
    # First of all: it is printed and framed, and hangs when the altar is set.
    ahead=timedelta(hours=2),
)
LIFE_SCENE = Product(
    key="life_scene",
    label=_("인생 더하기"),
    promise=_("사진 세 장으로 생전에 좋아하시던 일을 하시는 모습을 그립니다."),
    workflow="life_scene",
    slots=("photo_1", "photo_2", "photo_3"),
    candidates=3,
    picks=3,
    options=(
        Option(
            key="scene",
            label=_("장면"),
            choices=(
                Choice(key="singing", label=_("무대에서 노래")),
                Choice(key="dancing", label=_("춤")),
                Choice(key="fishing", label=_("낚시")),
                Choice(key="hiking", label=_("등산")),
                Choice(key="gardening", label=_("꽃 가꾸기")),
                Choice(key="farming", label=_("밭일")),
                Choice(key="painting", label=_("그림 그리기")),
                Choice(key="calligraphy", label=_("서예")),
                Choice(key="baduk", label=_("바둑")),
                Choice(key="seaside", label=_("바닷가 여행")),
                Choice(key="cooking", label=_("요리")),
                Choice(key="reading", label=_("독서")),
                Choice(key="blossoms", label=_("벚꽃 나들이")),
                Choice(key="cycling", label=_("자전거")),
                Choice(key="golf", label=_("골프")),
                Choice(key="knitting", label=_("뜨개질")),
            ),
            default="singing",
        ),
        Option(
            key="without",
            label=_("빼고 그릴 것"),
            several=True,
            choices=(
                Choice(key="microphone", label=_("마이크"), only_with=("singing",)),
                Choice(key="audience", label=_("관객"), only_with=("singing",)),
                Choice(key="hanbok", label=_("한복"), only_with=("dancing",)),
                Choice(key="fan", label=_("부채"), only_with=("dancing",)),
                Choice(key="rod", label=_("낚싯대"), only_with=("fishing",)),
                Choice(key="hat", label=_("모자"), only_with=("fishing", "hiking", "gardening", "farming", "seaside")),
                Choice(key="backpack", label=_("배낭"), only_with=("hiking",)),
                Choice(key="tools", label=_("물뿌리개"), only_with=("gardening",)),
                Choice(key="harvest", label=_("채소 바구니"), only_with=("farming",)),
                Choice(key="easel", label=_("이젤"), only_with=("painting",)),
                Choice(key="apron", label=_("앞치마"), only_with=("painting",)),
                Choice(key="brush", label=_("붓"), only_with=("calligraphy",)),
                Choice(key="writing", label=_("글씨"), only_with=("calligraphy",)),
                Choice(key="tea", label=_("찻잔"), only_with=("baduk", "reading")),
                Choice(key="scarf", label=_("스카프"), only_with=("seaside",)),
                Choice(key="steam", label=_("김"), only_with=("cooking",)),
                Choice(key="kimchi", label=_("김치"), only_with=("cooking",)),
                Choice(key="book", label=_("책"), only_with=("reading",)),
                Choice(key="petals", label=_("날리는 꽃잎"), only_with=("blossoms",)),
                Choice(key="helmet", label=_("헬멧"), only_with=("cycling",)),
                Choice(key="bicycle", label=_("자전거"), only_with=("cycling",)),
                Choice(key="cap", label=_("모자"), only_with=("golf",)),
                Choice(key="club", label=_("골프채"), only_with=("golf",)),
                Choice(key="cat", label=_("고양이"), only_with=("knitting",)),
            ),
        ),
        Option(
            key="expression",
            label=_("표정"),
            choices=(
                Choice(key="gentle_smile", label=_("잔잔한 미소")),
                Choice(key="calm", label=_("차분하게")),
            ),
            default="gentle_smile",
        ),
        GLASSES,
    ),
    ahead=timedelta(hours=1),
)
LIVING_VIDEO = Product(
    key="living_video",
    label=_("메모리얼 비디오"),
    promise=_("사진 한 장이 조용히 숨 쉬고 눈을 깜빡이는 짧은 영상이 됩니다."),
    workflow="living_video",
    slots=("photo",),
    candidates=1,
    picks=1,
    options=(
        Option(
            key="motion",
            label=_("움직임"),
            choices=(
                Choice(key="breath", label=_("숨결과 눈 깜빡임")),
                Choice(key="breeze", label=_("머리카락에 이는 바람")),
                Choice(key="smile", label=_("옅은 미소")),
            ),
            default="breath",
        ),
        # Means anything only where a portrait is ordered as well: Item.follows_portrait.
        Option(
            key="source",
            label=_("바탕"),
            choices=(
                Choice(key="photo", label=_("받은 사진")),
                Choice(key="portrait", label=_("승인된 영정사진으로 만들기")),
            ),
            default="photo",
            for_workflow=False,
        ),
    ),
    ahead=timedelta(minutes=40),
)
PRODUCTS = MappingProxyType({product.key: product for product in (PORTRAIT, LIFE_SCENE, LIVING_VIDEO)})
