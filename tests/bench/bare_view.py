"""The least a server can do to send a file: no right is asked, no database, only `wsgi.file_wrapper`.

BARE_FILE=… gunicorn -c python:marketplace.web_server tests.bench.bare_view
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FILE = Path(os.environ.get("BARE_FILE", "/dev/null"))


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    start_response(
        "200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(FILE.stat().st_size))]
    )
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](FILE.open("rb", buffering=0))
    return wrapped
