"""The only door from orders to the fleet: what is asked of it, what may still run, and what came back.

Every write here locks the order's row first, so a submit, a cancel and a result that arrives never interleave.
Which pictures fill a product's slots is said by `orders.sources`: a video may wait for the portrait's approval.
"""

import logging
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from gpujobs import progress, queueing, workflows
from gpujobs.models import Job, Output
from gpujobs.progress import Progress as Progress
from gpujobs.workflows.living_video.spec import nearest_shape
from orders import files, returns, sources, stills, telling, working_picture
from orders.authority import has_authority, uncovered_items
from orders.models import Candidate, Finish, Item, Order
from orders.products import Product
from portal import audit
from portal.models import User
from portal.notices import sending

log = logging.getLogger(__name__)

# Exact in JavaScript and in every JSON reader.
SEED_LIMIT = 2**53
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "video/mp4": ".mp4"}
BAD_RESULT = "bad_output"


class NotReady(Exception):
    """What is still missing, one sentence each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


def submit(order: Order, *, by: User, request: HttpRequest | None) -> bool:
    """Send every waiting item to the fleet. A second submit changes nothing and returns False. Raises NotReady."""
    with transaction.atomic():
        order = locked(order)
        if order.submitted_at:
            return False
        _demand_ready(order)
        order.submitted_at, order.submitted_by = timezone.now(), by
        order.save(update_fields=["submitted_at", "submitted_by", "updated_at"])
        # Of an order already late everything is due at once: then the portrait still comes before a video.
        items = sorted(order.items.filter(state=Item.State.WAITING), key=lambda item: -item.product.ahead)
        for item in items:
            _start_or_wait(order, item)
        products = [item.product_key for item in items]
        audit.record("order.submitted", by=by, home=order.home, subject=order.code, request=request, products=products)
    return True


def make_again(item: Item, *, by: User, request: HttpRequest | None, after_round: int) -> bool:
    """A new round with new seeds; earlier candidates stay to be seen, pending ones are stopped.

    ``after_round`` is the round the person looked at: of two clicks, or of two people, one makes a round and the
    other gets False. Raises NotReady.
    """
    sources = (Item.State.PRODUCING, Item.State.TO_REVIEW, Item.State.RETURNED)
    return _make_anew(item, sources, "item.made_again", by=by, request=request, after_round=after_round)


def resubmit(item: Item, *, by: User, request: HttpRequest | None, after_round: int) -> bool:
    """Send an item that came back, or was added later, to the fleet with the photos and options it has now.

    Raises NotReady. False if it is no longer in the round it came back from.
    """
    sources = (Item.State.RETURNED, Item.State.WAITING)
    return _make_anew(item, sources, "item.resubmitted", by=by, request=request, after_round=after_round)


def portrait_approved(order: Order, *, by: User | str, request: HttpRequest | None) -> None:
    """Begin what waited for it, in the transaction of the approval that holds the order's row. Raises NotReady."""
    for item in order.items.filter(state=Item.State.WAITING):
        if item.follows_portrait:
            _start_round(order, item)
            _record_item("item.begun", order, item, by=by, request=request)


def portrait_taken_back(portrait: Candidate, *, by: User, request: HttpRequest | None) -> None:
    """Stop what is made or judged of a portrait whose approval is taken back; it waits for the next one."""
    for item in sources.made_from(portrait):
        stop_jobs(item)
        if item.move(Item.State.PRODUCING, Item.State.TO_REVIEW, to=Item.State.WAITING):
            _record_item("item.waits_again", portrait.item.order, item, by=by, request=request)


def make_from_photo(item: Item, *, by: User, request: HttpRequest | None) -> bool:
    """Wait for the portrait no longer. False if it does not wait. Raises NotReady."""
    with transaction.atomic():
        order = locked(item.order)
        item = Item.objects.select_related("order").get(pk=item.pk)
        if not item.awaits_portrait:
            return False
        _demand_ready(order)
        item.options |= {"source": "photo"}
        item.save(update_fields=["options"])
        _start_round(order, item)
        _record_item("item.from_photo", order, item, by=by, request=request)
    return True


def cancel(order: Order, *, by: User, request: HttpRequest | None, reason: str = "") -> bool:
    """End the order: its jobs stop, its links close. False if it was cancelled before."""
    with transaction.atomic():
        order = locked(order)
        if order.cancelled_at:
            return False
        order.cancelled_at = timezone.now()
        order.save(update_fields=["cancelled_at", "updated_at"])
        stopped = stop_all(order, returns.ORDER_CANCELLED)
        audit.record(
            "order.cancelled", by=by, home=order.home, subject=order.code, request=request, reason=reason, **stopped
        )
    return True


def withdraw(order: Order, *, by: User | str, reason: str, request: HttpRequest | None) -> bool:
    """The fleet's and the links' part of `consenting.withdraw`, which begins the erasure as well."""
    with transaction.atomic():
        order = locked(order)
        if not order.consents.standing().update(withdrawn_at=timezone.now()):
            return False
        stopped = stop_all(order, returns.WITHDRAWN)
        audit.record(
            "consent.withdrawn", by=by, home=order.home, subject=order.code, request=request, reason=reason, **stopped
        )
    return True


def keep_to_consent(order: Order) -> None:
    """Stop what the standing consent does not cover; for who changed it or the photos and holds the order's row."""
    for item in uncovered_items(order):
        stop_jobs(item)
        send_back(item, returns.NOT_COVERED)


def attach(job_id: UUID) -> None:
    """Take note of a job's end, once: asked again, or of a job nobody waits for any more, it changes nothing.

    Raises OSError while the disk does not take the file; the sweep asks again.
    """
    job = Job.objects.filter(pk=job_id, noted_at=None, state__in=Job.ENDED).first()
    if job is None:
        return
    waiting = Candidate.objects.select_related("item__order").filter(job=job, state=Candidate.State.PRODUCING).first()
    if waiting is not None and job.state == Job.State.SUCCEEDED:
        _take_over(waiting, job.outputs.get(position=0))
    elif waiting is not None:
        _fail(waiting, job.fault if job.state == Job.State.FAILED else returns.STOPPED)
    # Only now, with the candidate committed: a crash before this line is mended by asking again.
    queueing.note_end(job.pk)


def unattached(*, older_than: timedelta) -> list[UUID]:
    """Jobs that ended so long ago and whose end nobody took note of, oldest first, at most 50."""
    forgotten = Job.objects.filter(noted_at=None, finished_at__lt=timezone.now() - older_than)
    return list(forgotten.order_by("finished_at").values_list("pk", flat=True)[:50])


def progress_of(candidates: Iterable[Candidate]) -> dict[int, Progress]:
    """How far each candidate's job is, by the candidate's primary key."""
    jobs = {candidate.job_id: candidate.pk for candidate in candidates}
    return {jobs[job_id]: told for job_id, told in progress.of(list(jobs)).items()}


def locked(order: Order) -> Order:
    """The order's row as it is now, held until the transaction ends."""
    return Order.objects.select_for_update(of=("self",), no_key=True).select_related("home").get(pk=order.pk)


def _take_over(candidate: Candidate, output: Output) -> None:
    """First the file, which is the order's from then on; then what is shown of it, for which it must be decoded."""
    name = f"{candidate.folder}/made{SUFFIXES[output.media_type]}"
    preview = f"{candidate.folder}/preview.webp"
    try:
        files.move_in(output.file, name, sha256=output.sha256)
        if not _hold(candidate, output, name):
            return
        still = stills.still_of(files.path_of(name), output.kind)
        files.write(preview, still.data)
    except (files.BytesDiffer, stills.Unreadable, FileNotFoundError) as error:
        log.error("result of job %s cannot be used: %s", output.job_id, error)
        files.remove(name, preview)
        _fail(candidate, BAD_RESULT)
        return
    with transaction.atomic():
        if (order := _still_wanted(candidate, name, preview)) is None:
            return
        if _set_state(candidate, Candidate.State.READY, preview=preview, face=still.face):
            _record_end("candidate.ready", order, candidate, said=output.sha256)
            _close_round(Item.objects.get(pk=candidate.item_id))


def _hold(candidate: Candidate, output: Output, name: str) -> bool:
    """Attach the file to the candidate; false where nobody wants it any more."""
    with transaction.atomic():
        if _still_wanted(candidate, name) is None:
            return False
        return _set_state(
            candidate,
            Candidate.State.PRODUCING,
            kind=output.kind,
            media_type=output.media_type,
            file=name,
            sha256=output.sha256,
            byte_count=output.byte_count,
            width=output.width,
            height=output.height,
            duration_ms=output.duration_ms,
            attached_at=timezone.now(),
        )


def _still_wanted(candidate: Candidate, *names: str) -> Order | None:
    """The order, held; None, with the files taken away, where its authority ended while they were made."""
    order = locked(candidate.item.order)
    if has_authority(order):
        return order
    # It is as if it had never arrived.
    files.remove(*names)
    _fail(candidate, returns.STOPPED)
    return None


def _fail(candidate: Candidate, code: str) -> None:
    with transaction.atomic():
        order = locked(candidate.item.order)
        if not _set_state(candidate, Candidate.State.FAILED, file=""):
            return
        _record_end("candidate.failed", order, candidate, said=code)
        item = Item.objects.get(pk=candidate.item_id)
        if candidate.round != item.round:
            return
        # The same photo would fail every other candidate too; one that is ready already proves otherwise.
        if code in returns.PHOTO_FAULTS and not item.current_candidates.filter(state=Candidate.State.READY).exists():
            stop_jobs(item)
            send_back(item, code)
        _close_round(item, code)


def _close_round(item: Item, code: str = returns.STOPPED) -> None:
    """Once nothing of the round is being made any more: to review if there is anything to see, else back."""
    states = set(item.current_candidates.values_list("state", flat=True))
    if item.state != Item.State.PRODUCING or Candidate.State.PRODUCING in states:
        return
    if Candidate.State.READY in states:
        item.move(Item.State.PRODUCING, to=Item.State.TO_REVIEW)
    else:
        send_back(item, code)


def _set_state(candidate: Candidate, state: str, **changes: object) -> bool:
    waiting = Candidate.objects.filter(pk=candidate.pk, state=Candidate.State.PRODUCING)
    return waiting.update(state=state, **changes) == 1


def _record_end(action: str, order: Order, candidate: Candidate, *, said: str) -> None:
    """``said``: the file's sha256, or the fault's code."""
    audit.record(action, by="worker", home=order.home, subject=order.code, candidate=str(candidate.code), said=said)


def _record_item(action: str, order: Order, item: Item, *, by: User | str, request: HttpRequest | None) -> None:
    product, number = item.product_key, item.round
    audit.record(action, by=by, home=order.home, subject=order.code, request=request, product=product, round=number)


def _demand_ready(order: Order) -> None:
    if order.cancelled_at or order.erased_at:
        raise NotReady([_("취소된 의뢰입니다. 새 의뢰를 만들어 주세요.")])
    if missing := [str(sentence) for sentence in order.missing()]:
        raise NotReady(missing)


def _make_anew(
    item: Item, sources: tuple[str, ...], action: str, *, by: User, request: HttpRequest | None, after_round: int
) -> bool:
    with transaction.atomic():
        order = locked(item.order)
        item = Item.objects.get(pk=item.pk)
        if item.round != after_round or item.state not in sources:
            return False
        _demand_ready(order)
        _stop_jobs(item.candidates.all())
        _start_or_wait(order, item)
        _record_item(action, order, item, by=by, request=request)
    return True


def _start_or_wait(order: Order, item: Item) -> None:
    if sources.must_wait(order, item):
        item.move(item.state, to=Item.State.WAITING, return_code="", return_reason="")
    else:
        _start_round(order, item)


def _start_round(order: Order, item: Item) -> None:
    product = item.product
    try:
        pictures, now = sources.pictures(order, item), timezone.now()
    except sources.TooFewPhotos as too_few:
        raise NotReady([str(too_few)]) from too_few
    params = workflows.get(product.workflow).clean(item.params() | _shape(product, pictures))
    due_at = max(now, order.needed_at - product.ahead) if order.needed_at else now
    item.move(item.state, to=Item.State.PRODUCING, round=item.round + 1, return_code="", return_reason="")
    jobs, candidates = [], []
    for number, seed in enumerate(_new_seeds(item), start=1):
        job = Job(
            workflow=product.workflow,
            params=params,
            images=pictures,
            seed=seed,
            tenant=order.home.code,
            reference=uuid4(),
            subject=order.code,
            due_at=due_at,
        )
        jobs.append(job)
        candidates.append(Candidate(code=job.reference, item=item, round=item.round, number=number, job=job))
    queueing.submit(jobs)
    Candidate.objects.bulk_create(candidates)


def _shape(product: Product, pictures: dict[str, str]) -> dict[str, str]:
    """The frame that cuts least off the picture, where a workflow has several."""
    if not sources.has_shapes(product):
        return {}
    return {"shape": nearest_shape(*working_picture.size_of(pictures[product.slots[0]]))}


def _new_seeds(item: Item) -> list[int]:
    """One for each picture that is still wanted, none of them used for this item before."""
    used = set(item.candidates.values_list("job__seed", flat=True))
    approved = item.candidates.filter(approval__isnull=False).count()
    seeds: list[int] = []
    while len(seeds) < max(1, item.product.candidates - approved):
        seed = secrets.randbelow(SEED_LIMIT)
        if seed not in used:
            used.add(seed)
            seeds.append(seed)
    return seeds


def stop_all(order: Order, code: str) -> dict[str, int]:
    """In a transaction that holds the order: stop what runs, take back what waits for review, close the links."""
    jobs = _stop_jobs(Candidate.objects.filter(item__order=order))
    enlarged = Finish.objects.filter(approval__candidate__item__order=order, state=Finish.State.ON_GPU)
    jobs += queueing.cancel([job for job in enlarged.values_list("job_id", flat=True) if job])
    for item in order.items.filter(state__in=[Item.State.PRODUCING, Item.State.TO_REVIEW]):
        send_back(item, code)
    links = order.links.filter(revoked_at=None).update(revoked_at=timezone.now())
    asked = order.family_links.filter(revoked_at=None).update(revoked_at=timezone.now())
    # Of links that are closed by the time they arrive.
    sending.take_back(order.code, kinds=telling.TO_FAMILY)
    return {"jobs": jobs, "links": links + asked}


def send_back(item: Item, code: str, words: str = "") -> bool:
    """Give an item back to staff, with a code of `orders.returns` or of the fleet's faults, or a person's words."""
    return item.move(
        Item.State.PRODUCING,
        Item.State.TO_REVIEW,
        to=Item.State.RETURNED,
        return_code=code,
        return_reason=words,
    )


def stop_jobs(item: Item) -> int:
    """Stop what is still being made of an item; how many jobs that were."""
    return _stop_jobs(item.candidates.all())


def _stop_jobs(candidates: QuerySet[Candidate]) -> int:
    pending = candidates.filter(state=Candidate.State.PRODUCING).values_list("job_id", flat=True)
    return queueing.cancel(list(pending))
