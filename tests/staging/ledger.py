"""Which of their tests are left out, and why: `ledger.yaml`, one reason for each test, class or module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

WRITTEN = Path(__file__).with_name("ledger.yaml")
KINDS = (
    "no server",  # tests the client by itself
    "out of scope",  # a feature that this hub does not have, on purpose
    "public hub",  # facts about the content or the services of huggingface.co
    "decision",  # contradicts a decision that binds this project
    "accident",  # asserts something that only happens to be so on their staging server
    "not shipped",  # needs files that the source distribution lacks
    "gap",  # ours: should pass, does not yet
)


@dataclass(frozen=True)
class Entry:
    """`tests` are starts of test ids, such as `test_hf_api.py::TestX`."""

    kind: str
    why: str
    tests: tuple[str, ...]


def entries() -> list[Entry]:
    found = [Entry(one["kind"], one["why"], tuple(one["tests"])) for one in yaml.safe_load(WRITTEN.read_text())]
    for entry in found:
        if entry.kind not in KINDS or not entry.why:
            raise ValueError(f"{WRITTEN.name}: {entry} needs one of the kinds {KINDS}, and a reason")
    return found


def starts(written: Iterable[Entry]) -> dict[str, str]:
    """Every start of test ids, with the kind of its reason."""
    return {start: entry.kind for entry in written for start in entry.tests}


def covers(start: str, test: str) -> bool:
    return test == start or test.startswith((f"{start}::", f"{start}["))


def stale(written: Iterable[Entry], tests: Iterable[str]) -> list[str]:
    """Starts that no test has any more."""
    known = list(tests)
    return [start for start in starts(written) if not any(covers(start, test) for test in known)]
