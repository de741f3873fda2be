"""What happened with an order, newest first, in sentences: the audit as staff may read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.utils.translation import gettext_lazy, ngettext

from orders.models import Order
from portal.models import AuditEvent

SENTENCES = {
    "order.created": gettext_lazy("의뢰를 만들었습니다."),
    "order.edited": gettext_lazy("내용을 적었습니다."),
    "order.submitted": gettext_lazy("의뢰를 보냈습니다."),
    "order.cancelled": gettext_lazy("의뢰를 취소했습니다."),
    "consent.recorded": gettext_lazy("동의를 기록했습니다."),
    "consent.withdrawn": gettext_lazy("동의를 철회했습니다."),
    "objection.recorded": gettext_lazy("유가족의 이의를 적었습니다."),
    "objection.settled": gettext_lazy("유가족의 이의를 정리했습니다."),
    "item.resubmitted": gettext_lazy("다시 맡겼습니다."),
    "item.made_again": gettext_lazy("다시 만들게 했습니다."),
    "item.begun": gettext_lazy("영정사진이 승인되어 영상을 만들기 시작했습니다."),
    "item.waits_again": gettext_lazy("영정사진 승인이 취소되어 영상이 다시 기다립니다."),
    "item.from_photo": gettext_lazy("영정사진을 기다리지 않고 받은 사진으로 만들게 했습니다."),
    "item.returned": gettext_lazy("확인을 위해 돌려보냈습니다."),
    "candidate.approved": gettext_lazy("승인했습니다."),
    "candidate.offered": gettext_lazy("가족께 보일 후보를 골랐습니다."),
    "candidate.offer_ended": gettext_lazy("가족께 보이던 후보를 거두었습니다."),
    "candidate.wished": gettext_lazy("바라는 점을 전했습니다."),
    "approval.finished": gettext_lazy("전달할 파일을 만들었습니다."),
    "approval.finished_again": gettext_lazy("마무리를 다시 하게 했습니다."),
    "item.cut": gettext_lazy("자르기를 바꾸었습니다."),
    "print_shop.taken": gettext_lazy("인쇄소용 파일을 받았습니다."),
    "link.issued": gettext_lazy("가족 전달 링크를 만들었습니다."),
    "link.reopened": gettext_lazy("가족 전달 링크를 다시 열었습니다."),
    "link.revoked": gettext_lazy("가족 전달 링크를 닫았습니다."),
    "order.erasure_begun": gettext_lazy("파기를 시작했습니다."),
    "order.erased": gettext_lazy("파기를 마쳤습니다."),
    "order.sources_erased": gettext_lazy("보관 기간이 지난 사진과 후보를 파기했습니다."),
    "hold.placed": gettext_lazy("법적 보존을 걸었습니다."),
    "hold.lifted": gettext_lazy("법적 보존을 풀었습니다."),
    "photo.no_space": gettext_lazy("저장 공간이 부족해 가족이 보낸 사진을 받지 못했습니다."),
    "family_link.issued": gettext_lazy("가족에게 보낼 링크를 만들었습니다."),
    "family_link.revoked": gettext_lazy("가족에게 보낸 링크를 닫았습니다."),
}
ACTORS = {"family": gettext_lazy("가족"), "worker": gettext_lazy("제작 장비"), "system": gettext_lazy("시스템")}
MOST = 200


@dataclass(frozen=True)
class Entry:
    at: datetime
    who: str
    words: str


def of(order: Order) -> Iterator[Entry]:
    """In one query; what one person did several times in a row is one entry."""
    # Who looked, and when, is for the manager's page of the audit.
    events = AuditEvent.objects.filter(subject=order.code).exclude(action__endswith=".read")
    events = events.select_related("actor")[:MOST]
    for (action, _actor), same in groupby(events, key=lambda event: (event.action, event.actor_id)):
        group = list(same)
        if words := _words(action, len(group)):
            yield Entry(group[0].at, _who(group[0]), words)


def _who(event: AuditEvent) -> str:
    return event.actor.name if event.actor else str(ACTORS.get(event.actor_kind, event.actor_kind))


def _words(action: str, count: int) -> str:
    if action == "photo.added":
        return ngettext("사진 %(count)d장을 올렸습니다.", "사진 %(count)d장을 올렸습니다.", count) % {"count": count}
    if action == "photo.removed":
        return ngettext("사진 %(count)d장을 뺐습니다.", "사진 %(count)d장을 뺐습니다.", count) % {"count": count}
    return str(SENTENCES.get(action, ""))
