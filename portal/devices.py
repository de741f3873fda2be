"""What a browser calls itself, in words that its owner knows it by."""

from django.utils.translation import gettext as _

# The first that is found; the order matters, since each of them also claims to be some of those after it.
BROWSERS = (
    ("KAKAOTALK", "KakaoTalk"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Whale", "Whale"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
MACHINES = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


def device(browser: str) -> str:
    """``Windows · Chrome`` from a User-Agent; what is not known is said to be so."""
    found = [next((name for mark, name in kinds if mark in browser), "") for kinds in (MACHINES, BROWSERS)]
    return " · ".join(filter(None, found)) or _("알 수 없는 기기")
