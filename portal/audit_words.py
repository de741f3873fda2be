"""Every action of the audit in words, and whose data it is about. A test finds an action that has none."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ACTIONS: dict[str, str | Promise] = {
    # People and logins.
    "login.succeeded": _("로그인함"),
    "login.failed": _("로그인에 실패함"),
    "login.ended": _("로그아웃함"),
    "login.closed": _("열려 있던 로그인을 닫음"),
    "login.idle": _("오래 쓰지 않아 로그아웃됨"),
    "login.locked": _("여러 번 틀려 로그인이 잠김"),
    "password.changed": _("비밀번호를 바꿈"),
    "second_factor.added": _("2단계 인증을 켬"),
    "second_factor.removed": _("2단계 인증을 끔"),
    "second_factor.renewed": _("복구 코드를 새로 만듦"),
    "second_factor.reset": _("2단계 인증을 처음부터 다시 하게 함"),
    "second_factor.failed": _("2단계 인증에 실패함"),
    "person.added": _("계정을 만듦"),
    "person.stopped": _("계정을 멈춤"),
    "person.resumed": _("계정을 다시 엶"),
    "invitation.sent": _("초대를 보냄"),
    "invitation.accepted": _("초대를 받아들임"),
    "invitation.taken_back": _("초대를 거둠"),
    "place.given": _("다른 곳의 일을 맡김"),
    "place.taken": _("다른 곳의 일을 거둠"),
    "place.switched": _("일하는 곳을 바꿈"),
    "place.left": _("다른 곳에서 돌아옴"),
    # Homes and their rules.
    "company.added": _("상조회사를 더함"),
    "home.added": _("장례식장을 더함"),
    "home.changed": _("장례식장 정보를 바꿈"),
    "home.stopped": _("장례식장을 멈춤"),
    "home.resumed": _("장례식장을 다시 엶"),
    "home.periods_changed": _("보관 기간을 바꿈"),
    "home.family_chooses": _("가족이 고르게 할지 정함"),
    "prints.chosen": _("인쇄 크기를 고름"),
    "prints.added": _("인쇄 크기를 더함"),
    "prints.removed": _("인쇄 크기를 뺌"),
    "consent_text.published": _("동의 문구를 새로 냄"),
    # Orders.
    "order.created": _("의뢰를 만듦"),
    "order.edited": _("의뢰 내용을 적음"),
    "order.submitted": _("의뢰를 보냄"),
    "order.cancelled": _("의뢰를 취소함"),
    "photo.added": _("사진을 올림"),
    "photo.removed": _("사진을 뺌"),
    "photo.placed": _("사진의 순서를 바꿈"),
    "photo.face_chosen": _("사진에서 얼굴을 고름"),
    "photo.others_said": _("사진에 다른 분이 있는지 정함"),
    "photo.no_space": _("저장 공간이 부족해 사진을 받지 못함"),
    "consent.recorded": _("동의를 기록함"),
    "consent.withdrawn": _("동의를 철회함"),
    "objection.recorded": _("이의를 적음"),
    "objection.settled": _("이의를 정리함"),
    "item.made_again": _("다시 만들게 함"),
    "item.resubmitted": _("다시 맡김"),
    "item.returned": _("확인을 위해 돌려보냄"),
    "item.approved_short": _("약속한 수보다 적게 승인함"),
    "item.begun": _("기다리던 제작이 시작됨"),
    "item.from_photo": _("영정 대신 사진으로 만들게 함"),
    "item.waits_again": _("영정 승인이 취소되어 다시 기다림"),
    "item.cut": _("자르기를 바꿈"),
    "candidate.ready": _("후보가 만들어짐"),
    "candidate.failed": _("후보를 만들지 못함"),
    "candidate.approved": _("승인함"),
    "candidate.rejected": _("후보를 제외함"),
    "candidate.restored": _("제외한 후보를 되살림"),
    "candidate.offered": _("가족께 보일 후보로 고름"),
    "candidate.offer_ended": _("가족께 보이던 후보를 거둠"),
    "candidate.wished": _("가족이 바라는 점을 전함"),
    "candidate.bytes_differ": _("승인하려던 파일이 달라져 있음"),
    "approval.undone": _("승인을 취소함"),
    "approval.finished": _("전달할 파일이 만들어짐"),
    "approval.finished_again": _("마무리를 다시 하게 함"),
    "print_shop.taken": _("인쇄소용 파일을 받음"),
    # Families.
    "link.issued": _("가족 전달 링크를 만듦"),
    "link.texted": _("가족 전달 링크를 문자로 보냄"),
    "link.revoked": _("가족 전달 링크를 닫음"),
    "link.reopened": _("가족 전달 링크를 다시 엶"),
    "link.unlocked": _("번호를 넣어 전달 링크를 엶"),
    "link.wrong_code": _("전달 링크의 번호를 틀림"),
    "link.visited": _("전달 링크를 엶"),
    "link.downloaded": _("전달 링크에서 받음"),
    "family_link.issued": _("가족에게 보낼 링크를 만듦"),
    "family_link.revoked": _("가족에게 보낸 링크를 닫음"),
    "family_link.visited": _("가족이 링크를 엶"),
    "notices.stopped": _("알림 수신을 거부함"),
    # Looking at personal data.
    "desk.read": _("의뢰 목록을 봄"),
    "desk.searched": _("의뢰를 검색함"),
    "review.read": _("검수할 목록을 봄"),
    "periods.read": _("파기할 의뢰의 목록을 봄"),
    "order.read": _("의뢰를 봄"),
    "photo.read": _("사진을 봄"),
    "candidate.read": _("후보를 봄"),
    "file.read": _("완성 파일을 봄"),
    "consent.read": _("동의 기록을 봄"),
    "audit.read": _("감사 기록을 봄"),
    "audit.exported": _("감사 기록을 내려받음"),
    "audit.pruned": _("2년이 지난 감사 기록을 지움"),
    # The end.
    "hold.placed": _("법적 보존을 걺"),
    "hold.lifted": _("법적 보존을 풂"),
    "order.source_erasure_begun": _("사진과 후보의 파기를 시작함"),
    "order.sources_erased": _("사진과 후보를 파기함"),
    "order.erasure_begun": _("파기를 시작함"),
    "order.erased": _("파기를 마침"),
    "order.erased_late": _("파기 뒤에 남아 있던 파일을 지움"),
    # The fleet.
    "host.added": _("GPU 장비를 더함"),
    "host.removed": _("GPU 장비를 뺌"),
    "host.drained": _("GPU 장비를 쉬게 함"),
    "host.resumed": _("GPU 장비를 다시 씀"),
    "host.restart_command": _("다시 켜는 명령을 바꿈"),
    "host.examine": _("GPU 장비를 진단함"),
    "host.scan": _("GPU 장비에 남은 것을 찾음"),
    "host.scanned": _("GPU 장비에 남은 것을 찾음"),
    "instance.drain": _("ComfyUI를 쉬게 함"),
    "instance.resume": _("ComfyUI를 다시 씀"),
    "instance.restart": _("ComfyUI를 다시 켬"),
    "instance.examine": _("ComfyUI를 진단함"),
}
KINDS: dict[str, str | Promise] = {
    "family": _("가족"),
    "worker": _("제작 장비"),
    "system": _("시스템"),
}
# First parts of actions whose subject is an order.
OF_ORDERS = {
    *("order", "photo", "consent", "objection", "item", "candidate", "approval", "print_shop", "file", "hold"),
    *("link", "family_link"),
}


def words_of(action: str) -> str:
    """In words; the code itself of an action from before or after this version."""
    return str(ACTIONS.get(action, action))


def is_of_order(action: str) -> bool:
    return action.partition(".")[0] in OF_ORDERS
