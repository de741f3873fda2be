"""One attempt, step by step: stage, send, find again, conclude, clean.

Each step writes down that it happened before the next begins, so that whoever takes over after a crash knows
where to look. The steps know nothing of threads; `gpujobs.lane` says when each is due.
"""

import logging
import posixpath
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from gpujobs import faults, wakeup, workflows
from gpujobs.collecting import BadResult, bring_home, discard
from gpujobs.comfyui import BadAnswer, ComfyUI, FileGone, PromptRefused, Record
from gpujobs.faults import Fault, HostProblem
from gpujobs.models import Attempt, GpuHost, Instance, Job, Output
from gpujobs.ssh import HostConnection, SshError

log = logging.getLogger(__name__)

State = Attempt.State
LIVE = Attempt.LIVE
# A prompt on its way when its driver died may still arrive this long after it was posted.
ARRIVAL_GRACE = timedelta(seconds=5)
# After so many faults in a row an instance is taken out; after so long it is tried again.
FAULTS_UNTIL_OUT = 3
PROBE_AFTER = timedelta(seconds=5)
PROBE_AT_LEAST_EVERY = timedelta(minutes=5)
# What is counted in a row is small and may go on for weeks.
MOST_COUNTED = 1000


@dataclass(frozen=True, kw_only=True)
class Reach:
    """An instance and the ways to it."""

    instance: Instance
    connection: HostConnection
    comfy: ComfyUI


class Superseded(Exception):
    """Another driver holds this attempt now, or it has ended; whoever finds out lets go of it."""


class CannotClean(HostProblem):
    """The host does not let us remove what is ours."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="cannot_clean")


class Withdrawn(Exception):
    """Somebody asked to stop the job before its prompt was posted."""


def stage(reach: Reach, attempt: Attempt) -> None:
    """Put the job's pictures, and those the workflow draws itself, into the attempt's own folder on the host."""
    for slot, name in attempt.job.images.items():
        with default_storage.open(name, "rb") as picture:
            _upload(reach, attempt, f"{slot}{PurePosixPath(name).suffix}", cast(BinaryIO, picture))
    for slot, drawn in _drawn(attempt.job).items():
        _upload(reach, attempt, f"{slot}.png", drawn)
    if not attempt.note(State.CLAIMED, State.STAGED, state=State.STAGED, staged_at=timezone.now()):
        raise Superseded


def _upload(reach: Reach, attempt: Attempt, name: str, picture: BinaryIO | bytes) -> None:
    # An upload that broke off leaves a torn file of that name behind, which the prompt would load.
    stored = reach.comfy.upload(name, picture, subfolder=attempt.folder, overwrite=True)
    if stored.path != f"{attempt.folder}/{name}":
        raise BadAnswer(f"an upload to {attempt.folder}/{name} was stored as {stored.path}")


def _drawn(job: Job) -> dict[str, bytes]:
    return workflows.get(job.workflow).drawn(job.params, brought=job.images)


def send(reach: Reach, attempt: Attempt) -> str:
    """Post the prompt and return its id. That it is about to be sent is on record before it is.

    Raises PromptRefused also for a 200 with node errors, after taking the half-accepted prompt back, ParameterError
    for a job whose parameters or pictures its workflow does not take, and Withdrawn, with nothing posted.
    """
    job = attempt.job
    workflow = workflows.get(job.workflow)
    images = {slot: f"{attempt.folder}/{slot}{PurePosixPath(name).suffix}" for slot, name in job.images.items()}
    images |= {slot: f"{attempt.folder}/{slot}.png" for slot in _drawn(job)}
    graph = workflow.build(
        job.params,
        images=images,
        seed=job.seed,
        output_prefix=f"{attempt.folder}/out",
        lacking=reach.instance.lacking(job.workflow),
    )
    if not attempt.about_to_send():
        raise Withdrawn if _is_withdrawn(attempt) else Superseded
    accepted = reach.comfy.prompt(
        graph,
        client_id=reach.instance.client_id,
        extra_data={"portal_attempt": str(attempt.pk), "portal_job": str(job.pk)},
    )
    if accepted.node_errors:
        attempt.move(State.STAGED, prompt_id=accepted.prompt_id)
        take_back(reach, accepted.prompt_id)
        raise PromptRefused(200, "accepted without some of its nodes", accepted.node_errors)
    if not attempt.note(State.STAGED, state=State.SENT, sent_at=timezone.now(), prompt_id=accepted.prompt_id):
        raise Superseded
    return accepted.prompt_id


def take_back(reach: Reach, prompt_id: str) -> bool:
    """Remove a prompt that does not run yet; false if it already runs or has ended.

    /queue answers 200 whether or not it removed anything, so the answer is looked up.
    """
    reach.comfy.delete_pending([prompt_id])
    queue = reach.comfy.queue()
    if any(queued.prompt_id == prompt_id for queued in (*queue.running, *queue.pending)):
        return False
    return reach.comfy.history(prompt_id) is None


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where an attempt's prompt is: ``where`` is "running", "pending", "ended" or "nowhere"."""

    where: str
    prompt_id: str = ""
    record: Record | None = None


def find(reach: Reach, attempt: Attempt) -> Found:
    """Look an attempt up on its instance by its UUID, whatever became of the answer to its prompt.

    History is read after the queue: a prompt that ends in between is then seen as ended, never as nowhere.
    """
    mine = str(attempt.pk)
    queue = reach.comfy.queue()
    for where, prompts in (("running", queue.running), ("pending", queue.pending)):
        for queued in prompts:
            if queued.extra_data.get("portal_attempt") == mine:
                return Found(where=where, prompt_id=queued.prompt_id)
    if attempt.prompt_id:
        record = reach.comfy.history(attempt.prompt_id)
    else:
        records = reach.comfy.histories().values()
        record = next((r for r in records if r.extra_data.get("portal_attempt") == mine), None)
    if record is not None:
        return Found(where="ended", prompt_id=record.prompt_id, record=record)
    return Found(where="nowhere")


def conclude(reach: Reach, attempt: Attempt, record: Record) -> bool:
    """Bring an ended prompt's attempt to its end. Returns whether a job went back into the queue."""
    if record.interrupted:
        return _end_interrupted(attempt)
    if record.failure is not None:
        fault = faults.of_failure(record.failure)
        return give_up(attempt, fault, f"{record.failure.node_type}: {record.failure.message}")
    try:
        outputs = bring_home(reach.comfy, attempt, workflows.get(attempt.job.workflow), record)
    except BadResult as problem:
        return give_up(attempt, faults.BAD_OUTPUT, str(problem))
    except FileGone as problem:
        return give_up(attempt, faults.OUTPUT_GONE, str(problem))
    keep(attempt, outputs)
    return False


def keep(attempt: Attempt, outputs: list[Output]) -> None:
    """Commit the results by compare-and-set; what comes late or is no longer wanted is thrown away."""
    now = timezone.now()
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=attempt.job_id)
        if job.cancel_asked_at is not None:
            kept = False
            if attempt.move(*LIVE, state=State.CANCELLED, finished_at=now):
                job.end(Job.State.CANCELLED)
        elif kept := attempt.move(*LIVE, state=State.SUCCEEDED, collected_at=now, finished_at=now):
            job.end(Job.State.SUCCEEDED)
            Output.objects.bulk_create(outputs)
            Instance.objects.filter(pk=attempt.instance_id).update(
                warm_workflow=job.workflow, faults_in_row=0, fault="", fault_text=""
            )
        wakeup.tell_of_end(job.pk)
    if not kept:
        discard(outputs)


def give_up(attempt: Attempt, fault: Fault, text: str = "") -> bool:
    """End a live attempt by a fault, and its job with it or back into the queue. Returns whether it went back."""
    now = timezone.now()
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=attempt.job_id)
        if not attempt.move(
            *LIVE,
            state=_state_for(fault),
            fault=fault.code,
            fault_text=text[:2000],
            charged=fault.charged,
            finished_at=now,
        ):
            raise Superseded
        if fault.owner == faults.Owner.INSTANCE:
            blame(attempt.instance, fault, text)
        log.warning("attempt %s of job %s: %s (%s)", attempt.pk, job.pk, fault.code, fault.owner, extra=attempt.marks)
        if job.cancel_asked_at is not None:
            job.end(Job.State.CANCELLED)
        elif fault.ends_job:
            job.end(Job.State.FAILED, fault=fault.code, text=text[:2000])
        elif fault.charged and job.charged_attempts + 1 >= Job.MAX_CHARGED:
            job.end(Job.State.FAILED, fault=faults.ATTEMPTS_SPENT.code, text=f"{fault.code}: {text}"[:2000])
        elif fault.code in faults.SUSPICIOUS and _suspicious_tries(job) >= Job.MAX_SUSPICIOUS:
            job.end(Job.State.FAILED, fault=faults.SUSPECT.code, text=f"{fault.code}: {text}"[:2000])
        else:
            job.requeue(charged=fault.charged, not_before=now + fault.wait, fault=fault.code, text=text[:2000])
            wakeup.after_commit()
            return True
        wakeup.tell_of_end(job.pk)
    return False


def _suspicious_tries(job: Job) -> int:
    return Attempt.objects.filter(job=job, fault__in=faults.SUSPICIOUS).count()


def abandon(reach: Reach, attempt: Attempt, fault: Fault, text: str, *, clean_up: bool = True) -> None:
    """Give an attempt up, unless it is no longer ours, and take what is left of it off the host."""
    try:
        give_up(attempt, fault, text)
    except Superseded:
        log.info("attempt %s is no longer ours", attempt.pk, extra=attempt.marks)
    else:
        if clean_up:
            clean(reach, attempt)


def end_cancelled(attempt: Attempt) -> None:
    """End a live attempt and its job, because somebody asked for it."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=attempt.job_id)
        if attempt.move(*LIVE, state=State.CANCELLED, finished_at=timezone.now()):
            job.end(Job.State.CANCELLED)
            wakeup.tell_of_end(job.pk)


def _end_interrupted(attempt: Attempt) -> bool:
    # An interrupt names no prompt: one that we did not mean for this attempt costs its job nothing.
    if _is_withdrawn(attempt):
        end_cancelled(attempt)
        return False
    return give_up(attempt, faults.STRAY_INTERRUPT)


def _is_withdrawn(attempt: Attempt) -> bool:
    return Job.objects.filter(pk=attempt.job_id, cancel_asked_at__isnull=False).exists()


def _state_for(fault: Fault) -> str:
    return State.LOST if fault.owner == faults.Owner.NETWORK else State.FAILED


def span_of(record: Record) -> int | None:
    """The GPU's own milliseconds, by the host's clock."""
    if record.started_at and record.ended_at:
        return max(0, record.ended_at - record.started_at)
    return None


def blame(instance: Instance, fault: Fault, text: str) -> None:
    """Count a fault against an instance and take it out where that is due; a probe brings it back.

    Each try that fails doubles the wait for the next, for a drained instance as well.
    """
    instance = Instance.objects.select_for_update().get(pk=instance.pk)
    now = timezone.now()
    instance.faults_in_row = min(instance.faults_in_row + 1, MOST_COUNTED)
    instance.fault, instance.fault_text, instance.fault_at = fault.code, text[:2000], now
    if instance.failing_since is not None:
        instance.probes_failed = min(instance.probes_failed + 1, MOST_COUNTED)
        instance.probe_at = now + min(PROBE_AFTER * 2 ** min(instance.probes_failed, 10), PROBE_AT_LEAST_EVERY)
    elif fault.out or instance.faults_in_row >= FAULTS_UNTIL_OUT:
        instance.failing_since, instance.probe_at, instance.probes_failed = now, now + PROBE_AFTER, 0
    if instance.failing_since is not None and instance.state == Instance.State.ACTIVE:
        instance.state = Instance.State.OUT
        log.warning("instance %s taken out: %s", instance.pk, fault.code, extra={"instance": instance.pk})
    instance.save()


def leave_alone(instance: Instance, fault: Fault, text: str) -> None:
    """Not the instance's doing: it is gone to again a little later."""
    note_fault(instance, fault, text)
    Instance.objects.filter(pk=instance.pk).update(probe_at=timezone.now() + fault.wait)


def note_fault(instance: Instance, fault: Fault, text: str) -> None:
    """For operators to see; nothing is counted."""
    Instance.objects.filter(pk=instance.pk).update(fault=fault.code, fault_text=text[:2000], fault_at=timezone.now())


def clean(reach: Reach, attempt: Attempt) -> None:
    """Take everything of an ended attempt off the host: history first, then its folders.

    ComfyUI has no route to delete a file, so they go by SFTP, a folder of the attempt's own at a time. What cannot be
    removed is said of the instance, and the attempt stays uncleaned.
    """
    if attempt.prompt_id:
        reach.comfy.delete_history([attempt.prompt_id])
    try:
        for directory in (reach.instance.input_dir, reach.instance.output_dir, reach.instance.temp_dir):
            if directory:
                remove_folder(reach.connection, posixpath.join(directory, attempt.folder))
    except CannotClean as problem:
        log.error("attempt %s is not cleaned: %s", attempt.pk, problem, extra=attempt.marks)
        note_fault(reach.instance, faults.CANNOT_CLEAN, str(problem))
        return
    Attempt.objects.filter(pk=attempt.pk).update(cleaned_at=timezone.now())


def tidy(reach: Reach, attempt: Attempt) -> None:
    """Clean an attempt that was given up while its prompt may have lived on, once it lives no more."""
    found = find(reach, attempt)
    if found.where == "running":
        # It works for nobody. The interrupt is ours to send: it was just seen running.
        reach.comfy.interrupt()
        return
    if found.where == "pending":
        reach.comfy.delete_pending([found.prompt_id])
        return
    attempt.prompt_id = attempt.prompt_id or found.prompt_id
    clean(reach, attempt)


def remove_folder(connection: HostConnection, path: str) -> None:
    """Remove a folder of files; what is not there is as good as removed. Raises CannotClean where the host refuses."""
    sftp = connection.sftp()
    try:
        with suppress(FileNotFoundError):
            for name in sftp.listdir(path):
                with suppress(FileNotFoundError):
                    sftp.remove(posixpath.join(path, name))
            sftp.rmdir(path)
    except SshError:
        raise
    except OSError as error:
        raise CannotClean(f"{path} cannot be removed: {error}") from error


def seen(host: GpuHost) -> None:
    GpuHost.objects.filter(pk=host.pk).update(last_seen_at=timezone.now(), fault="", fault_text="")
