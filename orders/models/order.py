"""An order: one person, what is wanted for them and by when."""

import uuid
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders import hangul, reading, returns
from orders.models.order_state import (
    Missing,
    OrderQuerySet,
    OrderState,
    missing_consent,
    missing_facts,
    missing_photos,
    state_of,
)
from orders.products import PRODUCTS, Product
from portal.models import FuneralHome, User

if TYPE_CHECKING:
    from orders.models.candidate import Candidate
    from orders.models.consent import Consent


class Order(models.Model):
    """Kept as typed from the first letter on; nothing is demanded before it is submitted.

    Its state is not stored: it follows from photos, consent and items (`orders.models.order_state`).
    """

    class For(models.TextChoices):
        DECEASED = "deceased", _("고인")
        LIVING = "living", _("생전 준비")

    class Sex(models.TextChoices):
        """Which clothes are drawn; the keys are the workflows' `person`."""

        WOMAN = "woman", _("여")
        MAN = "man", _("남")

    # Chosen when the empty form is shown, so that a form sent twice is one order.
    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    home = models.ForeignKey(FuneralHome, models.PROTECT, related_name="orders")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_for = models.CharField(_("누구를 위한 의뢰"), max_length=10, choices=For.choices, default=For.DECEASED)
    name = models.CharField(_("성함"), max_length=60, blank=True)
    hanja = models.CharField(_("한자"), max_length=60, blank=True)
    # 초성 of the name, e.g. ㄱㅊㅅ, to be found by.
    initials = models.CharField(max_length=60, blank=True, editable=False)
    sex = models.CharField(_("성별"), max_length=5, choices=Sex.choices, blank=True)
    born_on = models.DateField(_("생년월일"), null=True, blank=True)
    died_on = models.DateField(_("별세일"), null=True, blank=True)
    hall = models.CharField(_("빈소"), max_length=60, blank=True)
    procession_at = models.DateTimeField(_("발인 일시"), null=True, blank=True)
    burial_place = models.CharField(_("장지"), max_length=120, blank=True)
    mourner_name = models.CharField(_("상주 성함"), max_length=60, blank=True)
    mourner_relation = models.CharField(_("관계"), max_length=30, blank=True)
    mourner_phone = models.CharField(_("연락처"), max_length=20, blank=True)
    religion = models.CharField(_("종교"), max_length=20, blank=True)
    # 빈소 차림 시각: when the altar is set up and the portrait must hang.
    altar_at = models.DateTimeField(_("빈소 차림 시각"), null=True, blank=True)
    # The clock everybody works by; it is `altar_at` unless another time was given.
    needed_at = models.DateTimeField(_("필요한 시각"), null=True, blank=True)
    # What was typed and cannot be read yet, by field, so that leaving the page loses nothing.
    unread = models.JSONField(default=dict, blank=True)
    # The words a time was read from: the same "2시간 뒤" sent again an hour later means the same moment.
    typed = models.JSONField(default=dict, blank=True, editable=False)
    # The open page that wrote last, so that an older one still open elsewhere does not write over it.
    edited_in = models.UUIDField(null=True, editable=False)
    edited_at = models.DateTimeField(null=True, editable=False)
    edited_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    submitted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = [models.F("needed_at").asc(nulls_last=True), "-created_at"]
        indexes = [models.Index(fields=["home", "needed_at"]), models.Index(fields=["home", "initials"])]

    def __str__(self) -> str:
        return str(self.code)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.initials = hangul.initials(self.name)
        if "name" in (kwargs.get("update_fields") or ()):
            kwargs["update_fields"] = {*kwargs["update_fields"], "initials"}
        super().save(*args, **kwargs)

    @property
    def person(self) -> str:
        """How the person is spoken of: 고 김영자 님."""
        if self.erased_at:
            return str(_("보관이 끝난 의뢰"))
        if not self.name:
            return str(_("성함을 적지 않은 의뢰"))
        words = _("%(name)s 님") if self.made_for == self.For.LIVING else _("고 %(name)s 님")
        return str(words % {"name": self.name})

    @property
    def state(self) -> OrderState:
        return state_of(self)

    def related(self, name: str) -> list[Any]:
        """Its items, photos, consents, objections or links; none of an order that is not kept yet."""
        return list(getattr(self, name).all()) if self.pk else []

    def missing(self) -> list[Missing]:
        """What must be there before it can be submitted and is not, one sentence each."""
        return [*missing_facts(self), *missing_photos(self), *missing_consent(self)]

    @property
    def is_draft(self) -> bool:
        return self.submitted_at is None and not self.is_over

    @property
    def is_over(self) -> bool:
        return self.cancelled_at is not None or self.erased_at is not None

    @property
    def takes_photos(self) -> bool:
        """Whether photos may still come and go: until it is made, and again once something came back."""
        return not self.is_over and (
            self.submitted_at is None or any(item.state == Item.State.RETURNED for item in self.related("items"))
        )

    @property
    def photos_needed(self) -> int:
        return max((item.product.photos_needed for item in self.related("items")), default=1)

    @property
    def shows_others(self) -> bool:
        return any(photo.shows_others for photo in self.related("photos"))

    @property
    def standing_consent(self) -> "Consent | None":
        """The consent that holds now, in the words of this order's path."""
        return next(
            (each for each in self.related("consents") if each.stands and each.text.made_for == self.made_for), None
        )

    @property
    def standing_objections(self) -> list[Any]:
        """What relatives object to and nobody has settled yet."""
        return [each for each in self.related("objections") if each.stands]

    @property
    def is_paused(self) -> bool:
        """Whether nothing may be approved or handed out for now, because a relative objects."""
        return bool(self.standing_objections)

    @property
    def is_on_hold(self) -> bool:
        """Whether nothing of it may be removed, because a legal hold stands; ask with the order's row held."""
        return self.pk is not None and self.holds.standing().exists()

    @property
    def age_group(self) -> str:
        """How old the person is drawn, as the workflows' `age`; the old are the most, so that is what is assumed."""
        if self.born_on is None:
            return "elderly"
        years = ((self.died_on or timezone.localdate()) - self.born_on).days / 365.25
        return "young" if years < 40 else "middle_aged" if years < 60 else "elderly"

    @classmethod
    def label_of(cls, field: str) -> str | Promise:
        return cls._meta.get_field(field).verbose_name  # type: ignore[union-attr]  # of plain fields only

    def facts(self) -> list[tuple[str, str]]:
        """What is known, as label and words, for reading; what was left out is left out."""
        names = ["hanja", "sex", "born_on", "died_on", "hall", "altar_at", "needed_at", "procession_at", "burial_place"]
        names += ["mourner_name", "mourner_relation", "mourner_phone", "religion"]
        values = {name: getattr(self, name) for name in names}
        if self.needed_at == self.altar_at:
            values["needed_at"] = None
        values["sex"] = self.get_sex_display()
        return [(str(self.label_of(name)), _in_words(value)) for name, value in values.items() if value]

    @property
    def folder(self) -> str:
        """Where all its files lie in the storage; taking this away takes everything away."""
        return f"orders/{self.code}"


def _in_words(value: Any) -> str:
    return reading.in_words(value) if isinstance(value, date) else str(value)


class Item(models.Model):
    """One product of an order.

    waiting -> producing -> to_review -> approved
                   ^            ├──> offered to the family, and back: `offered_at` says whose turn it is
                   ^            ├──> producing   (made again)
                   └────────────┴──> returned ──> producing

    One that follows the portrait is waiting until that is approved, and again when the approval is taken back.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("대기")
        PRODUCING = "producing", _("제작 중")
        TO_REVIEW = "to_review", _("검수 대기")
        APPROVED = "approved", _("승인")
        RETURNED = "returned", _("돌려보냄")

    PRODUCT_CHOICES: ClassVar = [(product.key, product.label) for product in PRODUCTS.values()]

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="items")
    product_key = models.CharField(max_length=20, choices=PRODUCT_CHOICES)
    options = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # Counts up each time it is made (again); candidates carry the round they come from.
    round = models.PositiveSmallIntegerField(default=0)
    # Why it came back to staff: a code of orders.returns or gpujobs.faults, and a person's own words if any.
    return_code = models.CharField(max_length=40, blank=True)
    return_reason = models.TextField(blank=True)
    # How a person wants it cut, as orders.finishing.cutting.Wish.as_dict gives it; empty: as usual.
    cut = models.JSONField(default=dict, blank=True)
    # While it is to be reviewed: since when the family may choose among what a reviewer picked for it.
    offered_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "product_key"], name="item_product_once"),
            models.CheckConstraint(condition=Q(state="waiting") | Q(round__gte=1), name="item_round_when_made"),
            models.CheckConstraint(
                condition=Q(offered_at=None) | Q(state="to_review"), name="item_offered_while_reviewed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_key} {self.code}"

    @property
    def product(self) -> Product:
        return PRODUCTS[self.product_key]

    def params(self) -> dict[str, Any]:
        """What the workflow is asked for: the options as chosen, and who is drawn."""
        who = {"person": self.order.sex or "person", "age": self.order.age_group}
        return self.product.params(self.options) | who

    def chosen(self) -> list[str]:
        """What was chosen, in words, without what is the default."""
        options = self.options if self.follows_portrait else {**self.options, "source": ""}
        return self.product.words(options)

    @property
    def follows_portrait(self) -> bool:
        """Whether it is made from the order's approved portrait rather than from a photo."""
        ordered = {item.product_key for item in self.order.related("items")}
        return self.options.get("source") == "portrait" and "portrait" in ordered

    @property
    def awaits_portrait(self) -> bool:
        """Whether it begins by itself once the portrait is approved."""
        sent = self.order.submitted_at is not None and not self.order.is_over
        return sent and self.state == self.State.WAITING and self.follows_portrait

    @property
    def current_candidates(self) -> "models.QuerySet[Candidate]":
        return self.candidates.filter(round=self.round)

    @property
    def wants_photo(self) -> bool:
        """Whether it came back for another photo."""
        return self.state == self.State.RETURNED and self.return_code in returns.PHOTO_FAULTS

    @property
    def why_returned(self) -> str:
        """A sentence for staff: what happened and what to do."""
        return self.return_reason or returns.sentence(self.return_code)

    def move(self, *sources: str, to: str, **changes: object) -> bool:
        """Change state if it is in one of these; false if another was quicker."""
        moved = Item.objects.filter(pk=self.pk, state__in=sources).update(
            **{"state": to, "changed_at": timezone.now(), "offered_at": None} | changes
        )
        if moved:
            self.refresh_from_db()
        return moved == 1
