"""Memory of this process, watched by another one every 20 ms, and whether files lie in the page cache."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SAMPLES = 64
WAIT_SECONDS = 10

# Ends when its standard input closes, so with us at the latest.
SAMPLER = """
import os, select, sys
page, most, seen = os.sysconf("SC_PAGE_SIZE"), 0, 0
path = "/proc/" + sys.argv[1] + "/statm"
while True:
    ended = select.select([sys.stdin], [], [], 0.02)[0]
    try:
        with open(path) as stream:
            most = max(most, int(stream.read().split()[1]) * page)
            seen += 1
    except (OSError, ValueError, IndexError):
        break
    if ended:
        break
print(most, seen)
"""


class ResidentMemory:
    """The most memory this process held while the block ran: `bytes`, None where it could not be watched."""

    bytes: int | None = None
    samples: int = 0

    def __enter__(self) -> Self:
        self._child: subprocess.Popen[str] | None = None
        with contextlib.suppress(OSError):
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", SAMPLER, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is None:
            return
        with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
            said, _ = self._child.communicate(timeout=WAIT_SECONDS)
            most, samples = (int(number) for number in said.split())
            self.bytes, self.samples = most or None, samples
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()


def cached_share(paths: Sequence[Path]) -> float | None:
    """How much of these files the system holds in memory, by samples; None where it cannot tell."""
    found: list[bool] = []
    for path in paths:
        try:
            with path.open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                each = max(1, SAMPLES // len(paths))
                found += [_is_cached(stream.fileno(), size * number // each) for number in range(each)]
        except OSError:  # the file system cannot say
            return None
    return sum(found) / len(found) if found else None


def _is_cached(descriptor: int, offset: int) -> bool:
    """Raises OSError where the file system does not know."""
    wanted: Any = os.RWF_NOWAIT
    try:
        os.preadv(descriptor, [bytearray(1)], offset, wanted)
    except BlockingIOError:
        return False
    return True
