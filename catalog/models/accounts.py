"""Who: namespaces, people, organisations and their access tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

WRITING: Final = ("write", "admin")  # roles of a grant that may commit


class Namespace(models.Model):
    """The first segment of a repo id. People and organisations share this table, so names cannot clash.

    Rows are never deleted: the name of a deleted or renamed owner stays reserved (security 2).
    """

    name = models.CharField(max_length=96)  # as its owner spells it
    key = models.CharField(max_length=96, unique=True)  # casefolded, what lookups use

    def __str__(self) -> str:
        return self.name

    @property
    def owner(self) -> User | Organisation | None:
        """The user or organisation that holds this name now."""
        user: User | None = getattr(self, "user", None)
        return user if user is not None else getattr(self, "organisation", None)

    @property
    def is_organisation(self) -> bool:
        return getattr(self, "organisation", None) is not None


@dataclass(frozen=True)
class Reach:
    """How far a fine-grained token goes: the role it has in some namespaces and repos, by their keys."""

    namespaces: Mapping[int, str] = field(default_factory=dict)
    repos: Mapping[int, str] = field(default_factory=dict)

    @property
    def writes_somewhere(self) -> bool:
        return any(role in WRITING for role in (*self.namespaces.values(), *self.repos.values()))

    def covers(self, namespace_id: int, repo_id: int | None = None) -> bool:
        return namespace_id in self.namespaces or repo_id in self.repos

    def may_write(self, namespace_id: int, repo_id: int | None = None) -> bool:
        return self.namespaces.get(namespace_id) in WRITING or self.repos.get(repo_id or 0) in WRITING

    def may_administer(self, namespace_id: int, repo_id: int | None = None) -> bool:
        return "admin" in (self.namespaces.get(namespace_id), self.repos.get(repo_id or 0))


def second_factors() -> models.QuerySet[Any]:
    """What people sign in with besides a password; recovery codes only stand in for it."""
    found: models.QuerySet[Any] = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return found


def _is_factor_required() -> bool:
    return settings.ADMIN_SECOND_FACTOR == "required"


class UserManager(BaseUserManager["User"]):
    """Django's hooks for authentication; accounts are created by `actions.accounts`."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(namespace__key=(username or "").casefold())

    def administering(self) -> models.QuerySet[User]:
        """Those whose `administers` holds."""
        admins = self.filter(is_admin=True)
        return admins.filter(pk__in=second_factors().values("user")) if _is_factor_required() else admins


class User(AbstractBaseUser, PermissionsMixin):
    """A person (or a robot account). Signs in with a password, works with tokens."""

    namespace = models.OneToOneField(Namespace, on_delete=models.PROTECT, related_name="user")
    username = models.CharField(max_length=96, unique=True)  # equals namespace.name
    full_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    is_admin = models.BooleanField(default=False)  # administers the whole site
    hardware = models.JSONField(default=dict, blank=True)  # "my machine" for the fit facet
    created_at = models.DateTimeField(default=timezone.now)

    # Set by `access` on the person a fine-grained token stands for: whatever asks for their rights gets no more.
    reach: Reach | None = None

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.username

    @property
    def display_name(self) -> str:
        return self.full_name or self.username

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether signing in asks for more than the password."""
        return bool(second_factors().filter(user=self.pk).exists())

    @property
    def is_held_back(self) -> bool:
        """An administrator without the second factor this site demands of them: nobody special until they have one."""
        return self.is_admin and _is_factor_required() and not self.has_second_factor

    @property
    def administers(self) -> bool:
        """Whether they may do what only administrators may, now; whatever decides about rights asks this."""
        return self.is_admin and not self.is_held_back

    @property
    def is_staff(self) -> bool:
        """What Django calls staff we call administrator."""
        return self.administers

    def get_full_name(self) -> str:
        return self.display_name


class Organisation(models.Model):
    """A team: owns repos together. Called "team" in the interface."""

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("public")
        PRIVATE = "private", _("private")

    namespace = models.OneToOneField(Namespace, on_delete=models.PROTECT, related_name="organisation")
    full_name = models.CharField(max_length=200, blank=True)
    default_visibility = models.CharField(max_length=7, choices=Visibility, default=Visibility.PUBLIC)
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="organisations"
    )
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.namespace.name

    @property
    def display_name(self) -> str:
        return self.full_name or self.namespace.name


class Membership(models.Model):
    """What one person may do in one organisation."""

    class Role(models.TextChoices):
        READ = "read", _("read")
        WRITE = "write", _("write")
        ADMIN = "admin", _("admin")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=5, choices=Role, default=Role.READ)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["organisation", "user"], name="membership_unique_in_organisation")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation}: {self.role}"

    @property
    def can_write(self) -> bool:
        return self.role in (self.Role.WRITE, self.Role.ADMIN)


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    def usable(self, at: datetime | Now | None = None) -> AccessTokenQuerySet:
        """Neither expired (now, unless told when) nor belonging to a blocked person."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at or timezone.now()), user__is_active=True)


class AccessToken(models.Model):
    """A key a program signs in with. Only its HMAC is stored (security 11)."""

    class Role(models.TextChoices):
        READ = "read", _("read")
        WRITE = "write", _("write")
        FINE_GRAINED = "fineGrained", _("only what it names")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=11, choices=Role, default=Role.READ)
    digest = models.CharField(max_length=64, unique=True)  # HMAC-SHA256(pepper, token), hex
    last_four = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    publisher = models.ForeignKey(  # whose job got it, and which takes it along when it is removed
        "catalog.TrustedPublisher", null=True, blank=True, on_delete=models.CASCADE, related_name="tokens"
    )

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["user", "name"], name="token_name_unique_per_user")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.user} (…{self.last_four})"
