"""What an erasure does to the rows of an order: per model, which go, which fields are emptied, which stay and why.

A test walks every model that belongs to an order and fails for a field that is not declared here. Whoever adds one
decides with it what becomes of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model

from orders.models import (
    Approval,
    Arrival,
    Candidate,
    Consent,
    Deliverable,
    Download,
    DownloadLink,
    FamilyAnswer,
    FamilyLink,
    Finish,
    Item,
    Objection,
    Order,
    Photo,
    Showing,
)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """``path``: from the model to its order, as a query spells it; empty of the order itself.

    ``emptied``: field to what it becomes. ``kept``: fields that say nothing of a person. Keys and references to other
    rows need no declaration. Neither of both: the rows are removed.
    """

    model: type[Model]
    path: str
    emptied: Mapping[str, Any] = field(default_factory=dict)
    kept: Sequence[str] = ()

    @property
    def are_removed(self) -> bool:
        return not self.emptied and not self.kept

    def of(self, order: Order) -> Any:
        return self.model._default_manager.filter(**{self.path or "pk": order.pk})


# In this order: what refers to others goes before them.
ROWS: tuple[Rows, ...] = (
    Rows(model=Download, path="link__order"),
    Rows(model=DownloadLink, path="order"),
    Rows(model=Deliverable, path="item__order"),
    Rows(model=Finish, path="approval__candidate__item__order"),
    Rows(model=Approval, path="candidate__item__order"),
    Rows(model=FamilyAnswer, path="item__order"),
    Rows(model=Showing, path="candidate__item__order"),
    Rows(model=Candidate, path="item__order"),
    Rows(model=Arrival, path="link__order"),
    Rows(model=Photo, path="order"),
    # That somebody objected and when it was settled stands in the audit; their words are theirs.
    Rows(model=Objection, path="order"),
    Rows(model=FamilyLink, path="order"),
    # That somebody agreed, to which words and how, and whether it was taken back, must be provable (PIPA art. 22);
    # by whom it was is gone, and the hash still tells whether a paper somebody brings is the one that was here.
    Rows(
        model=Consent,
        path="order",
        emptied={
            "signer_name": "",
            "relationship": "",
            "known_wishes": "",
            "evidence": "",
            "address": None,
            "user_agent": "",
        },
        kept=(
            "code",
            "text_sha256",
            "scope",
            "method",
            "evidence_sha256",
            "signed_at",
            "withdrawn_at",
            "superseded_at",
        ),
    ),
    # What was ordered is what a home is billed for.
    Rows(
        model=Item,
        path="order",
        emptied={"options": {}, "return_code": "", "return_reason": "", "cut": {}},
        kept=("code", "product_key", "state", "round", "offered_at", "changed_at"),
    ),
    Rows(
        model=Order,
        path="",
        emptied={
            "name": "",
            "hanja": "",
            "initials": "",
            "sex": "",
            "born_on": None,
            "died_on": None,
            "hall": "",
            "procession_at": None,
            "burial_place": "",
            "mourner_name": "",
            "mourner_relation": "",
            "mourner_phone": "",
            "religion": "",
            "altar_at": None,
            "needed_at": None,
            "unread": {},
            "typed": {},
            "edited_in": None,
        },
        kept=(
            "code",
            "made_for",
            "edited_at",
            "created_at",
            "updated_at",
            "submitted_at",
            "cancelled_at",
            "delivered_at",
            "erased_at",
        ),
    ),
)
# The documents of the end itself: they name no one of the family.
STAYING: dict[str, str] = {
    "orders.Erasure": "the certificate",
    "orders.SourceRemoval": "part of the certificate",
    "orders.LegalHold": "why the data could not be erased for a while",
    "orders.Fingerprint": "hashes of what left, by which /verify knows a file; names nobody",
}
