"""The three products: what each needs, what may be chosen and how many pictures are made of it."""

from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, kw_only=True)
class Choice:
    key: str
    label: Promise


@dataclass(frozen=True, kw_only=True)
class Option:
    """A choice a family or staff makes; its keys are the workflow's parameter values."""

    key: str
    label: Promise
    choices: tuple[Choice, ...]
    default: str

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


PORTRAIT = Product(
    key="portrait",
    label=_("영정사진"),
    promise=_("일상 사진 한 장으로 스튜디오에서 찍은 듯한 영정사진을 만듭니다."),
    workflow="portrait",
    slots=("photo",),
    candidates=4,
    picks=1,
    options=(),
    ahead=timedelta(minutes=40),
)
LIFE_SCENE = Product(
    key="life_scene",
    label=_("인생 더하기"),
    promise=_("사진 세 장으로 생전에 좋아하시던 일을 하시는 모습을 그립니다."),
    workflow="life_scene",
    slots=("photo_1", "photo_2", "photo_3"),
    candidates=3,
    picks=3,
    options=(),
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
    options=(),
    ahead=timedelta(hours=2),
)
PRODUCTS = MappingProxyType({product.key: product for product in (PORTRAIT, LIFE_SCENE, LIVING_VIDEO)})
