"""Why an item came back to staff, in sentences that name whose turn it is and what to do."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# A reviewer's own words; they stand in `Item.return_reason`.
BY_REVIEWER = "reviewer"
WITHDRAWN = "withdrawn"
ORDER_CANCELLED = "order_cancelled"
ERASED = "erased"
NOT_COVERED = "not_covered"
STOPPED = "stopped"

# Faults of gpujobs.faults that another photo mends.
PHOTO_FAULTS: dict[str, Promise] = {
    "no_face": _("사진에서 얼굴을 찾지 못했습니다. 얼굴이 크고 또렷하게 나온 다른 사진을 올린 뒤 다시 맡겨 주세요."),
    "unreadable_photo": _("사진 파일을 읽지 못했습니다. 원본 사진을 다시 올린 뒤 다시 맡겨 주세요."),
}
SENTENCES: dict[str, Promise] = {
    **PHOTO_FAULTS,
    WITHDRAWN: _("동의가 철회되어 제작을 멈추었습니다. 동의를 다시 받기 전에는 만들 수 없습니다."),
    NOT_COVERED: _("지금의 동의로는 만들 수 없어 멈추었습니다. 동의를 다시 받거나 사진을 바꾼 뒤 다시 맡겨 주세요."),
    ORDER_CANCELLED: _("의뢰가 취소되어 제작을 멈추었습니다."),
    ERASED: _("보관이 끝나 사진과 파일을 모두 파기했습니다."),
    STOPPED: _("제작이 중단되었습니다. ‘다시 만들기’를 누르면 처음부터 다시 만듭니다."),
}
OTHER = _("만드는 중에 장비에 문제가 생겼습니다. 사진은 그대로 두고 ‘다시 만들기’를 눌러 주세요.")


def sentence(code: str) -> str:
    return str(SENTENCES.get(code, OTHER))
