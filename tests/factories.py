"""Homes, people, orders and what the fleet made, as the tests need them. Every person and picture is made up."""

import hashlib
import io
import itertools
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import av
import numpy as np
from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image, ImageDraw

from gpujobs.models import Attempt, GpuHost, Instance, Job, Output
from orders import finishing, production
from orders.models import Approval, Candidate, Consent, ConsentText, Finish, Item, Order, Photo
from orders.products import PRODUCTS
from portal.models import FuneralHome, User

_numbers = itertools.count(1)
# The shapes of what the workflows make, in a quarter of their pixels: a face is found there too, in half the time.
SIZES = {"portrait": (224, 288), "life_scene": (288, 224), "living_video": (180, 120)}
PASSWORD = "correct horse battery staple"


def make_home(name: str | None = None) -> FuneralHome:
    return FuneralHome.objects.create(name=name or f"한빛장례식장 {next(_numbers)}")


def make_staff(home: FuneralHome | None = None, *, role: str = User.Role.STAFF, name: str = "김담당") -> User:
    return _make_user(name, role, home or make_home())


def make_reviewer(name: str = "정하늘") -> User:
    return _make_user(name, User.Role.REVIEWER)


def make_operator(name: str = "오운영") -> User:
    return _make_user(name, User.Role.OPERATOR)


def _make_user(name: str, role: str, home: FuneralHome | None = None) -> User:
    email = f"person{next(_numbers)}@example.com"
    return User.objects.create(email=email, name=name, role=role, home=home, password=_hashed_password())


@cache
def _hashed_password() -> str:
    """Hashing takes a third of a second by design; once a run is enough."""
    return make_password(PASSWORD)


def make_order(
    by: User | None = None,
    *,
    products: tuple[str, ...] = ("portrait",),
    photos: int = 0,
    consent: bool = False,
    **facts: Any,
) -> Order:
    """A draft with these products; `make_ready_order` is one that can be submitted."""
    by = by or make_staff()
    facts = {"name": "김영자", "needed_at": timezone.now() + timedelta(hours=3)} | facts
    order = Order.objects.create(home=by.home, created_by=by, **facts)
    for product in products:
        Item.objects.create(order=order, product_key=product)
    for _number in range(photos):
        make_photo(order)
    if consent:
        make_consent(order)
    return order


def make_ready_order(by: User | None = None, *, products: tuple[str, ...] = ("portrait",), **facts: Any) -> Order:
    photos = max(PRODUCTS[product].photos_needed for product in products)
    return make_order(by, products=products, photos=photos, consent=True, **facts)


def make_submitted_order(by: User | None = None, *, products: tuple[str, ...] = ("portrait",), **facts: Any) -> Order:
    order = make_ready_order(by, products=products, **facts)
    production.submit(order, by=order.created_by, request=None)
    order.refresh_from_db()
    return order


def make_reviewable_item(by: User | None = None, *, product: str = "portrait", **facts: Any) -> Item:
    """An item whose candidates are all ready."""
    item = make_submitted_order(by, products=(product,), **facts).items.get()
    for candidate in item.candidates.all():
        finish_job(candidate)
    item.refresh_from_db()
    return item


def make_photo(order: Order, **facts: Any) -> Photo:
    number = next(_numbers)
    code, width, height = uuid4(), 300, 375
    folder = f"{order.folder}/photos/{code}"
    master = drawn_person(number, (width, height))
    previews = {}
    for size in (320, 1280):
        small = Image.open(io.BytesIO(master))
        small.thumbnail((size, size))
        target = io.BytesIO()
        small.save(target, "WEBP")
        previews[str(size)] = default_storage.save(f"{folder}/{size}.webp", ContentFile(target.getvalue()))
    return Photo.objects.create(
        **{
            "order": order,
            "code": code,
            "position": order.photos.count(),
            "given_name": "어머니.jpg",
            "media_type": "image/png",
            "byte_count": len(master),
            "sha256": hashlib.sha256(master).hexdigest(),
            "width": width,
            "height": height,
            "master": default_storage.save(f"{folder}/master.png", ContentFile(master)),
            "previews": previews,
            "faces": [[0.3, 0.2, 0.4, 0.38]],
            "main_face": 0,
        }
        | facts
    )


def make_consent(order: Order, **facts: Any) -> Consent:
    text = ConsentText.objects.filter(made_for=order.made_for).latest("version")
    return Consent.objects.create(
        **{
            "order": order,
            "text": text,
            "text_sha256": text.sha256,
            "scope": sorted(text.required_keys),
            "signer_name": "이민정",
            "relationship": "딸",
            "method": Consent.Method.TYPED,
            "recorded_by": order.created_by,
        }
        | facts
    )


def make_instance() -> Instance:
    host, _new = GpuHost.objects.get_or_create(
        name="gpu-1", defaults={"address": "192.0.2.1", "username": "gpu", "host_key": "-", "key_path": "-"}
    )
    return Instance.objects.get_or_create(host=host, port=8188)[0]


def finished_job(candidate: Candidate, *, body: bytes | None = None) -> Job:
    """The candidate's job, succeeded, with a real file in the storage; nobody took note of it yet."""
    job = candidate.job
    video = candidate.item.product_key == "living_video"
    size = SIZES[candidate.item.product_key]
    body = body or (drawn_video(size) if video else drawn_person(job.seed, size, smile=candidate.number))
    attempt = Attempt.objects.create(
        job=job, instance=make_instance(), number=1, driver=uuid4(), state=Attempt.State.SUCCEEDED
    )
    suffix, media_type = (".mp4", "video/mp4") if video else (".png", "image/png")
    Output.objects.create(
        job=job,
        attempt=attempt,
        kind="video" if video else "image",
        media_type=media_type,
        file=default_storage.save(f"gpujobs/{job.pk}/{attempt.pk}/0{suffix}", ContentFile(body)),
        sha256=hashlib.sha256(body).hexdigest(),
        byte_count=len(body),
        width=size[0],
        height=size[1],
        frames=12 if video else 1,
        duration_ms=1000 if video else 0,
    )
    end_job(job, Job.State.SUCCEEDED)
    return job


def end_job(job: Job, state: str, fault: str = "") -> Job:
    """End a job as the fleet would, from wherever it is."""
    Job.objects.filter(pk=job.pk).update(state=state, fault=fault, finished_at=timezone.now())
    job.refresh_from_db()
    return job


def finish_job(candidate: Candidate) -> Candidate:
    """As `finished_job`, and attached."""
    production.attach(finished_job(candidate).pk)
    candidate.refresh_from_db()
    return candidate


def finish_files(approval: Approval) -> Approval:
    """Make the files of an approval without a GPU, as a worker would."""
    Finish.objects.filter(approval=approval).update(without_gpu=True)
    finishing.work(approval.pk)
    return approval


def fail_job(candidate: Candidate, fault: str) -> Candidate:
    production.attach(end_job(candidate.job, Job.State.FAILED, fault).pk)
    candidate.refresh_from_db()
    return candidate


def drawn_person(number: int, size: tuple[int, int], smile: int = 1) -> bytes:
    """A PNG of somebody who does not exist; another number draws another one."""
    width, height = size
    # One digit of the number in every byte of a hash: neighbours do not look alike.
    shade = hashlib.sha256(str(number).encode()).digest()
    image = Image.new("RGB", size, (186 + shade[0] % 50, 184 + shade[1] % 50, 178 + shade[2] % 50))
    draw = ImageDraw.Draw(image)

    column = min(width, 0.8 * height)

    def x(share: float) -> float:
        return (width - column) / 2 + share * column

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return x(left), top * height, x(right), bottom * height

    draw.ellipse(box(0.06, 0.66, 0.94, 1.5), fill=(40 + shade[3] % 30, 44 + shade[4] % 30, 50 + shade[5] % 40))
    draw.rectangle(box(0.42, 0.5, 0.58, 0.7), fill=(196, 160, 132))
    draw.ellipse(box(0.29, 0.14, 0.71, 0.5), fill=(70 + shade[6] % 80,) * 3)
    draw.ellipse(box(0.31, 0.2, 0.69, 0.58), fill=(214, 178 + shade[7] % 12, 150))
    for eye in (0.41, 0.59):
        draw.ellipse(box(eye - 0.03, 0.355, eye + 0.03, 0.375), fill=(44, 36, 32))
        draw.line([x(eye - 0.05), 0.33 * height, x(eye + 0.05), 0.325 * height], fill=(90, 84, 80), width=4)
    nose = [(0.5, 0.38), (0.485, 0.44), (0.51, 0.445)]
    draw.line([(x(across), down * height) for across, down in nose], fill=(170, 130, 108), width=3)
    draw.arc(box(0.43, 0.45, 0.57, 0.49 + 0.008 * smile), 15, 165, fill=(150, 82, 76), width=4)
    target = io.BytesIO()
    image.save(target, "PNG", compress_level=1)
    return target.getvalue()


@cache
def drawn_video(size: tuple[int, int]) -> bytes:
    """One second of H.264 in which a drawn person breathes."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        still = Image.open(io.BytesIO(drawn_person(7, size)))
        for number in range(12):
            lifted = np.roll(np.asarray(still), -abs(number - 6), axis=0)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(lifted, format="rgb24")))
        container.mux(stream.encode())
    return target.getvalue()
