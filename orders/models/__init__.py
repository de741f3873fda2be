"""What a funeral home asks for and what a family receives."""

from orders.models.arrival import Arrival
from orders.models.candidate import Approval, Candidate
from orders.models.choice import FamilyAnswer, Showing
from orders.models.consent import Consent, ConsentText
from orders.models.delivery import Deliverable, Download, DownloadLink
from orders.models.erasure import Erasure, LegalHold, SourceRemoval
from orders.models.family_link import FamilyLink
from orders.models.finish import Fingerprint, Finish, PrintPreset
from orders.models.objection import Objection
from orders.models.order import Item, Order
from orders.models.order_state import Missing, OrderState
from orders.models.photo import Photo

__all__ = [
    "Approval",
    "Arrival",
    "Candidate",
    "Consent",
    "ConsentText",
    "Deliverable",
    "Download",
    "DownloadLink",
    "Erasure",
    "FamilyAnswer",
    "FamilyLink",
    "Fingerprint",
    "Finish",
    "Item",
    "LegalHold",
    "Missing",
    "Objection",
    "Order",
    "OrderState",
    "Photo",
    "PrintPreset",
    "Showing",
    "SourceRemoval",
]
