"""Small things as a browser sends them, read strictly: what is not one is nothing."""

from uuid import UUID


def whole(text: str, *, digits: int) -> int | None:
    """The number that ASCII digits alone spell, at most so many of them."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def code(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def words(text: str) -> str:
    """Without blanks around it, and without NUL, which PostgreSQL does not keep."""
    return text.replace("\x00", "").strip()
