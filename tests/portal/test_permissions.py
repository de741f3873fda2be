"""Who may go where: ONE table of every address and every role.

Everything that has an owner belongs to home A. Whoever adds an address adds a row; the last test finds it missing.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signing import dumps
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from portal.models import AuditEvent, User
from portal.notices.sending import STOP_SALT
from tests.portal.strictness import hold_to_the_policy

ROLES = ("nobody", "staff", "manager", "stranger", "reviewer", "operator", "admin")
LOGIN, GONE, FOUND = "to the login", 404, 302


@dataclass(frozen=True, kw_only=True)
class Row:
    """What each role is answered; ``args`` makes the address's arguments out of home A's things."""

    nobody: object
    staff: object
    manager: object
    stranger: object  # staff of home B
    reviewer: object
    operator: object
    admin: object = 404
    args: Callable[[SimpleNamespace], list[Any]] | None = None
    method: str = "get"
    data: Callable[[SimpleNamespace], dict[str, Any]] = lambda a: {}
    # What the other method is answered; None: 405 for whoever may come in.
    other: "Row | None" = None
    # A code that nobody has yet makes a new draft of one's own.
    makes: bool = False

    @property
    def answers(self) -> dict[str, object]:
        return {role: getattr(self, role) for role in ROLES}

    def url(self, name: str, a: SimpleNamespace) -> str:
        return reverse(name, args=self.args(a) if self.args else [])


def everyone(answer: object, **more: Any) -> Row:
    return Row(**dict.fromkeys(ROLES, answer), **more)


def logged_in(answer: object, **more: Any) -> Row:
    return Row(**dict.fromkeys(ROLES, answer) | {"nobody": LOGIN}, **more)


def post(row: Callable[..., Row], answer: object, **more: Any) -> Row:
    return row(answer, method="post", **more)


def home(answer: object, **more: Any) -> Row:
    """For the people of home A; without arguments also for those of home B, who see their own."""
    others = GONE if "args" in more else answer
    rest = {"nobody": LOGIN, "reviewer": GONE, "operator": GONE}
    return Row(staff=answer, manager=answer, stranger=others, **rest, **more)


def manager(answer: object, **more: Any) -> Row:
    rest = {"nobody": LOGIN, "staff": GONE, "stranger": GONE, "reviewer": GONE, "operator": GONE}
    return Row(manager=answer, **rest, **more)


def operator(answer: object, **more: Any) -> Row:
    rest = {"nobody": LOGIN, "staff": GONE, "manager": GONE, "stranger": GONE, "reviewer": GONE}
    return Row(operator=answer, **rest, **more)


def admin(answer: object, **more: Any) -> Row:
    rest = dict.fromkeys(ROLES, GONE) | {"nobody": LOGIN, "admin": answer}
    return Row(**rest, **more)


def reviewer(answer: object, **more: Any) -> Row:
    rest = {"nobody": LOGIN, "staff": GONE, "manager": GONE, "stranger": GONE, "operator": GONE}
    return Row(reviewer=answer, **rest, **more)


def home_and_reviewer(answer: object, **more: Any) -> Row:
    rest = {"nobody": LOGIN, "stranger": GONE, "operator": GONE}
    return Row(staff=answer, manager=answer, reviewer=answer, **rest, **more)


def order(a: SimpleNamespace) -> list[Any]:
    return [a.order.code]


def draft(a: SimpleNamespace) -> list[Any]:
    return [a.draft.code]


def candidate(a: SimpleNamespace) -> list[Any]:
    return [a.candidate.code]


def item(a: SimpleNamespace) -> list[Any]:
    return [a.item.code]


def of_the_candidate(a: SimpleNamespace) -> dict[str, Any]:
    return {"candidate": a.candidate.code}


def a_file(a: SimpleNamespace) -> dict[str, Any]:
    return {"photos": SimpleUploadedFile("아버지.jpg", b"not a picture", "image/jpeg")}


def token(a: SimpleNamespace) -> list[Any]:
    return [a.token]


def shared_file(a: SimpleNamespace) -> list[Any]:
    return [a.token, a.picture.code]


def sent_photo(a: SimpleNamespace) -> list[Any]:
    return [a.family_token, a.sent.code]


TABLE: dict[str, Row] = {
    "start": logged_in(FOUND),
    "health": everyone(200),
    "metrics": operator(200),
    "set_language": post(everyone, FOUND, data=lambda a: {"language": "en"}, other=everyone(FOUND)),
    # Logging in and out, passwords, second factor.
    "account_login": Row(
        **dict.fromkeys(ROLES, FOUND) | {"nobody": 200}, other=Row(**dict.fromkeys(ROLES, FOUND) | {"nobody": 200})
    ),
    "account_logout": Row(**dict.fromkeys(ROLES, 200) | {"nobody": FOUND}, other=everyone(FOUND)),
    "account_inactive": everyone(200),
    "handover": post(everyone, LOGIN, other=everyone(405)),
    "forget_colleagues": post(everyone, LOGIN, other=everyone(405)),
    "logins": logged_in(200),
    "logins_end_others": post(logged_in, FOUND),
    "login_end": post(logged_in, GONE, args=lambda a: [uuid.uuid4()], other=logged_in(405)),
    "account_reauthenticate": logged_in(200, other=logged_in(200)),
    "account_change_password": logged_in(200, other=logged_in(200)),
    "account_reset_password": everyone(200, other=everyone(200)),
    "account_reset_password_done": everyone(200),
    "account_reset_password_from_key": everyone(200, args=lambda a: ["1", "no-such-key"], other=everyone(200)),
    "account_reset_password_from_key_done": everyone(200),
    "mfa_index": logged_in(200),
    "mfa_authenticate": Row(**dict.fromkeys(ROLES, FOUND) | {"nobody": LOGIN}, other=logged_in(FOUND)),
    "mfa_reauthenticate": logged_in(FOUND, other=logged_in(FOUND)),
    "mfa_list_webauthn": logged_in(200),
    "mfa_add_webauthn": logged_in(FOUND, other=logged_in(FOUND)),
    "mfa_edit_webauthn": logged_in(FOUND, args=lambda a: [1], other=logged_in(FOUND)),
    "mfa_remove_webauthn": logged_in(FOUND, args=lambda a: [1], other=logged_in(FOUND)),
    "mfa_reauthenticate_webauthn": logged_in(FOUND, other=logged_in(FOUND)),
    "mfa_login_webauthn": logged_in(FOUND, other=logged_in(FOUND)),
    "mfa_activate_totp": logged_in(FOUND, other=logged_in(FOUND)),
    "mfa_deactivate_totp": logged_in(GONE, other=logged_in(GONE)),
    "mfa_view_recovery_codes": logged_in(GONE, other=logged_in(405)),
    "mfa_generate_recovery_codes": logged_in(FOUND, other=logged_in(FOUND)),
    "mfa_download_recovery_codes": logged_in(GONE, other=logged_in(GONE)),
    # A home's people.
    "people": manager(200),
    "invite": manager(FOUND, method="post", data=lambda a: {"email": "new@example.com", "role": "staff"}),
    "invitation_resend": manager(FOUND, admin=FOUND, method="post", args=lambda a: [a.invitation.code]),
    "invitation_revoke": manager(FOUND, admin=FOUND, method="post", args=lambda a: [a.invitation.code]),
    "person_stop": manager(FOUND, admin=FOUND, method="post", args=lambda a: [a.staff.code]),
    "person_resume": manager(FOUND, admin=FOUND, method="post", args=lambda a: [a.staff.code]),
    "join": everyone(200, args=lambda a: [a.invitation_token], other=everyone(200)),
    "notice_stop": everyone(200, args=lambda a: [dumps("a" * 64, salt=STOP_SALT)], other=everyone(200)),
    # Every home, and everybody.
    "homes": admin(200),
    "home_add": admin(422, method="post"),
    "home": admin(200, args=lambda a: [a.home.code], other=admin(200)),
    "home_stop": admin(FOUND, method="post", args=lambda a: [a.home.code]),
    "home_resume": admin(FOUND, method="post", args=lambda a: [a.home.code]),
    "company_add": admin(422, method="post"),
    "everyone": admin(200),
    "person": admin(200, args=lambda a: [a.staff.code]),
    # Asked for the password first.
    "second_factor_reset": admin(FOUND, method="post", args=lambda a: [a.staff.code]),
    "place_add": admin(422, method="post", args=lambda a: [a.staff.code]),
    "place_remove": admin(FOUND, method="post", args=lambda a: [a.staff.code, a.staff.memberships.get().code]),
    # Somebody's own place to work at; nobody else's.
    "place_switch": Row(
        **dict.fromkeys(ROLES, GONE) | {"nobody": LOGIN, "staff": FOUND},
        method="post",
        args=lambda a: [a.staff.memberships.get().code],
    ),
    "everyone_invite": admin(422, method="post"),
    # The fleet.
    "operator": operator(200),
    "operator_live": operator(200),
    "host": operator(200, args=lambda a: [a.host.code]),
    "host_add": operator(200, other=operator(200)),
    "host_examine": operator(FOUND, method="post", args=lambda a: [a.host.code]),
    "host_live": operator(200, args=lambda a: [a.host.code]),
    "host_restart_command": operator(FOUND, method="post", args=lambda a: [a.host.code]),
    "operator_queue_live": operator(200),
    "operator_messages": operator(200),
    "host_scan": operator(FOUND, method="post", args=lambda a: [a.host.code]),
    "host_remove": operator(FOUND, method="post", args=lambda a: [a.host.code]),
    "instance_act": operator(FOUND, method="post", args=lambda a: [a.host.instances.get().code, "drain"]),
    "host_drain": operator(FOUND, method="post", args=lambda a: [a.host.code]),
    "host_resume": operator(FOUND, method="post", args=lambda a: [a.host.code]),
    # A home's orders.
    "orders:desk": home(200),
    "orders:desk_rows": home(200),
    "orders:order_new": home(FOUND),
    # A code that is not one's own opens an empty page, as one that nobody has does.
    "orders:order_start": Row(
        nobody=LOGIN, staff=FOUND, manager=FOUND, stranger=200, reviewer=GONE, operator=GONE, args=draft
    ),
    "orders:order": home(200, args=order),
    "orders:order_save": home(FOUND, method="post", args=draft, makes=True),
    "orders:order_side": home(200, args=draft),
    "orders:order_live": home(200, args=order),
    "orders:order_submit": home(422, method="post", args=draft, makes=True),
    "orders:order_cancel": home(FOUND, method="post", args=order),
    "orders:item_from_photo": home(FOUND, method="post", args=lambda a: [a.order.code, a.item.code]),
    "orders:item_choose": home(FOUND, method="post", args=lambda a: [a.order.code, a.item.code]),
    "orders:item_again": home(FOUND, method="post", args=lambda a: [a.order.code, a.item.code]),
    "orders:photos_list": home(200, args=draft),
    "orders:photos_add": home(FOUND, method="post", args=draft, data=a_file, makes=True),
    "orders:photo_change": home(
        FOUND, method="post", args=lambda a: [a.draft.code, a.photo.code], data=lambda a: {"others": "yes"}
    ),
    "orders:consent_record": home(422, method="post", args=draft, makes=True),
    "orders:consent_withdraw": home(FOUND, method="post", args=order),
    "orders:consent_paper": home_and_reviewer(200, args=lambda a: [a.order.code, a.consent.code]),
    "orders:consent_shown": home(200, args=lambda a: [a.order.code, a.consent.code]),
    # The words of consent: a home's own for its manager, the portal's for an admin.
    "orders:consent_texts": Row(**dict.fromkeys(ROLES, GONE) | {"nobody": LOGIN, "manager": 200, "admin": 200}),
    "orders:consent_text": Row(
        **dict.fromkeys(ROLES, GONE) | {"nobody": LOGIN, "manager": 200, "admin": 200},
        args=lambda a: ["portal", "deceased", 1],
    ),
    "orders:consent_text_new": Row(
        **dict.fromkeys(ROLES, GONE) | {"nobody": LOGIN, "manager": 200, "admin": 200},
        args=lambda a: ["deceased"],
        other=manager(422, admin=422),
    ),
    "orders:objection_record": home(422, method="post", args=order),
    "orders:objection_settle": home(422, method="post", args=lambda a: [a.order.code, a.objection.code]),
    # Photos and what was made of them.
    "orders:photo_preview": home_and_reviewer(200, args=lambda a: [a.seen.code, 320]),
    "orders:candidate_file": home_and_reviewer(200, args=candidate),
    "orders:candidate_preview": home_and_reviewer(200, args=candidate),
    # What becomes of an approval.
    "orders:finish_again": home_and_reviewer(FOUND, method="post", args=item),
    "orders:item_cut": home_and_reviewer(200, args=item, other=home_and_reviewer(FOUND, args=item)),
    "orders:item_cut_shown": home_and_reviewer(200, args=lambda a: [a.item.code, "11x14"]),
    "orders:finished_file": home_and_reviewer(200, args=lambda a: [a.picture.code]),
    "orders:finished_preview": home_and_reviewer(200, args=lambda a: [a.picture.code]),
    "orders:print_shop_zip": home(200, args=order),
    # Who did what. A stranger who is a manager elsewhere sees that home's.
    "audit": manager(200, admin=200),
    "audit_export": manager(FOUND, method="post", data=lambda a: {"reason": "점검"}, admin=FOUND),
    # How long data are kept and how they end; an admin sees no name there.
    "periods": Row(
        nobody=LOGIN,
        staff=GONE,
        manager=200,
        stranger=GONE,
        reviewer=GONE,
        operator=GONE,
        admin=200,
        # Asks for the password first; an admin's own home has no periods.
        other=manager(FOUND, admin=200),
    ),
    "orders:keeping": home(200, args=order, admin=200),
    "orders:hold_place": manager(422, method="post", args=order, admin=422),
    "orders:hold_lift": manager(FOUND, method="post", args=order, admin=FOUND),
    "orders:erase": manager(FOUND, method="post", args=order),
    "orders:destruction_certificate": home(200, args=lambda a: [a.erased.code], admin=200),
    "home_settings": manager(200, other=manager(FOUND)),
    "home_family": manager(FOUND, method="post"),
    "print_size_add": manager(422, method="post"),
    "print_size_remove": manager(FOUND, method="post", args=lambda a: ["own-a"]),
    # Judging.
    "orders:review_queue": reviewer(200),
    "orders:review_queue_live": reviewer(200),
    "orders:review_item": reviewer(200, args=item),
    "orders:review_item_live": reviewer(200, args=item),
    **{
        f"orders:review_{decision}": reviewer(FOUND, method="post", args=item)
        for decision in ("approve_all", "settle", "return", "again", "offer", "offer_end", "as_wished")
    },
    **{
        f"orders:review_{decision}": reviewer(FOUND, method="post", args=item, data=of_the_candidate)
        for decision in ("approve", "undo", "reject", "restore")
    },
    # Handing out.
    "orders:link_issue": home(200, method="post", args=order),
    "orders:link_tell": home(FOUND, method="post", args=order, data=lambda a: {"token": a.token}),
    "orders:link_reopen": home(FOUND, method="post", args=lambda a: [a.order.code, a.link.code]),
    "orders:link_revoke": home(FOUND, method="post", args=lambda a: [a.order.code, a.link.code]),
    "orders:family_link_issue": home(200, method="post", args=draft, data=lambda a: {"purpose": "upload"}, makes=True),
    "orders:family_link_revoke": home(FOUND, method="post", args=lambda a: [a.draft.code, a.family_link.code]),
    "orders:verify": everyone(200, other=everyone(422)),
    # A family's link is its own key, whoever is logged in.
    "orders:gallery": everyone(200, args=token),
    "orders:gallery_code": post(everyone, FOUND, args=lambda a: [a.locked_token], data=lambda a: {"code": "2580"}),
    "orders:gallery_zip": everyone(200, args=token),
    "orders:gallery_file": everyone(200, args=shared_file),
    "orders:gallery_picture": everyone(200, args=shared_file),
    "orders:gallery_video": everyone(200, args=lambda a: [a.token, a.video.code]),
    "orders:gallery_withdraw": everyone(200, args=token, other=everyone(422)),
    "orders:gallery_objection": everyone(200, args=token, other=everyone(200)),
    "orders:family_consent": everyone(200, args=lambda a: [a.consent_token], other=everyone(422)),
    "orders:family_withdraw": everyone(200, args=lambda a: [a.consent_token], other=everyone(422)),
    "orders:family_objection": everyone(200, args=lambda a: [a.consent_token], other=everyone(200)),
    "orders:gallery_unknown": everyone(GONE, args=lambda a: ["no/such/thing"], other=everyone(GONE)),
    "orders:family_upload": everyone(200, args=lambda a: [a.family_token], other=everyone(422)),
    "orders:family_send_begin": post(everyone, 422, args=lambda a: [a.family_token]),
    "orders:family_send": everyone(200, args=lambda a: [a.family_token, a.arrival.code]),
    "orders:family_photo": post(everyone, FOUND, args=sent_photo, data=lambda a: {"remove": "1"}),
    "orders:family_photo_picture": everyone(200, args=sent_photo),
    "orders:family_choice": everyone(200, args=lambda a: [a.choice_token], other=everyone(200)),
    "orders:choice_objection": everyone(200, args=lambda a: [a.choice_token], other=everyone(200)),
    "orders:family_proof": everyone(200, args=lambda a: [a.choice_token, a.candidate.code]),
    "orders:family_unknown": everyone(GONE, args=lambda a: ["no/such/thing"], other=everyone(GONE)),
}


@pytest.mark.parametrize("name", TABLE)
def test_each_role_is_answered_as_the_table_says(name: str, world: SimpleNamespace) -> None:
    row = TABLE[name]
    url = row.url(name, world)
    assert {role: ask(url, row, world, role) for role in ROLES} == row.answers
    other = "post" if row.method == "get" else "get"
    if row.other:
        assert {role: ask(url, row, world, role, method=other) for role in ROLES} == row.other.answers
    else:
        welcome = next(role for role in ROLES if row.answers[role] not in (LOGIN, GONE))  # not turned away
        assert ask(url, row, world, welcome, method=other) == 405


OWNED = [name for name, row in TABLE.items() if row.args and row.stranger == GONE and not row.makes]


@pytest.mark.parametrize("name", OWNED)
def test_what_is_not_mine_is_answered_like_what_does_not_exist(name: str, world: SimpleNamespace) -> None:
    row = TABLE[name]
    browser = browser_of(world.stranger)
    mine = row.url(name, world)
    none = re.sub("[0-9a-f]{8}-[0-9a-f-]{27}", str(uuid.uuid4()), mine)
    for headers in ({}, {"Range": "bytes=0-9"}, {"HX-Request": "true"}):
        answers = [browser.generic(row.method.upper(), url, headers=headers) for url in (mine, none)]
        assert [answer.status_code for answer in answers] == [404, 404], headers
        assert answers[0].content == answers[1].content, headers


# Pages of an order of one's own that write no entry of a look, and why.
NOT_A_LOOK = {
    "orders:print_shop_zip": "is taken away: print_shop.taken says so, each time",
    "orders:destruction_certificate": "of an erased order, which names nobody",
    "orders:consent_text": "words that all are asked with",
    "orders:consent_text_new": "words that all are asked with",
}
LOOKERS = ("staff", "manager", "reviewer")


def shows_an_order(row: Row) -> bool:
    owned = row.method == "get" and row.args is not None and row.stranger == GONE
    return owned and any(getattr(row, role) == 200 for role in LOOKERS)


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if shows_an_order(row)])
def test_whoever_looks_at_an_order_is_noted(name: str, world: SimpleNamespace) -> None:
    """PIPA's access records: each page, picture and part of a page of somebody's order."""
    row = TABLE[name]
    for role in (role for role in LOOKERS if getattr(row, role) == 200):
        asker = getattr(world, role)
        assert browser_of(asker).get(row.url(name, world)).status_code == 200
        noted = AuditEvent.objects.filter(actor=asker, action__endswith=".read", subject__isnull=False).exists()
        assert noted != (name in NOT_A_LOOK), role


def test_lists_that_name_people_are_noted(world: SimpleNamespace) -> None:
    for role, name, action in (
        ("staff", "orders:desk", "desk.read"),
        ("staff", "orders:desk_rows", "desk.read"),
        ("reviewer", "orders:review_queue", "review.read"),
        ("reviewer", "orders:review_queue_live", "review.read"),
        ("manager", "periods", "periods.read"),
    ):
        cache.clear()
        before = AuditEvent.objects.filter(action=action).count()
        browser = browser_of(getattr(world, role))
        for _look in range(2):
            browser.get(reverse(name))
        assert AuditEvent.objects.filter(action=action).count() == before + 1, "once in ten minutes"


def test_every_address_is_in_the_table() -> None:
    assert set(names(get_resolver())) == set(TABLE)


def browser_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def ask(url: str, row: Row, world: SimpleNamespace, role: str, *, method: str | None = None) -> object:
    """The status, or LOGIN for the way to the login, of a strict answer; whatever it changed is taken back."""
    browser = browser_of(getattr(world, role))
    with transaction.atomic():
        response = getattr(browser, method or row.method)(url, row.data(world))
        hold_to_the_policy(response, url)
        transaction.set_rollback(True)
    to_login = response.status_code == 302 and response["Location"].startswith(reverse(settings.LOGIN_URL))
    return LOGIN if to_login else response.status_code


def names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from names(entry, f"{prefix}{entry.namespace}:" if entry.namespace else prefix)
        else:
            assert isinstance(entry, URLPattern)
            assert entry.name, f"{entry.pattern} has no name, so no row can hold it"
            yield prefix + entry.name
