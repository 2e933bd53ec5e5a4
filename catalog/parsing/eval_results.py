"""Scores that a repo states in `.eval_results/*.yaml`; nobody here has checked them.

Source: huggingface_hub 2.4, _eval_results.py.
"""

from __future__ import annotations

import math
import re
from typing import Final

from catalog.errors import BadMetadata
from catalog.parsing.claims import MOST_ARGS, Claim
from catalog.parsing.front_matter import read_yaml
from catalog.parsing.json_values import Json

FOLDER: Final = ".eval_results/"
LONGEST_FILE_BYTES: Final = 64 * 1024
MOST_FILES: Final = 100
MOST_RESULTS: Final = 500
_FILE = re.compile(r"\.eval_results/[^/]+\.ya?ml", re.ASCII)
_NAME = re.compile(r"[a-z_]{1,40}", re.ASCII)
_TEXTS: Final = ("date", "notes", "verifyToken")


def is_eval_results(path: str) -> bool:
    """Whether a file of this name states scores."""
    return _FILE.fullmatch(path) is not None


def read_eval_results(raw: bytes) -> list[dict[str, Json]]:
    """Returns the entries of one file: `{"dataset": {"id", "task_id", …}, "value", …}`, unknown keys left out.

    Raises:
        BadMetadata: with a sentence that says what is wrong; clients skip such a file, too.
    """
    if len(raw) > LONGEST_FILE_BYTES:
        raise BadMetadata(f"The file is longer than {LONGEST_FILE_BYTES // 1024} KiB.")
    try:
        value, _problems = read_yaml(raw.decode())
    except UnicodeDecodeError:
        raise BadMetadata("The file is not UTF-8.") from None
    if not isinstance(value, list) or len(value) > MOST_RESULTS:
        raise BadMetadata(f"The file must be a list of at most {MOST_RESULTS} results.")
    return [_entry(item) for item in value]


def claims_of(entries: list[dict[str, Json]]) -> list[Claim]:
    """The entries with a number as value, as claims."""
    return [claim for entry in entries if (claim := _claim(entry)) is not None]


def _entry(item: Json) -> dict[str, Json]:
    dataset = item.get("dataset") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(dataset, dict):
        raise BadMetadata("Every result needs a 'dataset' with 'id' and 'task_id', and a 'value'.")
    named = {name: dataset.get(name) for name in ("id", "task_id", "revision")}
    if not all(isinstance(named[name], str) and named[name] for name in ("id", "task_id")) or "value" not in item:
        raise BadMetadata("Every result needs a 'dataset' with 'id' and 'task_id', and a 'value'.")
    entry: dict[str, Json] = {
        "dataset": {name: text for name, text in named.items() if isinstance(text, str)},
        "value": item["value"],
    }
    entry |= {name: text for name in _TEXTS if isinstance(text := item.get(name), str)}
    source = item.get("source")
    if isinstance(source, dict) and isinstance(source.get("url"), str):
        kept = ("url", "name", "user", "org")
        entry["source"] = {name: text for name in kept if isinstance(text := source.get(name), str)}
    return entry


def _claim(entry: dict[str, Json]) -> Claim | None:
    value, dataset, source = entry["value"], entry["dataset"], entry.get("source")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not isinstance(value, int | float) or not math.isfinite(value) or not isinstance(dataset, dict):
        return None
    named = source if isinstance(source, dict) else {}
    args = _args(str(entry.get("notes", "")))
    return Claim(
        task="",
        dataset=str(dataset["id"])[:255],
        dataset_name=str(dataset["id"])[:255],
        config=str(dataset["task_id"])[:255],
        split=args.get("split", ""),
        metric=args.get("metric", "score"),
        metric_name="",
        value=float(value),
        source_name=str(named.get("name", ""))[:255],
        source_url=str(named.get("url", ""))[:255],
        revision=str(dataset.get("revision", ""))[:255],
        args=args,
    )


def _args(notes: str) -> dict[str, str]:
    """What `notes` state as `name=value; name=value`, the way this site exports its own scores; else nothing."""
    pairs = [part.partition("=") for part in notes.split(";")[:MOST_ARGS]]
    return {
        name.strip(): value.strip()[:255] for name, equals, value in pairs if equals and _NAME.fullmatch(name.strip())
    }
