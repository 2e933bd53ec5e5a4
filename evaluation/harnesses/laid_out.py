"""Data as a folder that the library `datasets` reads as it reads a repo: data at hand, or the files of a mirror."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.files import CARD, DatasetFiles
from evaluation.benchmarks.sources.tables import Tables

DATA = re.compile(r"\.(parquet|arrow|jsonl?|csv|tsv|txt)(\.(gz|zst|bz2|xz))?$")  # nothing that can hold code
FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|\Z)", re.DOTALL)
LARGEST = 4 * 1024**3  # bytes of one dataset
COPIED_AT_ONCE = 1024 * 1024  # bytes


def write_tables(tables: Tables, folder: Path) -> None:
    configs = []
    for config, splits in tables.items():
        files = [{"split": split, "path": f"{config}/{split}.jsonl"} for split in splits]
        configs.append({"config_name": config, "data_files": files})
        (folder / config).mkdir()
        for split, rows in splits.items():
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / config / f"{split}.jsonl").write_text(lines, encoding="utf-8")
    (folder / CARD).write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n", encoding="utf-8")


def write_files(files: DatasetFiles, folder: Path) -> None:
    """The card and what holds rows; never scripts, pickles or archives.

    Raises:
        DataUnavailable: there is too much of it, or its card names files that are not its own.
    """
    chosen = [file for path, file in files.files.items() if DATA.search(path)]
    if sum(file.size for file in chosen) > LARGEST:
        raise DataUnavailable(f"{files.name} is too large for a harness: more than {LARGEST // 1024**3} GiB.")
    for file in chosen:
        place = (folder / file.path).resolve()
        if not place.is_relative_to(folder.resolve()):
            raise DataUnavailable(f"{files.name} has a file outside itself: {file.path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        with file.open() as source, place.open("wb") as copy:
            shutil.copyfileobj(source, copy, COPIED_AT_ONCE)
    (folder / CARD).write_text(_card(files), encoding="utf-8")


def _card(files: DatasetFiles) -> str:
    """What the card says of configs and columns, and nothing else of it."""
    found = FRONT_MATTER.match(files.card)
    try:
        body = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError as error:
        raise DataUnavailable(f"The card of {files.name} cannot be read: its head is no YAML.") from error
    kept = {key: body[key] for key in ("configs", "dataset_info") if key in body} if isinstance(body, dict) else {}
    for name in _strings(kept.get("configs")):
        if name.startswith(("/", "~")) or ".." in name or "://" in name:
            raise DataUnavailable(f"The card of {files.name} names a file that is not its own: {name}")
    return f"---\n{yaml.safe_dump(kept, allow_unicode=True)}---\n"


def _strings(part: Any) -> list[str]:  # noqa: ANN401 (any YAML)
    if isinstance(part, str):
        return [part]
    if isinstance(part, dict):
        return [text for value in part.values() for text in _strings(value)]
    return [text for value in part for text in _strings(value)] if isinstance(part, list) else []
