"""The order form: everything may be left out or wrong, and nothing that was typed is lost."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise, lazystr
from django.utils.translation import gettext_lazy as _

from orders import hangul, reading
from orders.models import Order
from orders.products import PRODUCTS, Option, Product
from portal import given
from portal.templatetags.portal_format import until

# What an unreadable field keeps; nobody types more by hand.
LONGEST_KEPT = 500

RELIGIONS = (_("기독교"), _("천주교"), _("불교"), _("원불교"), _("무교"))
RELATIONS = (_("아들"), _("딸"), _("배우자"), _("며느리"), _("사위"), _("손자"), _("손녀"), _("형제"), _("자매"))


class WordsField(forms.CharField):
    """A name or a place: composed, without control characters, blanks tidied."""

    def to_python(self, value: Any) -> str:
        return hangul.tidy(super().to_python(value) or "")


class ReadField(forms.CharField):
    """Text that means a date, a time or a number; its value is what `read` makes of it, None where it is empty."""

    def __init__(self, read: Callable[[str], Any], **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)
        self.read = read

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return self.read(text)
        except reading.Unreadable as unread:
            raise ValidationError(str(unread.sentence)) from unread


class SegmentedRadio(forms.RadioSelect):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attrs={"class": "segmented"}, **kwargs)


def _words(name: str, *, suggest: str = "", **attrs: str | Promise) -> WordsField:
    field = Order._meta.get_field(name)
    if suggest:
        attrs["list"] = suggest
    return WordsField(
        label=lazystr(Order.label_of(name)),
        required=False,
        max_length=field.max_length,  # type: ignore[union-attr]  # of plain fields only
        error_messages={"max_length": _("너무 깁니다. %(limit_value)d자까지 적을 수 있습니다.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"} | attrs),
    )


def _read(name: str, read: Callable[[str], Any], example: str | Promise, **attrs: str) -> ReadField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "placeholder": example} | attrs)
    return ReadField(read, label=Order.label_of(name), required=False, widget=widget)


class OrderForm(forms.Form):
    """The facts of an order, and while it is a draft what is wanted.

    Always bound: to what was sent, or to what the order holds (`of`), so that a field that cannot be read says so
    whenever the page is shown. `is_valid` is about readability alone; nothing is required.
    """

    made_for = forms.ChoiceField(
        label=_("누구를 위한 의뢰입니까"), choices=Order.For.choices, required=False, widget=SegmentedRadio
    )
    name = _words("name", placeholder=_("김영자"))
    hanja = _words("hanja")
    sex = forms.ChoiceField(label=_("성별"), choices=Order.Sex.choices, required=False, widget=SegmentedRadio)
    born_on = _read("born_on", reading.read_birth, "1948-03-05, 480305")
    died_on = _read("died_on", reading.read_death, _("오늘, 11월 21일"))
    hall = _words("hall", suggest="halls", placeholder=_("특실 2호"))
    altar_at = _read("altar_at", reading.read_moment, _("오늘 14:30, 내일 오전 9시"))
    needed_at = _read("needed_at", reading.read_moment, _("오늘 14:30, 11월 25일 10:00"))
    procession_at = _read("procession_at", reading.read_moment, _("모레 오전 7시"))
    burial_place = _words("burial_place")
    mourner_name = _words("mourner_name")
    mourner_relation = _words("mourner_relation", suggest="relations")
    mourner_phone = _read("mourner_phone", reading.read_phone, "010-1234-5678", inputmode="tel")
    religion = _words("religion", suggest="religions")

    # Read from words that mean another moment later on.
    TIMES = ("died_on", "altar_at", "needed_at", "procession_at")

    order: Order

    def __init__(self, data: MultiValueDict[str, Any], *, order: Order) -> None:
        super().__init__(data)
        self.order = order
        for product in PRODUCTS.values():
            for option in product.options:
                self.fields[field_name(product, option)] = _option_field(option)
        for name in self.typed_fields():
            self.fields[name].widget.attrs["aria-describedby"] = f"said-{name}"

    @classmethod
    def of(cls, order: Order) -> "OrderForm":
        """The form as the order has it, what was not understood included."""
        data = QueryDict(mutable=True)
        for name in cls.base_fields:
            data[name] = order.unread.get(name) or shown(getattr(order, name))
        if order.needed_at == order.altar_at and "needed_at" not in order.unread:
            data["needed_at"] = ""
        items = {item.product_key: item.options for item in order.related("items")}
        data.setlist("want", list(items))
        for product in PRODUCTS.values():
            chosen = product.clean(items.get(product.key, {}))
            for option in product.options:
                value = chosen[option.key]
                data.setlist(field_name(product, option), value if isinstance(value, list) else [value])
        return cls(data, order=order)

    @classmethod
    def typed_fields(cls) -> list[str]:
        """The fields in which words are typed, rather than one of a few chosen."""
        return [name for name, field in cls.base_fields.items() if isinstance(field, forms.CharField)]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        for name in self.TIMES:
            text = self.text(name)
            if text and self.order.typed.get(name) == text and (kept := getattr(self.order, name)):
                cleaned[name] = kept
        born, died = cleaned.get("born_on"), cleaned.get("died_on")
        if born and died and died < born:
            self.add_error("died_on", _("별세일이 생년월일보다 이릅니다."))
        return cleaned

    def text(self, name: str) -> str:
        """What was typed, as far as it is kept."""
        return given.words(str(self.data.get(name, "")))[:LONGEST_KEPT]

    @property
    def facts(self) -> dict[str, Any]:
        """The model's fields as read, by name; one that could not be read is empty."""
        self.is_valid()
        found = {name: self.cleaned_data.get(name) for name in self.base_fields}
        for name, value in found.items():
            if value is None and not Order._meta.get_field(name).null:
                found[name] = ""
        found["made_for"] = found["made_for"] or Order.For.DECEASED
        if not found["needed_at"] and found["made_for"] == Order.For.DECEASED:
            found["needed_at"] = found["altar_at"]
        return found

    @property
    def unread(self) -> dict[str, str]:
        return {name: self.text(name) for name in self.errors if name in self.base_fields}

    @property
    def typed(self) -> dict[str, str]:
        return {name: text for name in self.TIMES if (text := self.text(name)) and name not in self.errors}

    @property
    def wants(self) -> dict[str, dict[str, Any]]:
        """Product key to options, in the products' order; a key nobody offers is left out."""
        wanted = _list(self.data, "want")
        return {
            key: product.clean({option.key: self._chosen(product, option) for option in product.options})
            for key, product in PRODUCTS.items()
            if key in wanted
        }

    def _chosen(self, product: Product, option: Option) -> Any:
        name = field_name(product, option)
        return _list(self.data, name) if option.several else self.data.get(name)

    @property
    def said(self) -> dict[str, str]:
        """How each date, time and number was read, in words."""
        found = {name: self.cleaned_data.get(name) for name in self.facts if name not in self.errors}
        said = {name: _said(value) for name, value in found.items() if isinstance(value, date)}
        born, died = found.get("born_on"), found.get("died_on")
        if born:
            said["born_on"] += " · " + _("만 %(years)d세") % {"years": _years(born, died or timezone.localdate())}
        return said

    @property
    def page(self) -> UUID:
        """Which open page this comes from; one that does not say is a page of its own."""
        return given.code(str(self.data.get("page"))) or uuid4()

    @property
    def seen(self) -> datetime | None:
        """When the order had last been written as the page was made."""
        try:
            seen = datetime.fromisoformat(str(self.data.get("seen")))
        except ValueError:
            return None
        return seen if timezone.is_aware(seen) else None


def field_name(product: Product, option: Option) -> str:
    return f"{product.key}-{option.key}"


def _option_field(option: Option) -> forms.Field:
    choices = [(choice.key, choice.label) for choice in option.choices]
    if option.several:
        return forms.MultipleChoiceField(
            label=lazystr(option.label), choices=choices, required=False, widget=forms.CheckboxSelectMultiple
        )
    widget = SegmentedRadio() if len(choices) <= 6 else forms.Select()
    return forms.ChoiceField(label=lazystr(option.label), choices=choices, required=False, widget=widget)


def shown(value: Any) -> str:
    """A value as it may be typed again."""
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value or "")


def _said(value: date) -> str:
    """A day; of a moment also how far away it is."""
    return f"{reading.in_words(value)} · {until(value)}" if isinstance(value, datetime) else reading.in_words(value)


def _years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _list(data: Any, name: str) -> list[str]:
    return [str(value) for value in data.getlist(name)]
