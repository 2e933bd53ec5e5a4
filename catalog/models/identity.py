"""Who somebody is elsewhere: accounts of identity providers, and sign-ins there that are under way."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.accounts import User


class ExternalIdentity(models.Model):
    """One account at one provider. Issuer and subject are the identity; an e-mail address never is."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    shown_as = models.CharField(max_length=254, blank=True)  # as the provider called it when it was linked
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_is_of_one_person")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.issuer}"


class PendingSignIn(models.Model):
    """A browser that was sent to a provider; its answer is taken once, from that browser alone."""

    state_digest = models.CharField(max_length=64, unique=True)  # HMAC of what the answer must carry
    browser_digest = models.CharField(max_length=64)  # HMAC of a cookie
    provider = models.CharField(max_length=40)
    nonce = models.CharField(max_length=64)
    verifier_sealed = models.BinaryField()  # PKCE: without it a code is worth nothing
    target = models.CharField(max_length=2000)  # where to go afterwards
    is_again = models.BooleanField(default=False)  # somebody signed in, who has to show that it is still them
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")  # who links an identity
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"sign-in at {self.provider}"
