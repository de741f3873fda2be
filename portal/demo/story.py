"""The demo's people, its GPU host and its sample order."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from gpujobs import hosts, wakeup
from gpujobs.models import GpuHost, Instance
from orders import consenting, delivery, photos, production, review
from orders.finishing import prints
from orders.models import Approval, Candidate, Consent, Item, Order, PrintPreset
from orders.products import PRODUCTS
from portal.demo.house import DemoError, House, Standin, write_private
from portal.demo.sample_people import sample_photo
from portal.models import Company, FuneralHome, User

HOME, HOST = "한빛장례식장", "sample-host"
# The manager works at both.
SECOND_HOME, COMPANY = "한빛장례식장 별관", "한빛상조"
# Always the same one: a second start finds it and makes no other.
ORDER = UUID("6f1d5a52-6f0e-4d0a-9a5e-5f2f3b1c7a10")
# Of `sample_people`: an old man with glasses.
PERSON = 1
PATIENCE_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Login:
    role: str
    email: str


# Whoever belongs to a home belongs to the sample one.
PEOPLE = (
    (User.Role.STAFF, "staff@example.com", "김담당"),
    (User.Role.MANAGER, "manager@example.com", "박관리"),
    (User.Role.REVIEWER, "reviewer@example.com", "이검수"),
    (User.Role.OPERATOR, "operator@example.com", "최운영"),
    (User.Role.ADMIN, "admin@example.com", "한총괄"),
)
EMAIL = {role: email for role, email, _ in PEOPLE}


def seed_accounts(password: str) -> list[Login]:
    """The sample home and a login of each role, all with this password; those that are there are kept."""
    home, _ = FuneralHome.objects.get_or_create(name=HOME, defaults={"phone": "02-0000-0000"})
    for role, email, name in PEOPLE:
        user = User.objects.filter(email=email).first()
        if user is None:
            belongs = home if role in User.HOME_ROLES else None
            User.objects.create_user(email, password, name=name, role=role, home=belongs)
        elif not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
    second, _ = FuneralHome.objects.get_or_create(name=SECOND_HOME)
    company, _ = Company.objects.get_or_create(name=COMPANY)
    FuneralHome.objects.filter(pk__in=(home.pk, second.pk), company=None).update(company=company)
    manager = User.objects.get(email=EMAIL[User.Role.MANAGER])
    manager.memberships.get_or_create(home=second, defaults={"role": User.Role.MANAGER})
    return [Login(role=role.value, email=email) for role, email, _ in PEOPLE]


def choose_prints() -> None:
    """What a home may choose besides the usual: a PDF, and a size of its own."""
    home, usual = FuneralHome.objects.get(name=HOME), prints.USUAL[0]
    for key, label, width, height in (
        (usual.key, str(usual.label), usual.width, usual.height),
        ("own-samplesz", "우리 홀 액자", Decimal(254), Decimal("305.5")),
    ):
        wanted = {"label": label, "width": width, "height": height, "with_pdf": True}
        PrintPreset.objects.get_or_create(home=home, key=key, defaults=wanted)


def seed_fleet(standin: Standin) -> None:
    """The stand-in as the fleet's one host. It has other ports after each start, and maybe another key."""
    host = GpuHost.objects.filter(name=HOST).first() or GpuHost(name=HOST, address="127.0.0.1")
    host.port, host.host_key, host.username = standin.ssh_port, standin.host_key, standin.username
    host.key_path = str(standin.key_path)
    host.fault = host.fault_text = ""
    host.fault_at = None
    if host.pk is None:
        hosts.add(host, standin.instance_ports)
        return
    host.save()
    instances = list(host.instances.order_by("gpu_index"))
    with transaction.atomic():
        # One's new port may be another's old one; these numbers are nobody's.
        host.instances.update(port=F("gpu_index"))
        for instance, port in zip(instances, standin.instance_ports, strict=True):
            host.instances.filter(pk=instance.pk).update(port=port, state=Instance.State.ACTIVE, probe_at=None)
    wakeup.wake()


def sample_order() -> Order:
    return Order.objects.get(code=ORDER)


def kept_link(house: House) -> str | None:
    """The family's link of an earlier start; the database knows only its hash, so it is kept beside it."""
    note = house.directory / "family_link"
    return f"{house.url}{note.read_text()}" if note.exists() else None


def deliver_sample_order(house: House) -> str:
    """Take the sample order from wherever it stands to the family's link, and return that.

    Every step may have been done before, by a start that was interrupted. Raises DemoError when the way is blocked.
    """
    order = _place_order()
    _wait(house, "made", lambda: _made(order))
    reviewer = User.objects.get(email=EMAIL[User.Role.REVIEWER])
    for item in order.items.filter(state=Item.State.TO_REVIEW):
        good = item.candidates.filter(round=item.round, state=Candidate.State.READY, approval=None)
        wanted = item.product.picks - item.candidates.filter(approval__isnull=False).count()
        review.approve(list(good[:wanted]), by=reviewer, request=None)
    _wait(house, "finished", lambda: _finished(order))
    _, token = delivery.issue_link(order, by=_staff())
    path = reverse("orders:gallery", args=[token])
    write_private(house.directory / "family_link", path.encode())
    return f"{house.url}{path}"


def _place_order() -> Order:
    """The sample order, submitted: made, filled and sent as far as it is not yet."""
    staff, now = _staff(), timezone.now()
    facts = {
        "name": "김철수",
        "sex": Order.Sex.MAN,
        "born_on": date(1948, 3, 5),
        "died_on": timezone.localdate(),
        "hall": "3호실",
        "altar_at": now + timedelta(hours=3),
        "needed_at": now + timedelta(hours=3),
        "procession_at": now + timedelta(days=2),
        "burial_place": "하늘공원",
        "mourner_name": "김영희",
        "mourner_relation": "딸",
        "mourner_phone": "010-0000-0000",
    }
    home = FuneralHome.objects.get(name=HOME)
    order, _ = Order.objects.get_or_create(code=ORDER, defaults={"home": home, "created_by": staff, **facts})
    if order.is_draft:
        for product in PRODUCTS:
            order.items.get_or_create(product_key=product)
        for number in range(order.photos.count(), 3):
            photos.add(ORDER, io.BytesIO(sample_photo(PERSON, number)), f"{number + 1}.jpg", by=staff, request=None)
        if not order.consents.standing().exists():
            _record_consent(order, staff)
        production.submit(order, by=staff, request=None)
    return order


def _record_consent(order: Order, staff: User) -> None:
    answer = consenting.Answer(
        text_sha256=consenting.text_for(order).sha256,
        signer_name=order.mourner_name,
        relationship=order.mourner_relation,
        method=Consent.Method.TYPED,
        scope=[Consent.LIKENESS],
    )
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = "127.0.0.1"
    consenting.record(order, answer, by=staff, request=request)


def _made(order: Order) -> bool:
    items = list(order.items.all())
    for item in items:
        if item.state == Item.State.RETURNED:
            raise DemoError(f"{item.product_key} came back: {item.return_code} {item.return_reason}".strip())
    return all(item.state in (Item.State.TO_REVIEW, Item.State.APPROVED) for item in items)


def _finished(order: Order) -> bool:
    approvals = Approval.objects.filter(candidate__item__order=order)
    return not approvals.filter(deliverables=None).exists()


def _wait(house: House, what: str, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            logs = house.directory / "logs"
            raise DemoError(
                f"The sample order was not {what} within {PATIENCE_SECONDS} seconds; the logs are in {logs}."
            )
        time.sleep(1)
        house.watch()


def _staff() -> User:
    return User.objects.get(email=EMAIL[User.Role.STAFF])
