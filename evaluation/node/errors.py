"""What can go wrong on a node; every failed run has a reason and a sentence."""

from typing import Literal

Reason = Literal[
    "unsupported",
    "does_not_fit",
    "bad_output",
    "timeout",
    "sandbox_violation",
    "lost",
    "node_error",
    "data_unavailable",
]
REASONS: frozenset[str] = frozenset(Reason.__args__)  # type: ignore[attr-defined]  # Literal keeps its choices there


class NodeError(Exception):
    """Root of the node's errors."""


class RunFailed(NodeError):
    """This run ends; the hub is told why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class RunStopped(NodeError):
    """Nobody waits for this run any more: it was cancelled, or its lease is gone. The hub is told nothing."""


class HubUnavailable(NodeError):
    """The hub cannot be reached, or answers with an error of its own: try again later."""


class HubRefused(NodeError):
    """The hub understood and said no; trying again changes nothing."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class LeaseLost(HubRefused):
    """The run belongs to somebody else by now (409)."""
