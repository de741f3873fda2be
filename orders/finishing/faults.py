"""Why an approval's files could not be made, and what staff should know of those that were, in sentences."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

BYTES_DIFFER, UNREADABLE, NOT_SIGNED, DISK = "bytes_differ", "unreadable", "not_signed", "disk"
INTERRUPTED, NO_AUTHORITY, VIDEO = "interrupted", "no_authority", "video"
NO_FACE, ENLARGED_HERE, LOOPED_HERE, STILL = "no_face", "enlarged_here", "looped_here", "still"
# Followed by a colon and the prints it is about.
STRETCHED = "stretched"

# Where trying again by itself may help.
PASSING = frozenset({DISK, INTERRUPTED})
SENTENCES: dict[str, Promise] = {
    BYTES_DIFFER: _("승인한 파일이 그 뒤에 바뀌었거나 없어졌습니다. 운영 담당자에게 알려 주세요."),
    UNREADABLE: _("승인한 파일을 열 수 없습니다. 승인을 되돌리고 다시 만들어 주세요."),
    NOT_SIGNED: _("파일에 서명하지 못했습니다. 운영 담당자에게 인증서를 확인해 달라고 알려 주세요."),
    DISK: _("파일을 저장하지 못했습니다. 잠시 뒤 저절로 다시 하며, 지금 다시 하실 수도 있습니다."),
    INTERRUPTED: _("마무리가 중간에 끊겼습니다. 저절로 다시 하며, 지금 다시 하실 수도 있습니다."),
    NO_AUTHORITY: _("동의가 철회되었거나 의뢰가 취소되어 마무리를 멈추었습니다."),
    VIDEO: _("영상을 만들지 못했습니다. 다시 마무리해 보시고, 그래도 되지 않으면 운영 담당자에게 알려 주세요."),
}
REMARKS: dict[str, Promise] = {
    NO_FACE: _("얼굴을 찾지 못해 가운데를 기준으로 잘랐습니다. 자르기를 확인해 주세요."),
    ENLARGED_HERE: _("크게 만들 장비가 없어 보통 방법으로 늘렸습니다. 인쇄하면 조금 부드럽게 보일 수 있습니다."),
    LOOPED_HERE: _(
        "영상을 매끄럽게 할 장비가 없어, 만든 영상을 그대로 앞뒤로 이었습니다. 움직임이 조금 끊겨 보일 수 있습니다."
    ),
    STILL: _("움직임이 없는 영상입니다."),
    STRETCHED: _("사진의 화소보다 크게 늘린 인쇄가 있습니다. 조금 부드럽게 보일 수 있습니다: %(prints)s"),
}


def sentence(code: str) -> str:
    return str(SENTENCES.get(code, SENTENCES[INTERRUPTED]))


def remarks(codes: list[str]) -> list[str]:
    parted = (code.partition(":") for code in codes)
    return [str(REMARKS[code]) % {"prints": prints} for code, _colon, prints in parted if code in REMARKS]
