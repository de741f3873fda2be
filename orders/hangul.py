"""초성: finding a Korean name by the first consonants of its syllables."""

import re
import unicodedata

# The initial consonants in the order of their syllables: each leads 588 of them, beginning at 가.
INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
SYLLABLES_PER_INITIAL = 21 * 28
FIRST, LAST = ord("가"), ord("힣")

# A keyboard joins ㄱ and ㅅ typed one after the other; whoever looks for 강산 by 초성 types them like that.
_JOINED = str.maketrans(
    {"ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ"}
    | {"ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ"}
)


def tidy(text: str) -> str:
    """Composed (NFC), without control characters, runs of blanks as one: a name as it is kept."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(char if unicodedata.category(char)[0] != "C" else " " for char in composed).split())


def initials(text: str) -> str:
    """``김철수`` as ``ㄱㅊㅅ``; other letters and digits stay, in lower case, and blanks fall away."""
    return "".join(_initial(char) for char in tidy(text) if not char.isspace()).lower()


def _initial(char: str) -> str:
    if FIRST <= ord(char) <= LAST:
        return INITIALS[(ord(char) - FIRST) // SYLLABLES_PER_INITIAL]
    return char


def spread(text: str) -> str:
    """What was typed to search by, with joined consonants taken apart: ``ㄳ`` as ``ㄱㅅ``."""
    return tidy(text).translate(_JOINED)


def asks_for_initials(text: str) -> bool:
    return any(char in INITIALS for char in text)


def pattern(text: str) -> str:
    """A regular expression in which a lone consonant stands for every syllable it leads: ``김ㅊㅅ`` finds 김철수."""
    return "".join(_range(char) if char in INITIALS else re.escape(char) for char in text)


def _range(initial: str) -> str:
    first = FIRST + INITIALS.index(initial) * SYLLABLES_PER_INITIAL
    return f"[{initial}{chr(first)}-{chr(first + SYLLABLES_PER_INITIAL - 1)}]"
