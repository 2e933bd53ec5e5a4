"""Small facts read from the files of a model."""

from __future__ import annotations

import json
from typing import Any, Final

from catalog.stores import blob_store
from evaluation.queries.snapshots import Snapshot, SnapshotFile

LARGEST_READ: Final = 4 * 1024 * 1024  # bytes of a file that is opened here


def chat_template_of(snapshot: Snapshot) -> str:
    """The template by which a model turns a conversation into one text; "" where it has none."""
    files = {file.path: file for file in snapshot.files}
    if (own := files.get("chat_template.jinja")) is not None:
        return _text(own)
    config = files.get("tokenizer_config.json")
    if config is None:
        return ""
    try:
        body: Any = json.loads(_text(config) or "{}")
    except (ValueError, RecursionError):
        return ""
    template = body.get("chat_template") if isinstance(body, dict) else None
    return template if isinstance(template, str) else json.dumps(template) if template else ""


def _text(file: SnapshotFile) -> str:
    if file.size > LARGEST_READ:
        return ""
    return blob_store().read_range(file.sha256, 0, file.size).decode(errors="replace")
