"""What the scripts of this folder share. It runs inside each client's own environment: standard library only.

A script marks functions with `@feature("what it shows")` and ends with `run()`, which calls each of them and prints one
record a line. A feature the client does not have raises `NotOffered` with the reason; everything else that it raises
is a failure.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "MATRIX RECORD "
SECONDS_PER_FEATURE = 180
ENDPOINT = os.environ["HF_ENDPOINT"]
TOKENS: dict[str, str] = json.loads(os.environ["MATRIX_TOKENS"])  # of ann (writes), bob (writes), and ann's reader
OTHER = os.environ["MATRIX_OTHER"]  # bob's name: each client has a bob of its own, floods are counted by person
PREFIX = os.environ["MATRIX_PREFIX"]
_features: list[tuple[str, Callable[[], None]]] = []


class NotOffered(Exception):
    """This client, at this version, has no such feature; the text says why."""


def feature(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def add(function: Callable[[], None]) -> Callable[[], None]:
        _features.append((name, function))
        return function

    return add


def repo_id(name: str, owner: str = "ann") -> str:
    """A repo name no other client uses."""
    return f"{owner}/{PREFIX}-{name}"


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def text_of(path: str) -> str:
    return Path(path).read_text()


def expect(found: object, expected: object) -> None:
    if found != expected:
        raise AssertionError(f"{found!r}, not {expected!r}")


@contextmanager
def expect_error(kind: type[BaseException], text: str = "", status: int = 0) -> Iterator[None]:
    try:
        yield
    except kind as error:
        if text.lower() not in str(error).lower():
            raise AssertionError(f"{text!r} is not in {error}") from error
        answered = getattr(getattr(error, "response", None), "status_code", None)
        if status and answered != status:
            raise AssertionError(f"answered {answered}, not {status}") from error
        return
    raise AssertionError(f"no {kind.__name__}")


def run() -> None:
    """Call what was marked, or only what `MATRIX_FEATURE` is part of; print a record of each."""
    signal.signal(signal.SIGALRM, _too_slow)
    wanted = os.environ.get("MATRIX_FEATURE", "")
    for name, function in _features:
        if wanted in name:
            print(MARK + json.dumps(_record(name, function)), flush=True)


def _record(name: str, function: Callable[[], None]) -> dict[str, object]:
    before = time.monotonic()
    result, reason = "pass", ""
    signal.alarm(SECONDS_PER_FEATURE)
    try:
        function()
    except NotOffered as why:
        result, reason = "not offered", str(why)
    except Exception as error:  # noqa: BLE001  # each failure is a record of its own
        result, reason = "fail", " ".join(f"{type(error).__name__}: {error}".split())[:500]
        traceback.print_exc(file=sys.stderr)
    finally:
        signal.alarm(0)
    return {"feature": name, "result": result, "reason": reason, "seconds": round(time.monotonic() - before, 2)}


def _too_slow(number: int, frame: object) -> None:
    raise TimeoutError(f"longer than {SECONDS_PER_FEATURE} s")
