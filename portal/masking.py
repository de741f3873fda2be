"""Nothing that opens a door gets into a log: the tokens of families' links, of invitations and of new passwords."""

import logging
import re

# Whoever has such an address may come in, without a login.
OPEN_BY_KEY = ("/f/", "/g/", "/stop/")
# And these are good for one person, once.
_ONCE = ("/join/", "/accounts/password/reset/key/")
_TOKENS = re.compile(rf"(?P<place>{'|'.join((*OPEN_BY_KEY, *_ONCE))})[^/\s?#\"'<>]+")


def masked(text: str) -> str:
    return _TOKENS.sub(r"\g<place>…", text)


class MaskingFormatter(logging.Formatter):
    """Masks the finished line, so that a path in an argument or in a traceback is masked as well."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))
