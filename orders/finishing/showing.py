"""How far the files of an item's approvals are, in words for a page. Reads, never writes."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from orders.finishing import faults
from orders.models import Deliverable, Finish, Order

State = Finish.State


@dataclass(frozen=True, kw_only=True)
class FilesNow:
    """Of one item; ``files`` are those that are there, in the order they were made."""

    finishes: list[Finish]
    files: list[Deliverable]

    @property
    def is_failed(self) -> bool:
        return any(each.state == State.FAILED for each in self.finishes)

    @property
    def is_under_way(self) -> bool:
        return any(each.is_under_way for each in self.finishes)

    @property
    def is_ready(self) -> bool:
        return bool(self.finishes) and not self.is_failed and not self.is_under_way

    @property
    def percent(self) -> int:
        total = sum(each.total or 1 for each in self.finishes)
        done = sum((each.total or 1) if each.state == State.FINISHED else each.done for each in self.finishes)
        return int(100 * done / total) if total else 0

    @property
    def doing(self) -> str:
        states = {each.state for each in self.finishes}
        if State.CUTTING in states:
            cutting = next(each for each in self.finishes if each.state == State.CUTTING)
            if cutting.total:
                given = {"number": min(cutting.done + 1, cutting.total), "total": cutting.total}
                return _("인쇄용과 화면용 파일을 만들고 있습니다 · %(number)d/%(total)d") % given
            return _("인쇄용과 화면용 파일을 만들고 있습니다")
        if State.ON_GPU in states:
            return _("승인한 것을 더 크고 매끄럽게 만들고 있습니다")
        return _("마무리를 기다리고 있습니다")

    @property
    def faults(self) -> list[str]:
        """Sentences, each once."""
        failed = [each.fault for each in self.finishes if each.state == State.FAILED]
        return [faults.sentence(code) for code in dict.fromkeys(failed)]

    @property
    def remarks(self) -> list[str]:
        codes = [code for each in self.finishes if each.state == State.FINISHED for code in each.remarks]
        return faults.remarks(list(dict.fromkeys(codes)))

    @property
    def may_be_tried(self) -> bool:
        """Whether trying again can help: not where the family's word no longer stands."""
        return any(each.state == State.FAILED and each.fault != faults.NO_AUTHORITY for each in self.finishes)

    @property
    def is_makeshift(self) -> bool:
        """Whether a GPU could still make them larger or smoother."""
        return any(each.is_makeshift for each in self.finishes)

    @property
    def prints(self) -> list[Deliverable]:
        return [file for file in self.files if file.is_print]

    @property
    def sheet(self) -> Deliverable | None:
        return next((file for file in self.files if file.variant == "sheet"), None)

    @property
    def state(self) -> list[object]:
        return [(each.state, each.done, each.run) for each in self.finishes]


def of_order(order: Order) -> dict[int, FilesNow]:
    """By the item's primary key; in two queries."""
    made = Finish.objects.filter(approval__candidate__item__order=order).select_related("approval__candidate")
    return _by_item(made.prefetch_related("approval__deliverables").order_by("approval__candidate__number"))


def _by_item(finishes: Iterable[Finish]) -> dict[int, FilesNow]:
    groups: dict[int, list[Finish]] = {}
    for finish in finishes:
        groups.setdefault(finish.approval.candidate.item_id, []).append(finish)
    return {
        item: FilesNow(finishes=group, files=[file for each in group for file in each.approval.deliverables.all()])
        for item, group in groups.items()
    }
