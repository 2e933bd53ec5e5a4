"""Which of the registered nodes could take a run at all: what a waiting run is told, and where it moves to."""

from __future__ import annotations

import math
from collections.abc import Iterable

from django.utils.translation import gettext as _

from evaluation.models import Node, Run
from evaluation.queries import classes
from evaluation.queries.classes import GPU_GB, USABLE


def waits_for(run: Run, nodes: Iterable[Node] | None = None) -> str:
    """A sentence where no registered node could ever take this queued run; "" when one could, or it waits no more.

    Args:
        nodes: the registered ones, where the caller has them already.
    """
    if run.state != Run.State.QUEUED:
        return ""
    if any(could_take(node, run) for node in (registered() if nodes is None else nodes)):
        return ""
    if run.for_node_id is not None:
        return _("Waits for its node, which does not serve this class any more.")
    if (gb := GPU_GB.get(run.queue)) is not None:
        return _("Waits for a node with a GPU of at least %(gb)d GB; none is registered.") % {"gb": gb}
    return _("Waits for a node with at least %(gb)d GB of memory; none is registered.") % {
        "gb": math.ceil(run.memory_gb / USABLE) or 1
    }


def next_class(run: Run) -> str | None:
    """One class up for a run that did not fit: above its own and above that of the node it was on.

    None when it moved once before, or when no registered node could take it there: to wait for a machine that nobody
    has is no answer to a model that was tried.
    """
    if run.escalated_from:
        return None
    tried = classes.rank(run.queue) if run.node is None else max(
        classes.rank(run.queue), classes.rank(classes.class_of(run.node.hardware, run.node.versions))
    )  # fmt: skip
    above = [name for name in classes.CLASSES[tried + 1 :] if run.memory_gb <= USABLE * GPU_GB[name]]
    if not above:
        return None
    moved = Run(queue=above[0], memory_gb=run.memory_gb, for_node_id=run.for_node_id)
    return above[0] if any(could_take(node, moved) for node in registered()) else None


def could_take(node: Node, run: Run) -> bool:
    """Whether its queues and its memory are right for this run; not whether it lives or is busy."""
    memory = classes.memory_gb(node.hardware, node.versions)
    is_its = run.for_node_id in (None, node.pk)
    return is_its and run.queue in node.queues and (memory is None or run.memory_gb <= USABLE * memory)


def registered() -> list[Node]:
    """The nodes whose tokens are good, alive or not."""
    return list(Node.objects.filter(is_active=True))
