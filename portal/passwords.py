"""Words that anybody would try first at a place like this."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.models import User

# In any spelling; the home's and the company's own names come with the person.
OWN_WORDS = ("connectdream", "커넥트드림", "장례식장", "상조", "funeral", "memorial", "영정사진")


class OwnWordsValidator:
    """Refuses a password that is hardly more than a word of this place: fewer than six characters besides."""

    LEAST_BESIDES = 6

    def validate(self, password: str, user: User | None = None) -> None:
        said = _plain(password)
        for word in (*OWN_WORDS, *_names_around(user)):
            plain = _plain(word)
            if len(plain) >= 2 and plain in said and len(said.replace(plain, "")) < self.LEAST_BESIDES:
                raise ValidationError(
                    _("이곳과 관련된 말이 대부분인 비밀번호입니다. 다른 말을 더해 주세요."), "own_words"
                )

    def get_help_text(self) -> str:
        return str(_("이곳의 이름이나 하는 일만으로 이루어진 비밀번호는 쓸 수 없습니다."))


def _names_around(user: User | None) -> list[str]:
    home = getattr(user, "home", None)
    company = getattr(home, "company", None)
    return [each.name for each in (home, company) if each is not None]


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
