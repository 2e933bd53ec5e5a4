"""How a run fails: a stable reason and a sentence that a model's author understands."""

from typing import Literal

Reason = Literal["unsupported", "does_not_fit", "bad_output", "data_unavailable", "node_error"]

EXIT_CODES: dict[Reason, int] = {
    "unsupported": 10,
    "does_not_fit": 11,
    "bad_output": 12,
    "data_unavailable": 13,
    "node_error": 14,
}


class RunFailed(Exception):
    """This run ends here; the others of the specification go on."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class DeviceBroken(RunFailed):
    """The accelerator is in an undefined state: nothing more can be computed in this process."""


def unsupported(message: str) -> RunFailed:
    return RunFailed("unsupported", message)
