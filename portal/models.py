"""Who works here and for which funeral home, and what they did."""

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.indexes import BrinIndex
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Company(models.Model):
    """Who runs several homes (상조회사). It groups them; what belongs to one of them is still never seen by another."""

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("이름"), max_length=80, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class FuneralHome(models.Model):
    """A tenant: what belongs to one home is never seen by another."""

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("이름"), max_length=80)
    company = models.ForeignKey(
        Company, models.PROTECT, null=True, blank=True, related_name="homes", verbose_name=_("상조회사")
    )
    phone = models.CharField(_("전화"), max_length=20, blank=True)
    is_active = models.BooleanField(_("사용 중"), default=True)
    link_days = models.PositiveSmallIntegerField(_("전달 링크를 여는 날수"), default=30)
    # How long data are kept (orders.retention_clock): after delivery and 발인 the photos and candidates, then what was
    # handed out; and what was never sent off, or cancelled.
    keep_source_days = models.PositiveSmallIntegerField(_("사진과 후보를 보관하는 날수"), default=30)
    keep_file_days = models.PositiveSmallIntegerField(_("완성 파일을 보관하는 날수"), default=90)
    keep_draft_days = models.PositiveSmallIntegerField(_("보내지 않았거나 취소한 의뢰를 보관하는 날수"), default=30)
    family_chooses = models.BooleanField(_("영정사진을 가족이 고르기"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="home_name_unique"),
            models.CheckConstraint(
                condition=Q(keep_source_days__gte=1, keep_draft_days__gte=1)
                & Q(keep_file_days__gte=models.F("keep_source_days")),
                name="home_keeps_files_as_long_as_photos",
            ),
        ]

    def __str__(self) -> str:
        return self.name


def _role_fits_home() -> Q:
    """Staff and managers work at a home, everybody else for the portal."""
    at_home, portal = ["staff", "manager"], ["reviewer", "operator", "admin"]
    return Q(role__in=at_home, home__isnull=False) | Q(role__in=portal, home__isnull=True)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        with transaction.atomic(using=self._db):
            user.save(using=self._db)
            Membership.objects.using(self._db).create(user=user, home=user.home, role=user.role)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """One person with a login of their own; nobody shares one.

    Staff and managers belong to one home. Reviewers, operators and admins work for the portal and belong to none:
    a reviewer sees every home's work to be reviewed, an operator the fleet, an admin homes, people and rules;
    neither of the last two sees a family's pictures.

    ``home`` and ``role`` are where and as what they work now; `Membership` has every place they may work at.
    """

    class Role(models.TextChoices):
        STAFF = "staff", _("담당자")
        MANAGER = "manager", _("관리자")
        REVIEWER = "reviewer", _("검수")
        OPERATOR = "operator", _("운영")
        ADMIN = "admin", _("총괄")

    HOME_ROLES: ClassVar = (Role.STAFF, Role.MANAGER)

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("이메일"), unique=True)
    name = models.CharField(_("이름"), max_length=40)
    role = models.CharField(_("역할"), max_length=10, choices=Role.choices)
    home = models.ForeignKey(FuneralHome, models.PROTECT, null=True, blank=True, related_name="people")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name", "role"]

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=_role_fits_home(), name="user_home_fits_role"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def works_at_home(self) -> bool:
        return self.role in self.HOME_ROLES

    @property
    def may_log_in(self) -> bool:
        return self.is_active and (self.home is None or self.home.is_active)

    @property
    def needs_second_factor(self) -> bool:
        """Whose work reaches beyond one home shows more than a password."""
        return settings.SECOND_FACTOR_REQUIRED and not self.works_at_home

    @property
    def has_second_factor(self) -> bool:
        """An authenticator app or a passkey; recovery codes alone are none."""
        held: models.QuerySet[models.Model] = apps.get_model("mfa.Authenticator")._default_manager.filter(user=self)
        return held.exclude(type="recovery_codes").exists()

    @property
    def must_enrol(self) -> bool:
        return self.needs_second_factor and not self.has_second_factor

    @property
    def is_manager(self) -> bool:
        return self.role == self.Role.MANAGER

    @property
    def is_reviewer(self) -> bool:
        return self.role == self.Role.REVIEWER

    @property
    def is_operator(self) -> bool:
        return self.role == self.Role.OPERATOR

    @property
    def is_admin(self) -> bool:
        return self.role == self.Role.ADMIN

    @property
    def other_places(self) -> "models.QuerySet[Membership]":
        """Where else they may work now, for the switch in the header."""
        open_ones = self.memberships.filter(Q(home=None) | Q(home__is_active=True)).select_related("home")
        return open_ones.exclude(Q(home=self.home_id) if self.home_id else Q(home=None, role=self.role))

    def work_at(self, place: "Membership") -> bool:
        """Be there from now on; false if the place was taken away meanwhile."""
        with transaction.atomic():
            if not self.other_places.filter(pk=place.pk).select_for_update(of=("self",)).first():
                return False
            self.home, self.role = place.home, place.role
            self.save(update_fields=["home", "role"])
        return True


class Membership(models.Model):
    """A place where somebody may work, and as what; with a home, or for the portal without one."""

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    home = models.ForeignKey(FuneralHome, models.PROTECT, null=True, blank=True, related_name="memberships")
    role = models.CharField(_("역할"), max_length=10, choices=User.Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["home__name", "role"]
        constraints = [
            models.UniqueConstraint(fields=["user", "home"], name="membership_once_a_home"),
            models.UniqueConstraint(fields=["user", "role"], condition=Q(home=None), name="membership_once_a_role"),
            models.CheckConstraint(condition=_role_fits_home(), name="membership_home_fits_role"),
        ]

    def __str__(self) -> str:
        return f"{self.home.name} · {self.get_role_display()}" if self.home else self.get_role_display()

    def end(self) -> bool:
        """Take the place away; whoever works there goes to another of theirs. False if it is their last."""
        with transaction.atomic():
            user = User.objects.select_for_update(no_key=True).get(pk=self.user_id)
            others = user.memberships.exclude(pk=self.pk).select_related("home")
            if not others:
                return False
            if (user.home_id, user.role) == (self.home_id, self.role):
                # One that is open, if there is any.
                goes_to = min(others, key=lambda place: not (place.home is None or place.home.is_active))
                user.home, user.role = goes_to.home, goes_to.role
                user.save(update_fields=["home", "role"])
            self.delete()
        return True


class OpenLogin(models.Model):
    """One browser in which somebody is logged in (portal.sessions)."""

    LONGEST_BROWSER = 300

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="open_logins")
    session_key = models.CharField(max_length=40)
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=LONGEST_BROWSER)
    started_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.code)


class Invitation(models.Model):
    """An invitation to a colleague, by a home's manager or, to any role, by an admin; its token is stored hashed.

    Used once, it stays as the record of who let whom in; taken back, it is gone.
    """

    VALID_FOR = timedelta(days=7)

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    home = models.ForeignKey(FuneralHome, models.CASCADE, null=True, blank=True, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=User.Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["home", "email"], condition=Q(accepted_at=None), name="invitation_one_waiting_per_email"
            ),
            models.UniqueConstraint(
                fields=["email"],
                condition=Q(accepted_at=None, home=None),
                name="invitation_one_waiting_to_the_portal",
            ),
            models.CheckConstraint(condition=_role_fits_home(), name="invitation_home_fits_role"),
        ]

    def __str__(self) -> str:
        return str(self.code)

    @classmethod
    def issue(cls, *, home: FuneralHome | None, email: str, role: str, invited_by: User) -> tuple["Invitation", str]:
        """An invitation and its token, which is nowhere else; one that waits for the same person begins anew."""
        token = new_token()
        invitation, _created = cls.objects.update_or_create(
            home=home,
            email=email.lower(),
            accepted_at=None,
            defaults={
                "role": role,
                "invited_by": invited_by,
                "token_hash": hash_token(token),
                "expires_at": timezone.now() + cls.VALID_FOR,
            },
        )
        return invitation, token

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.expires_at > timezone.now()

    def use(self) -> bool:
        """Spend it; false if it was spent, renewed or taken back meanwhile."""
        waiting = Invitation.objects.filter(pk=self.pk, token_hash=self.token_hash, accepted_at=None)
        return waiting.filter(expires_at__gt=timezone.now()).update(accepted_at=timezone.now()) == 1


class AuditEvent(models.Model):
    """Who did what to whose data, when, from where and why; rows are only ever added.

    Triggers of the database refuse UPDATE, DELETE and TRUNCATE, and give each row its place in a chain of hashes
    (`AuditLink`) at its commit. Written by `portal.audit.record` in the transaction of what it describes.
    """

    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # As it was then: a name that changes later, or a person who leaves, changes nothing here.
    actor_name = models.CharField(max_length=40, blank=True)
    # Whoever acts without a login: "family", "worker", "system".
    actor_kind = models.CharField(max_length=10, default="user")
    address = models.GenericIPAddressField(null=True)
    home = models.ForeignKey(FuneralHome, models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=60)
    subject = models.UUIDField(null=True)
    # Why, in the words of whoever did it.
    reason = models.CharField(max_length=500, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject", "-id"]),
            models.Index(fields=["home", "-id"]),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            # Entries come in the order of their times: a few kilobytes for all of them.
            BrinIndex(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"


class AuditLink(models.Model):
    """An entry's place in the chain, given by the database as its transaction commits (portal/migrations)."""

    # 1, 2, 3 … without a gap, in the order of the commits.
    number = models.BigIntegerField(primary_key=True)
    # Not a foreign key: an entry that is gone must leave its link behind to be missed by.
    event = models.BigIntegerField(unique=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.hash[:12]}"


class AuditCheckpoint(models.Model):
    """The head of the chain as it once was, signed with a key that is not in the database.

    Kept each day, it shows a chain that was cut short or computed anew; where old entries were pruned, it is what the
    first of the rest is held against.
    """

    number = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    signature = models.CharField(max_length=64)
    # Whether everything up to and with this number was pruned.
    pruned = models.BooleanField(default=False)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["number", "id"]

    def __str__(self) -> str:
        return f"{self.number} {self.hash[:12]}"


def new_token() -> str:
    """43 characters of 256 random bits, for a link."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """The hex SHA-256 under which a token is stored; 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


# Of this app, but a thing of its own; Django finds models here.
from portal.notices.models import Notice as Notice  # noqa: E402
from portal.notices.models import NoticeStop as NoticeStop  # noqa: E402
