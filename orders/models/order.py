"""An order: one person, what is wanted for them and by when."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.products import PRODUCTS, Product
from portal.models import FuneralHome, User


class Order(models.Model):
    """Kept as typed from the first letter on; nothing is demanded before it is submitted.

    Its state is not stored: it follows from photos, consent and items (`orders.models.order_state`).
    """

    class For(models.TextChoices):
        DECEASED = "deceased", _("고인")
        LIVING = "living", _("생전 준비")

    # Chosen when the empty form is shown, so that a form sent twice is one order.
    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    home = models.ForeignKey(FuneralHome, models.PROTECT, related_name="orders")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_for = models.CharField(_("누구를 위한 의뢰"), max_length=10, choices=For.choices, default=For.DECEASED)
    name = models.CharField(_("성함"), max_length=60, blank=True)
    hanja = models.CharField(_("한자"), max_length=60, blank=True)
    # 초성 of the name, e.g. ㄱㅊㅅ, to be found by.
    initials = models.CharField(max_length=60, blank=True, editable=False)
    born_on = models.DateField(_("생년월일"), null=True, blank=True)
    died_on = models.DateField(_("별세일"), null=True, blank=True)
    hall = models.CharField(_("빈소"), max_length=60, blank=True)
    procession_at = models.DateTimeField(_("발인 일시"), null=True, blank=True)
    burial_place = models.CharField(_("장지"), max_length=120, blank=True)
    mourner_name = models.CharField(_("상주 성함"), max_length=60, blank=True)
    mourner_relation = models.CharField(_("관계"), max_length=30, blank=True)
    mourner_phone = models.CharField(_("연락처"), max_length=20, blank=True)
    religion = models.CharField(_("종교"), max_length=20, blank=True)
    needed_at = models.DateTimeField(_("필요한 시각"), null=True, blank=True)
    # What was typed and cannot be read yet, by field, so that leaving the page loses nothing.
    unread = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    submitted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = [models.F("needed_at").asc(nulls_last=True), "-created_at"]
        indexes = [models.Index(fields=["home", "needed_at"]), models.Index(fields=["home", "initials"])]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def is_draft(self) -> bool:
        return self.submitted_at is None and self.cancelled_at is None

    @property
    def folder(self) -> str:
        """Where all its files lie in the storage; taking this away takes everything away."""
        return f"orders/{self.code}"


class Item(models.Model):
    """One product of an order.

    waiting -> producing -> to_review -> approved
                   ^            ├──> producing   (made again)
                   └────────────┴──> returned ──> producing
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
    # Why it came back to staff: a code of gpujobs.faults or a reviewer's words.
    return_code = models.CharField(max_length=40, blank=True)
    return_reason = models.TextField(blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "product_key"], name="item_product_once"),
            models.CheckConstraint(condition=Q(state="waiting") | Q(round__gte=1), name="item_round_when_made"),
        ]

    def __str__(self) -> str:
        return f"{self.product_key} {self.code}"

    @property
    def product(self) -> Product:
        return PRODUCTS[self.product_key]

    def move(self, *sources: str, to: str, **changes: object) -> bool:
        """Change state if it is in one of these; false if another was quicker."""
        moved = Item.objects.filter(pk=self.pk, state__in=sources).update(
            state=to, changed_at=timezone.now(), **changes
        )
        if moved:
            self.refresh_from_db()
        return moved == 1
