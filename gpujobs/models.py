"""A fleet of ComfyUI instances, the jobs they are given and every attempt at them.

    Job        queued ── claim ──> running ── results kept ──> succeeded
                  ^                   │ ├── fault of job or photo ──> failed
                  └── fault of others ┘ └── asked to stop ──> cancelled   (also straight from queued)

    Attempt    claimed -> staged -> sent -> running -> executed -> succeeded
               any of them -> failed | lost | cancelled

The database is the truth. A state only ever changes by a conditional UPDATE whose count is looked at, so of two
that try, one succeeds.
"""

import logging
import uuid
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import F, Q
from django.utils import timezone
from psycopg import sql

from gpujobs.visits import Errand, Scan

__all__ = ["Attempt", "Errand", "GpuHost", "Instance", "Job", "Output", "Scan", "Settled"]

log = logging.getLogger(__name__)


class GpuHost(models.Model):
    """A machine with GPUs, reached by SSH. Its private key is named, by path or as a secret, and stays out of the
    database."""

    class State(models.TextChoices):
        ACTIVE = "active"
        DRAINING = "draining"
        # Taken off the list; its row stays because results were made there.
        RETIRED = "retired"

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(max_length=40)
    address = models.CharField(max_length=255)
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=64)
    host_key = models.TextField(help_text="type and base64, as in known_hosts, without the host")
    # Either the path of the private key, or NAME of settings.GPU_PRIVATE_KEYS, which holds the key itself.
    key_path = models.CharField(max_length=255, blank=True)
    key_name = models.CharField(max_length=40, blank=True)
    # NAME of settings.GPU_KEY_PASSPHRASES; empty where the common passphrase, or none, opens the key.
    passphrase_name = models.CharField(max_length=40, blank=True)
    jump = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    # The lease of the one driver that may talk to this host's instances.
    driver = models.UUIDField(null=True)
    driver_until = models.DateTimeField(null=True)
    driver_name = models.CharField(max_length=100, blank=True)
    last_seen_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=40, blank=True)
    fault_text = models.TextField(blank=True)
    fault_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            # One that is off the list leaves its name to the machine that comes in its place.
            models.UniqueConstraint(fields=["name"], condition=~Q(state="retired"), name="host_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name

    def take_wheel(self, driver: uuid.UUID, until: datetime, name: str = "") -> bool:
        """Become the host's driver, or renew; false while another's lease runs."""
        free = Q(driver=driver) | Q(driver=None) | Q(driver_until__lt=timezone.now())
        taken = GpuHost.objects.filter(free, pk=self.pk).update(driver=driver, driver_until=until, driver_name=name)
        return taken == 1

    def leave_wheel(self, driver: uuid.UUID) -> None:
        GpuHost.objects.filter(pk=self.pk, driver=driver).update(driver=None, driver_until=None)


class Instance(models.Model):
    """One ComfyUI process on one GPU of a host."""

    class State(models.TextChoices):
        ACTIVE = "active"
        DRAINING = "draining"
        OUT = "out"

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    host = models.ForeignKey(GpuHost, models.CASCADE, related_name="instances")
    port = models.PositiveIntegerField()
    gpu_index = models.PositiveSmallIntegerField(default=0)
    gpu_name = models.CharField(max_length=80, blank=True)
    memory_mb = models.PositiveIntegerField(default=0)
    # Free of it when the doctor looked or a probe ran last; None where it was not said.
    memory_free_mb = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    version = models.CharField(max_length=40, blank=True)
    # Absolute directories on the host; ComfyUI has no route to delete a file, so clean-up goes by SFTP.
    input_dir = models.CharField(max_length=255, blank=True)
    output_dir = models.CharField(max_length=255, blank=True)
    temp_dir = models.CharField(max_length=255, blank=True)
    # ComfyUI's own directory on the host, where models and nodes lie; empty where it is not known.
    directory = models.CharField(max_length=255, blank=True)
    # What the doctor found: when, the workflows possible here (none before it looked), what each of the others lacks
    # ({workflow: [{"kind", "what", "detail"}]}), and the space left for results.
    examined_at = models.DateTimeField(null=True)
    workflows = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    findings = models.JSONField(default=dict, blank=True)
    disk_free_mb = models.PositiveIntegerField(null=True)
    warm_workflow = models.CharField(max_length=40, blank=True)
    faults_in_row = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=40, blank=True)
    fault_text = models.TextField(blank=True)
    fault_at = models.DateTimeField(null=True)
    # Since when it does not work, whether out or drained and silent; when it is tried again; how often that failed;
    # and when it was last restarted.
    failing_since = models.DateTimeField(null=True)
    probe_at = models.DateTimeField(null=True)
    probes_failed = models.PositiveSmallIntegerField(default=0)
    restarted_at = models.DateTimeField(null=True)
    # The command that restarts this ComfyUI on its host, word by word; empty where there is none.
    restart_command = ArrayField(models.CharField(max_length=200), default=list, blank=True)

    class Meta:
        ordering = ["host__name", "gpu_index", "port"]
        constraints = [models.UniqueConstraint(fields=["host", "port"], name="instance_port_unique")]

    def __str__(self) -> str:
        return f"{self.host.name}:{self.port}"

    def lacking(self, workflow: str) -> frozenset[str]:
        """Names of what the doctor did not find for a workflow when it last looked, by whichever process."""
        findings = Instance.objects.filter(pk=self.pk).values_list("findings", flat=True).first() or {}
        return frozenset(each["what"] for each in findings.get(workflow, ()))

    @property
    def client_id(self) -> str:
        """The websocket's name. It outlives a driver, so that the next one hears of prompts the last one sent."""
        return f"portal-{self.code.hex}"


class Job(models.Model):
    """One thing to make: a workflow, its parameters, its pictures and a seed."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ENDED: ClassVar = (State.SUCCEEDED, State.FAILED, State.CANCELLED)
    MAX_CHARGED = 3
    # So many tries may end in a way that is charged to nobody and that the job may have caused (faults.SUSPICIOUS).
    MAX_SUSPICIOUS = 10

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workflow = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    # {slot: name in the default storage}
    images = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    # Whose job it is, for fairness, and what the asker calls it; both opaque here.
    tenant = models.UUIDField()
    reference = models.UUIDField(db_index=True)
    # What it belongs to, in the asker's words: all jobs of one subject are forgotten together.
    subject = models.UUIDField(null=True, db_index=True)
    due_at = models.DateTimeField()
    queued_at = models.DateTimeField(default=timezone.now)
    not_before = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    cancel_asked_at = models.DateTimeField(null=True)
    charged_attempts = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=40, blank=True)
    fault_text = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True)
    # When the asker confirmed having taken note of the end; the sweep asks again until then.
    noted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "queued_at"]
        indexes = [
            models.Index(
                *(F("workflow"), F("tenant"), F("due_at"), F("queued_at")),
                condition=Q(state="queued"),
                name="job_queue",
            ),
            models.Index(
                F("workflow"), F("tenant"), F("queued_at"), condition=Q(state="queued"), name="job_queue_by_age"
            ),
            models.Index(F("workflow"), F("tenant"), condition=Q(state="running"), name="job_running"),
            models.Index(F("finished_at"), condition=Q(noted_at=None), name="job_unnoted"),
            models.Index(F("finished_at"), condition=Q(finished_at__isnull=False), name="job_finished"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at=None)
                | Q(state__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False),
                name="job_finished_when_ended",
            ),
            models.CheckConstraint(condition=Q(seed__gte=0), name="job_seed_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.id}"

    @property
    def has_ended(self) -> bool:
        return self.state in self.ENDED

    def end(self, state: str, *, fault: str = "", text: str = "") -> bool:
        """Bring a running job to its end; false if it was no longer running."""
        ended = Job.objects.filter(pk=self.pk, state=self.State.RUNNING).update(
            state=state, fault=fault, fault_text=text, finished_at=timezone.now()
        )
        return ended == 1

    def requeue(self, *, charged: bool, not_before: datetime, fault: str = "", text: str = "") -> bool:
        """Put a running job back into the queue, at its old place; false if it was no longer running."""
        moved = Job.objects.filter(pk=self.pk, state=self.State.RUNNING).update(
            state=self.State.QUEUED,
            charged_attempts=F("charged_attempts") + (1 if charged else 0),
            not_before=not_before,
            fault=fault,
            fault_text=text,
        )
        return moved == 1


class Attempt(models.Model):
    """One try at a job on one instance, written down before anything is sent."""

    class State(models.TextChoices):
        CLAIMED = "claimed"
        STAGED = "staged"
        SENT = "sent"
        RUNNING = "running"
        EXECUTED = "executed"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        LOST = "lost"
        CANCELLED = "cancelled"

    LIVE: ClassVar = (State.CLAIMED, State.STAGED, State.SENT, State.RUNNING, State.EXECUTED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, models.CASCADE, related_name="attempts")
    instance = models.ForeignKey(Instance, models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.CLAIMED)
    # The driver that holds it: one that lost its lease and wakes up later can change nothing.
    driver = models.UUIDField()
    why = models.CharField(max_length=200, blank=True)
    prompt_id = models.CharField(max_length=64, blank=True)
    claimed_at = models.DateTimeField(default=timezone.now)
    staged_at = models.DateTimeField(null=True)
    # Set before the prompt is posted, so a prompt that may be on the host is always known to be.
    sending_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    executed_at = models.DateTimeField(null=True)
    collected_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # The GPU's own span, milliseconds of the host's clock.
    execution_ms = models.PositiveIntegerField(null=True)
    interrupt_asked_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=40, blank=True)
    fault_text = models.TextField(blank=True)
    charged = models.BooleanField(default=False)
    # When nothing of it was left on the host: no input, output, temp file or history.
    cleaned_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["claimed_at"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_number_unique"),
            models.UniqueConstraint(
                fields=["job"],
                condition=Q(state__in=["claimed", "staged", "sent", "running", "executed"]),
                name="attempt_one_live_per_job",
            ),
        ]
        indexes = [
            models.Index(
                F("instance"),
                condition=Q(state__in=["claimed", "staged", "sent", "running", "executed"]),
                name="attempt_live",
            ),
            models.Index(
                F("instance"),
                condition=Q(cleaned_at=None) & ~Q(state__in=["claimed", "staged", "sent", "running", "executed"]),
                name="attempt_uncleaned",
            ),
            models.Index(F("finished_at"), name="attempt_finished"),
            models.Index(F("claimed_at"), condition=Q(number=1), name="attempt_first"),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"

    @property
    def is_live(self) -> bool:
        return self.state in self.LIVE

    @property
    def folder(self) -> str:
        """Where its files lie on the host, under the input and the output directory."""
        return f"portal/{self.id.hex}"

    @property
    def marks(self) -> dict[str, str]:
        """What a log line about it carries beside its words."""
        return {"attempt": str(self.pk), "job": str(self.job_id), "instance": str(self.instance_id)}

    def about_to_send(self) -> bool:
        """Write down that its prompt is about to be posted; false where it is no longer ours or nobody wants it now."""
        now = timezone.now()
        wanted = Attempt.objects.filter(pk=self.pk, driver=self.driver, state=self.State.STAGED)
        if not wanted.filter(job__cancel_asked_at=None).update(sending_at=now):
            return False
        self.sending_at = now
        return True

    def move(self, *sources: str, **changes: Any) -> bool:
        """Change it if it is in one of these states and still held by this driver; the object follows the row."""
        moved = Attempt.objects.filter(pk=self.pk, driver=self.driver, state__in=sources).update(**changes)
        if moved:
            self._follow(changes)
        return moved == 1

    def note(self, *sources: str, **changes: Any) -> bool:
        """As `move`, without waiting for the disk: for what the host can be asked again.

        Should the server lose power within the next second, the row may be as before. Commits reach the disk in
        order, so whatever a later `move` stands on is kept with it. Not inside a transaction, all of which would
        then not wait.
        """
        with connection.cursor() as cursor:
            cursor.execute(_note_sql(tuple(changes)), [*changes.values(), self.pk, self.driver, list(sources)])
            noted: bool = cursor.rowcount == 1
        if noted:
            self._follow(changes)
        return noted

    def _follow(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        if "state" in changes:
            log.info("attempt %s is %s", self.pk, self.state, extra=self.marks)


@cache
def _note_sql(columns: tuple[str, ...]) -> sql.Composed:
    """Written out: the ORM takes longer to word an UPDATE than the server to make it, four times for every job."""
    changed = [sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns]
    return sql.SQL(
        "UPDATE gpujobs_attempt SET {} FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried"
        " WHERE id = %s AND driver = %s AND state = ANY(%s)"
    ).format(sql.SQL(", ").join(changed))


class Output(models.Model):
    """A verified file of a succeeded job, in the portal's storage."""

    class Kind(models.TextChoices):
        IMAGE = "image"
        VIDEO = "video"

    job = models.ForeignKey(Job, models.CASCADE, related_name="outputs")
    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="outputs")
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    media_type = models.CharField(max_length=40)
    file = models.CharField(max_length=255, help_text="name in the default storage")
    sha256 = models.CharField(max_length=64)
    byte_count = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    frames = models.PositiveIntegerField(default=1)
    duration_ms = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="output_position_unique")]

    def __str__(self) -> str:
        return self.file


class Settled(models.Model):
    """What ended until then, counted once and for all (gpujobs.tally). The latest row is the one that counts."""

    until = models.DateTimeField(unique=True)
    figures = models.JSONField()

    class Meta:
        ordering = ["-until"]

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M}"
