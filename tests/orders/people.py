"""Two homes and their people, and orders in every shape. Alice owns, Bob is on her team, Charlie is a stranger."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from gpujobs.models import Job
from orders.models import Candidate, Consent, ConsentText, Item, Objection, Order, Photo
from orders.products import PRODUCTS
from portal.models import FuneralHome, User

PASSWORD = "a long enough password"


def make_home(name: str = "한빛장례식장") -> FuneralHome:
    return FuneralHome.objects.create(name=name)


def make_user(name: str, home: FuneralHome | None, role: str = User.Role.STAFF) -> User:
    return User.objects.create_user(f"{name}@example.com", PASSWORD, name=name, role=role, home=home)


def make_photo(order: Order, **fields: Any) -> Photo:
    """A photo's row; its files are not there."""
    code = uuid4()
    given = {
        "code": code,
        "position": order.photos.count() + 1,
        "given_name": "아버지.jpg",
        "media_type": "image/jpeg",
        "byte_count": 1000,
        "sha256": code.hex * 2,
        "width": 1200,
        "height": 1600,
        "master": f"orders/{order.code}/photos/{code}/master.png",
        "previews": {size: f"orders/{order.code}/photos/{code}/preview-{size}.jpg" for size in ("320", "1280")},
    }
    return Photo.objects.create(order=order, **(given | fields))


def consent_text(made_for: str = Order.For.DECEASED) -> ConsentText:
    return ConsentText.objects.filter(made_for=made_for).first() or ConsentText.objects.create(
        made_for=made_for,
        version=1,
        preamble="동의를 여쭙니다.",
        boxes=[
            {
                "key": key,
                "required": key == "likeness",
                "title": key,
                "purpose": "",
                "items": "",
                "period": "",
                "refusal": "",
            }
            for key in ("likeness", "others", "showcase")
        ],
    )


def make_consent(order: Order, *scope: str, **fields: Any) -> Consent:
    text = consent_text(order.made_for)
    given = {"signer_name": "김도현", "relationship": "아들", "method": Consent.Method.TYPED}
    return Consent.objects.create(
        order=order, text=text, text_sha256=text.sha256, scope=list(scope or ("likeness",)), **(given | fields)
    )


def make_objection(order: Order, **fields: Any) -> Objection:
    given = {"name": "김민수", "relationship": "동생", "reason": "누님 뜻과 다릅니다."}
    return Objection.objects.create(order=order, **(given | fields))


def make_settled_objection(order: Order, by: User) -> Objection:
    return make_objection(order, resolved_at=timezone.now(), resolved_by=by, resolution="가족이 함께 정했습니다.")


def make_order(by: User, *products: str, photos: int = 0, consent: bool = False, **fields: Any) -> Order:
    assert by.home
    given = {"name": "김영자", "hall": "특실 2호", "needed_at": timezone.now() + timedelta(hours=2)}
    order = Order.objects.create(home=by.home, created_by=by, **(given | fields))
    for product in products or ("portrait",):
        Item.objects.create(order=order, product_key=product, options=PRODUCTS[product].clean({}))
    for _ in range(photos):
        make_photo(order)
    if consent:
        make_consent(order)
    return order


def make_candidate(item: Item, number: int, state: str = Candidate.State.PRODUCING, **fields: Any) -> Candidate:
    ended = {} if state == Candidate.State.PRODUCING else {"state": "succeeded", "finished_at": timezone.now()}
    job = Job.objects.create(
        workflow=item.product.workflow,
        seed=number,
        tenant=item.order.home.code,
        reference=uuid4(),
        subject=item.order.code,
        due_at=timezone.now(),
        **ended,
    )
    return Candidate.objects.create(
        code=job.reference, item=item, round=max(item.round, 1), number=number, job=job, state=state, **fields
    )
