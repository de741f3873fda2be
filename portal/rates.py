"""How often each thing that can be guessed at or flooded may be done: the one place where the numbers stand.

Settings hand allauth's own to allauth; the rest are asked for by name through `portal.limits`.
"""

from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60


@dataclass(frozen=True)
class Rate:
    """So many times in so many seconds, counted for each address, person or key (an e-mail, a link)."""

    times: int
    seconds: int
    per: str

    def __str__(self) -> str:
        """As allauth writes it."""
        return f"{self.times}/{self.seconds}s/{self.per}"


ALLAUTH: dict[str, tuple[Rate, ...]] = {
    # 30 attempts a minute from one address: a whole desk may share it.
    "login": (Rate(30, MINUTE, "ip"),),
    # 10 failures a minute from one address; 5 in five minutes and 20 in a day for one e-mail; then they wait.
    "login_failed": (Rate(10, MINUTE, "ip"), Rate(5, 5 * MINUTE, "key"), Rate(20, DAY, "key")),
    # 20 mails an hour asked for from one address, 5 an hour for one e-mail.
    "reset_password": (Rate(20, HOUR, "ip"), Rate(5, HOUR, "key")),
    # 20 openings of a reset link a minute from one address.
    "reset_password_from_key": (Rate(20, MINUTE, "ip"),),
    # 5 changes of a password a minute by one person.
    "change_password": (Rate(5, MINUTE, "user"),),
    # 30 logins by passkey a minute from one address.
    "webauthn_login": (Rate(30, MINUTE, "ip"),),
    # 10 confirmations of one's password a minute by one person.
    "reauthenticate": (Rate(10, MINUTE, "user"),),
}

PORTAL: dict[str, Rate] = {
    # 30 invitations an hour asked for by one person (portal.people, portal.everyone).
    "invite": Rate(30, HOUR, "key"),
    # 20 openings of an invitation a minute from one address (portal.people).
    "join": Rate(20, MINUTE, "ip"),
    # 30 files a minute from one address asked about on /verify (orders.views.verify).
    "verify": Rate(30, MINUTE, "ip"),
    # 60 addresses of family links a minute that were not there, from one address (orders.views.family).
    "family_miss": Rate(60, MINUTE, "ip"),
    # 60 answers an hour to consent, and as many objections, from one address: a whole hall may share it.
    "consent": Rate(60, HOUR, "ip"),
    "objection": Rate(60, HOUR, "ip"),
    # 5 wrong codes in a quarter of an hour for one link, whoever tries.
    "code_of_link": Rate(5, 15 * MINUTE, "key"),
    # 20 wrong codes an hour from one address, over all links.
    "code_from_address": Rate(20, HOUR, "ip"),
    # 30 text messages an hour with a link, by one person (orders.views.links).
    "text_link": Rate(30, HOUR, "key"),
    # 60 photos an hour begun by one upload link (orders.arriving); going on with one counts as nothing.
    "upload_of_link": Rate(60, HOUR, "key"),
    # 300 beginnings and pieces of uploads a minute from one address: a large photo comes in many.
    "upload_from_address": Rate(300, MINUTE, "ip"),
}


def for_allauth() -> dict[str, str]:
    return {action: ",".join(map(str, rates)) for action, rates in ALLAUTH.items()}
