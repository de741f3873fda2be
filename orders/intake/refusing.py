"""Why a file is not taken in, in a sentence for the person who sent it."""

import errno
from enum import StrEnum

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What the system says where the disk, or one's share of it, is full.
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class Refusal(StrEnum):
    EMPTY = "empty"
    TOO_BIG = "too_big"
    TOO_MANY_PIXELS = "too_many_pixels"
    NOT_A_PICTURE = "not_a_picture"
    VIDEO = "video"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    UNREADABLE = "unreadable"
    OUT_OF_SPACE = "out_of_space"


SENTENCES: dict[Refusal, Promise] = {
    Refusal.EMPTY: _("빈 파일입니다. 사진을 다시 골라 올려 주세요."),
    Refusal.TOO_BIG: _("파일이 너무 큽니다. 한 장에 %(megabytes)s MB까지 올릴 수 있습니다."),
    Refusal.TOO_MANY_PIXELS: _("사진이 너무 큽니다. %(megapixels)s메가픽셀보다 작게 저장해 올려 주세요."),
    Refusal.NOT_A_PICTURE: _("사진 파일이 아닙니다. JPEG, PNG, HEIC, WebP, TIFF 사진을 올려 주세요."),
    Refusal.VIDEO: _("동영상 파일입니다. 동영상 대신 사진을 올려 주세요."),
    Refusal.UNSUPPORTED_FORMAT: _("받을 수 없는 사진 형식입니다. JPEG, PNG, HEIC, WebP, TIFF로 저장해 올려 주세요."),
    Refusal.TRUNCATED: _("파일이 끝까지 들어 있지 않습니다. 원본 사진을 다시 올려 주세요."),
    Refusal.UNREADABLE: _("파일이 손상되어 사진을 열 수 없습니다. 원본이나 다른 사진을 올려 주세요."),
    Refusal.OUT_OF_SPACE: _("저장 공간이 부족해 사진을 받지 못했습니다. 담당자에게 알리고 잠시 뒤 다시 올려 주세요."),
}


class PhotoRefused(Exception):
    """This file is not taken in and nothing of it was kept; the other files of the same upload are unaffected."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(code.value)
        self.code = code

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, in the reader's language."""
        return str(SENTENCES[self.code]) % {
            "megabytes": settings.UPLOAD_MAX_BYTES // 2**20,
            "megapixels": settings.UPLOAD_MAX_PIXELS // 1_000_000,
        }
