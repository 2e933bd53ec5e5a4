"""Signing in a program through a browser (OAuth 2.0 device grant, RFC 8628)."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models.accounts import AccessToken, User

ROLES = AccessToken.Role.choices[:2]  # a program reads or writes as its person does


class DeviceLogin(models.Model):
    """One program waiting for somebody to approve it; ends with its token, a refusal or its time."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPROVED = "approved", _("approved")
        DENIED = "denied", _("denied")
        USED = "used", _("used")

    device_digest = models.CharField(max_length=64, unique=True)  # HMAC of the code only the program knows
    user_code = models.CharField(max_length=9, unique=True)  # what the person compares: "BCDF-GHJK"
    client_id = models.CharField(max_length=100)
    client_note = models.CharField(max_length=200, blank=True)  # the program's own words: its user agent
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    role = models.CharField(max_length=5, choices=ROLES, default=AccessToken.Role.READ)  # as approved
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    polled_at = models.DateTimeField(null=True)
    interval_seconds = models.PositiveSmallIntegerField(default=5)  # between two polls

    def __str__(self) -> str:
        return f"device login {self.user_code}: {self.state}"


class RefreshToken(models.Model):
    """A program's right to a new access token; each works once (rotation)."""

    token = models.OneToOneField(AccessToken, on_delete=models.CASCADE, related_name="refresh")
    digest = models.CharField(max_length=64, unique=True)
    client_id = models.CharField(max_length=100)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"refresh of token {self.token_id}"
