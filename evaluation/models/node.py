"""Machines that evaluate. Untrusted: a node holds a token and whatever one lease grants it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import models
from django.utils import timezone

NODE_ALIVE: Final = timedelta(minutes=2)  # it asks for work every 20 s, and reports every 15 while it has some


class Node(models.Model):
    """One machine that claims runs over HTTP (decision 9)."""

    name = models.CharField(max_length=100, unique=True)
    digest = models.CharField(max_length=64, unique=True)  # HMAC of the node token, hex
    is_embedded = models.BooleanField(default=False)  # started by `up`
    is_active = models.BooleanField(default=True)  # False: token revoked
    sandbox = models.CharField(max_length=12, blank=True)  # bubblewrap, namespaces, none
    hardware = models.JSONField(default=dict)
    versions = models.JSONField(default=dict)
    queues = models.JSONField(default=list)  # what it serves: by its hardware, as it registers
    only_queues = models.JSONField(default=list, db_default=[])  # what its operator allows; empty: all it can
    draining_since = models.DateTimeField(null=True)  # it finishes what it has and claims nothing
    paused_at = models.DateTimeField(null=True)  # it drifted: nothing it measures is published
    paused_reason = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
