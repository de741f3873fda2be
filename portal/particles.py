"""The Korean particle that fits a word by how it ends: 사진을, 영상은, 김영자 님을."""

import unicodedata

SYLLABLES = range(0xAC00, 0xD7A4)
FINALS = 28
RIEUL = 8

# How a last letter or digit that is no Hangul is read aloud in Korean: the final consonant's number, 0 where none.
# 0 영 1 일 2 이 3 삼 4 사 5 오 6 육 7 칠 8 팔 9 구; L 엘 M 엠 N 엔 R 알, the other letters end in a vowel.
READ_ALOUD = {"0": 21, "1": RIEUL, "3": 16, "6": 1, "7": RIEUL, "8": RIEUL} | {"l": RIEUL, "m": 16, "n": 4, "r": RIEUL}

PARTICLES = {
    "을/를": ("을", "를"),
    "이/가": ("이", "가"),
    "은/는": ("은", "는"),
    "과/와": ("과", "와"),
    "아/야": ("아", "야"),
    "으로/로": ("으로", "로"),
    "이라/라": ("이라", "라"),
}


def with_particle(word: str, pair: str) -> str:
    """The word and the one of a pair of particles that fits its sound: ("사진", "을/를") gives 사진을.

    A closing bracket or quotation mark is passed over. Raises KeyError for a pair that is not in PARTICLES.
    """
    after_consonant, after_vowel = PARTICLES[pair]
    final = _final(word)
    fits_vowel = final == 0 or (final == RIEUL and pair == "으로/로")
    return word + (after_vowel if fits_vowel else after_consonant)


def _final(word: str) -> int:
    sounded = [c for c in unicodedata.normalize("NFC", word) if c.isalnum()]
    if not sounded:
        return 0
    last = sounded[-1]
    if ord(last) in SYLLABLES:
        return (ord(last) - SYLLABLES.start) % FINALS
    return READ_ALOUD.get(last.lower(), 0)
