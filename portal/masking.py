"""Nothing that opens a door gets into a log: the tokens of families' links, of invitations and of new passwords."""

import logging
import re

_TOKENS = re.compile(r"(?P<place>/(?:f|g|join|stop|accounts/password/reset/key)/)[^/\s?#\"'<>]+")


def masked(text: str) -> str:
    return _TOKENS.sub(r"\g<place>…", text)


class MaskingFormatter(logging.Formatter):
    """Masks the finished line, so that a path in an argument or in a traceback is masked as well."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))
