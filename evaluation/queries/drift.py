"""Nodes and what their sentinels say, for the people who run them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from django.db.models import Window
from django.db.models.functions import RowNumber

from evaluation.errors import NodeNotFound
from evaluation.models import Node, Sentinel, SentinelCheck

CHECKS_SHOWN: Final = 10  # of each node, the newest


@dataclass(frozen=True)
class NodeDrift:
    """One machine: whether it publishes, and its last checks, newest first."""

    node: Node
    checks: list[SentinelCheck]

    @property
    def is_paused(self) -> bool:
        return self.node.paused_at is not None


def drift_of_nodes() -> list[NodeDrift]:
    """Paused ones first, then by name; two queries."""
    checks: dict[int, list[SentinelCheck]] = defaultdict(list)
    place = Window(RowNumber(), partition_by="node_id", order_by="-pk")  # a busy node hides no other
    newest = SentinelCheck.objects.filter(node__is_active=True).annotate(place=place).filter(place__lte=CHECKS_SHOWN)
    for check in newest.select_related("sentinel__repo__namespace", "sentinel__benchmark").order_by("-pk"):
        checks[check.node_id].append(check)
    nodes = Node.objects.filter(is_active=True).order_by("name")
    return sorted((NodeDrift(node, checks[node.pk]) for node in nodes), key=lambda one: not one.is_paused)


def sentinels() -> list[Sentinel]:
    """Those that are measured, by benchmark."""
    active = Sentinel.objects.filter(is_active=True).select_related("repo__namespace", "benchmark")
    return list(active.order_by("benchmark__slug", "pk"))


def node_named(name: str) -> Node:
    """Raises `NodeNotFound`."""
    node = Node.objects.filter(name=name).first()
    if node is None:
        raise NodeNotFound
    return node
