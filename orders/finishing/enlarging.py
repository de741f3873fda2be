"""The last thing asked of a GPU: the approved picture enlarged for printing, the approved video made longer and smooth.

Where no GPU host can do it, or none does in time, the portal does what it can by itself and staff are told so.
"""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from gpujobs import overview, queueing, workflows
from gpujobs.models import Job, Output
from orders import authority, files, production
from orders.finishing import clips
from orders.models import Approval, Candidate, Finish

log = logging.getLogger(__name__)

State = Finish.State
# {product: (workflow, its input)}
ASKED = {
    "portrait": ("print_master", "photo"),
    "life_scene": ("print_master", "photo"),
    "living_video": ("video_extend", "video"),
}
# A portrait must hang; minutes of a queue are worth a better print, an hour is not.
PATIENCE = {"print_master": timedelta(minutes=10), "video_extend": timedelta(hours=1)}
# An enlarged picture has the shape of the approved one, to a pixel or two.
SHAPE_TOLERANCE = 0.01
# The pixels of the largest usual print, which is what a GPU is asked for; fewer are as well made here.
LEAST_PIXELS = {"portrait": (3300, 4200), "life_scene": (3000, 2400)}
RATES = (24, 30)
# A player's clock and a container's ticks round a little.
SECONDS_TOLERANCE, RATE_TOLERANCE = 0.1, 0.1


def send(finish: Finish) -> bool:
    """Ask a GPU, if that is still to be done and can be done; true if the answer is to be waited for."""
    candidate = finish.approval.candidate
    item = candidate.item
    workflow, slot = ASKED[item.product_key]
    with transaction.atomic():
        order = production.locked(item.order)
        held = Finish.objects.select_for_update(of=("self",)).filter(pk=finish.pk).first()
        if held is None or held.state != State.WAITING or held.master or held.without_gpu:
            return held is not None and held.state == State.ON_GPU
        if not authority.has_authority(order) or not candidate.file or not is_possible(item.product_key):
            Finish.objects.filter(pk=finish.pk).update(without_gpu=True)
            return False
        job = Job(
            workflow=workflow,
            params=workflows.get(workflow).clean({}),
            images={slot: candidate.file},
            seed=candidate.job.seed,
            tenant=order.home.code,
            reference=finish.code,
            subject=order.code,
            due_at=timezone.now(),
        )
        queueing.submit([job])
        return held.move(State.WAITING, to=State.ON_GPU, job=job)


def is_possible(product_key: str) -> bool:
    """Whether a GPU host is there that can do it."""
    workflow, _slot = ASKED[product_key]
    return overview.possible_instances()[workflow] > 0


def take(job_id: UUID) -> int | None:
    """Take over what a GPU made; the approval to go on with, or None where the job is none of a finish."""
    finish = Finish.objects.select_related("job", "approval__candidate__item__order").filter(job=job_id).first()
    if finish is None or finish.job is None:
        return None
    job = finish.job
    if not job.has_ended:
        return None
    output = job.outputs.filter(position=0).first() if job.state == Job.State.SUCCEEDED else None
    master = _kept(finish, output) if output else ""
    if not master:
        log.warning("%s of approval %s ended without a result: %s", job.workflow, finish.approval_id, job.fault)
    if not finish.move(State.ON_GPU, to=State.WAITING, master=master, without_gpu=not master):
        _drop_unless_kept(finish, master)
    queueing.note_end(job.pk)
    return finish.approval_id


def _drop_unless_kept(finish: Finish, master: str) -> None:
    """What came just after it was given up, unless the same end was taken note of before."""
    if not Finish.objects.filter(pk=finish.pk, master=master).exists():
        files.remove(master)


def give_up_if_late(finish: Finish) -> bool:
    """Stop waiting for a GPU after a while."""
    job = finish.job
    patience = PATIENCE[job.workflow] if job else timedelta(0)
    if finish.changed_at > timezone.now() - patience or (job and job.has_ended):
        return False
    with transaction.atomic():
        given_up = finish.move(State.ON_GPU, to=State.WAITING, without_gpu=True)
        if given_up and job:
            queueing.cancel([job.pk])
    return given_up


def stop(approval: Approval) -> None:
    running = Finish.objects.filter(approval=approval, state=State.ON_GPU).values_list("job_id", flat=True)
    queueing.cancel([job for job in running if job])


def _kept(finish: Finish, output: Output) -> str:
    """The stored name of a GPU's result; nothing if it is not what was approved, large and long enough."""
    if not is_what_was_asked_for(output, finish.approval.candidate):
        seen = f"{output.kind} {output.width}x{output.height}, {output.frames} frames in {output.duration_ms} ms"
        log.error("result of job %s is not what was asked for: %s", output.job_id, seen)
        return ""
    # By the job: what one that was given up leaves behind is never taken for the next one's.
    name = f"{finish.folder}/{output.job_id.hex[:12]}-master{production.SUFFIXES[output.media_type]}"
    try:
        files.move_in(output.file, name, sha256=output.sha256)
    except (files.BytesDiffer, FileNotFoundError) as error:
        log.error("result of job %s cannot be used: %s", output.job_id, error)
        return ""
    return name


def is_what_was_asked_for(output: Output, candidate: Candidate) -> bool:
    """Whether it is the approved picture in enough pixels, or the approved video at its promised length and rate."""
    if output.kind != candidate.kind or output.width < candidate.width or not candidate.height:
        return False
    shape = (output.width / output.height) / (candidate.width / candidate.height)
    if abs(shape - 1) > SHAPE_TOLERANCE:
        return False
    return _is_long_and_smooth(output) if candidate.is_video else _fills_a_print(output, candidate)


def _fills_a_print(output: Output, candidate: Candidate) -> bool:
    width, height = LEAST_PIXELS[candidate.item.product_key]
    return output.width >= width and output.height >= height


def _is_long_and_smooth(output: Output) -> bool:
    seconds = output.duration_ms / 1000
    if not clips.LEAST_SECONDS - SECONDS_TOLERANCE <= seconds <= clips.MOST_SECONDS + SECONDS_TOLERANCE:
        return False
    return any(abs(output.frames / seconds - rate) <= RATE_TOLERANCE for rate in RATES)
