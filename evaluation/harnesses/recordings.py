"""What harnesses asked, kept between processes: asking them costs seconds and changes with nothing but its digest."""

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def kept(cache: Path, digest: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The recording with this digest, made once for all processes that share the folder."""
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{digest}.json"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_file():
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps(make()), encoding="utf-8")
            draft.replace(path)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
