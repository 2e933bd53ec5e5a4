"""Machines that evaluate: creating them, knowing them by their token, noting what they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import tokens
from catalog.actions import audit
from catalog.models import User
from evaluation.errors import BadNodeToken
from evaluation.models import Node
from evaluation.queries import classes, queue

EMBEDDED_NAME = "embedded"
SANDBOXES = ("bubblewrap", "namespaces", "none")


@transaction.atomic
def create_node(name: str, *, queues: tuple[str, ...] = (), is_embedded: bool = False) -> tuple[Node, str]:
    """A node and its token, which is shown this once. An existing node of that name gets a new token.

    Args:
        queues: the only ones it shall serve; none named: those its hardware is good for, once it registered.
    """
    secret = tokens.new_token(tokens.NODE_PREFIX, "n")
    node, _ = Node.objects.update_or_create(
        name=name,
        defaults={
            "digest": tokens.digest(secret),
            "queues": list(queues) or [classes.CPU],
            "only_queues": list(queues),
            "is_embedded": is_embedded,
            "is_active": True,
        },
    )
    audit.record(None, "node.token", f"node/{name}", queues=list(queues))
    return node, secret


def ensure_embedded_node(path: Path) -> Node:
    """The node that `up` starts; its token lies in `path`, readable by the owner alone.

    A token file without a row (a restored database) or a row without the file gets a fresh token.
    """
    try:
        return node_of_token(path.read_text().strip())
    except (FileNotFoundError, BadNodeToken):
        node, secret = create_node(EMBEDDED_NAME, is_embedded=True)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
    return node


def node_of_token(text: str) -> Node:
    """The active node that holds this token. Raises `BadNodeToken`."""
    if not (text.startswith(tokens.NODE_PREFIX) and tokens.is_well_formed(text)):
        raise BadNodeToken
    node = Node.objects.filter(digest=tokens.digest(text), is_active=True).first()
    if node is None:
        raise BadNodeToken
    return node


def register(*, node: Node, sandbox: str, hardware: dict[str, Any], versions: dict[str, Any]) -> None:
    """Note what the machine says of itself. It is told, not proved: pages say "as stated by the node"."""
    node.sandbox = sandbox if sandbox in SANDBOXES else "none"
    node.hardware = hardware
    node.versions = versions
    node.queues = node.only_queues or classes.served(hardware, versions)
    node.last_seen_at = timezone.now()
    node.save(update_fields=["sandbox", "hardware", "versions", "queues", "last_seen_at"])


def note_seen(node: Node) -> None:
    """The node gave a sign of life."""
    Node.objects.filter(pk=node.pk).update(last_seen_at=timezone.now())


@transaction.atomic
def drain(*, node: Node, actor: User | None = None) -> Node:
    """Let it finish what it has and claim nothing: once this returns, no claim of its own succeeds."""
    queue.lock_claims()
    node = Node.objects.select_for_update().get(pk=node.pk)
    if node.draining_since is None:
        node.draining_since = timezone.now()
        node.save(update_fields=["draining_since"])
        audit.record(actor, "node.drain", f"node/{node.name}")
    return node


@transaction.atomic
def undrain(*, node: Node, actor: User | None = None) -> Node:
    """It claims again."""
    node = Node.objects.select_for_update().get(pk=node.pk)
    if node.draining_since is not None:
        node.draining_since = None
        node.save(update_fields=["draining_since"])
        audit.record(actor, "node.undrain", f"node/{node.name}")
    return node
