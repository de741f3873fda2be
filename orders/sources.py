"""Which pictures an item is made from: the order's photos, or the approved portrait where a video is to show that."""

from collections.abc import Iterable

from django.utils.translation import ngettext

from gpujobs import workflows
from orders import working_picture
from orders.models import Approval, Candidate, Item, Order
from orders.products import Product


class TooFewPhotos(Exception):
    """The sentence that says how many are needed."""


def pictures(order: Order, item: Item) -> dict[str, str]:
    """{slot: stored name}: the order's photos in their order, without leaving one out or using one twice.

    Raises TooFewPhotos.
    """
    slots = item.product.slots
    portrait = approved_portrait(order) if item.follows_portrait else None
    if portrait is not None:
        return dict.fromkeys(slots, portrait.file)
    photos = list(order.photos.all()[: item.product.photos_needed])
    if len(photos) < len(slots):
        needs = ngettext(
            "‘%(product)s’에는 사진 %(count)d장이 필요합니다.",
            "‘%(product)s’에는 사진 %(count)d장이 필요합니다.",
            len(slots),
        )
        raise TooFewPhotos(needs % {"product": item.product.label, "count": len(slots)})
    for_video = has_shapes(item.product)
    filled = {slot: working_picture.of(photo, for_video=for_video) for slot, photo in zip(slots, photos, strict=True)}
    return filled | _pose(order, item)


def _pose(order: Order, item: Item) -> dict[str, str]:
    """The second photo, where a portrait is to take its pose. Where there is none, or no face was found in it, the
    studio's pose is drawn: a wish that cannot be met keeps no portrait waiting."""
    if item.product.clean(item.options).get("pose") != "second_photo":
        return {}
    second = order.photos.all()[1:2].first()
    return {} if second is None or second.main_face is None else {"pose": working_picture.of(second)}


def has_shapes(product: Product) -> bool:
    """Whether its workflow makes a picture of one of several shapes."""
    return any(param.name == "shape" for param in workflows.get(product.workflow).params)


def must_wait(order: Order, item: Item) -> bool:
    """Whether it is to show the approved portrait and there is none yet."""
    return item.follows_portrait and approved_portrait(order) is None


def approved_portrait(order: Order) -> Candidate | None:
    return Candidate.objects.filter(
        item__order=order, item__product_key="portrait", item__state=Item.State.APPROVED, approval__isnull=False
    ).first()


def made_from(portrait: Candidate) -> Iterable[Item]:
    """Items whose candidates of this round show this portrait, approved or not."""
    others = portrait.item.order.items.exclude(pk=portrait.item_id)
    return [item for item in others if any(_shows(each, portrait) for each in _of_round(item))]


def is_approved_from(portrait: Candidate) -> bool:
    """Whether something that shows this portrait is approved itself."""
    approvals = Approval.objects.filter(candidate__item__order=portrait.item.order_id).exclude(candidate=portrait)
    return any(_shows(each.candidate, portrait) for each in approvals.select_related("candidate__job"))


def stands(candidate: Candidate) -> bool:
    """Whether the portrait that a candidate was made from, if any, is still the approved one."""
    portrait = approved_portrait(candidate.item.order)
    made = f"{candidate.item.order.folder}/candidates/"
    shown = [name for name in candidate.job.images.values() if name.startswith(made)]
    return all(portrait is not None and name == portrait.file for name in shown)


def _of_round(item: Item) -> Iterable[Candidate]:
    return item.current_candidates.select_related("job")


def _shows(candidate: Candidate, portrait: Candidate) -> bool:
    return bool(portrait.file) and portrait.file in candidate.job.images.values()
