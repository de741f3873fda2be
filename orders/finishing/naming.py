"""What the browser saves a finished file as, and what a page calls it."""

import unicodedata
from itertools import count

from django.utils.functional import Promise

from orders.finishing import pieces, prints, video
from orders.finishing.pieces import Piece
from orders.models import Approval, Deliverable, Item

LABELS: dict[str, str | Promise] = {
    **{f"{kind}-{preset.key}": preset.label for preset in (*prints.USUAL, prints.SCENE) for kind in ("print", "pdf")},
    **{variant: label for variant, (_size, label) in (pieces.SCREENS | video.FRAMES).items()},
    "poster": video.POSTER,
    "sheet": pieces.SHEET,
}


def label_of(file: Deliverable) -> str:
    """In the reader's language, e.g. "11×14인치"; a size of a home's own as the home calls it."""
    return file.own_label or str(LABELS.get(file.variant, file.variant))


def download_name(item: Item, approval: Approval, piece: Piece) -> str:
    """E.g. "고 김영자 님 영정사진 11x14인치.jpg": NFC, no folders, one of each among the item's files."""
    number = ""
    if item.product.picks > 1:
        number = f" {approval.candidate.number}"
    words = f"{item.order.person} {item.product.label}{number} {piece.words}"
    words = unicodedata.normalize("NFC", words)
    kept = "".join(letter for letter in words if letter.isprintable() and letter not in '/\\:*?"<>|').strip(" .")[:100]
    others = item.deliverables.exclude(approval=approval, variant=piece.variant)
    taken = set(others.values_list("download_name", flat=True))
    endings = ("" if again == 1 else f" ({again})" for again in count(1))
    return next(name for ending in endings if (name := f"{kept}{ending}{piece.suffix}") not in taken)
