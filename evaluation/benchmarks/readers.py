"""Items of a benchmark: inputs for the node, gold for us. Runs on the trusted side only."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluation.benchmarks import corpora
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import builtin_definitions, definition_hash
from evaluation.benchmarks.items import MEDIA_COLUMNS, Items, Row
from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.sources import READERS, django_catalogues
from evaluation.benchmarks.sources.sklearn_digits import digits_train

MEDIA = "media.tar"

__all__ = [
    "DataUnavailable",
    "InputFile",
    "InputFiles",
    "Items",
    "digits_train",
    "langid_train",
    "manual_train",
    "materialise",
    "read",
]


@dataclass(frozen=True)
class InputFile:
    path: str  # relative to the directory
    size: int
    sha256: str


@dataclass(frozen=True)
class InputFiles:
    """What a node may fetch for one run, and what it must never see (`gold`)."""

    directory: Path
    files: tuple[InputFile, ...]
    gold: list[Row]
    digest: str  # over the items before they were renamed: equal for every run of one definition
    rows: int


def read(definition: Definition) -> Items:
    """All items of a definition; cached per process.

    Raises:
        DataUnavailable: the data is absent, of another version, or has another number of rows.
    """
    key = definition_hash(definition)
    if key not in _KNOWN:
        _KNOWN[key] = _read(definition)
    return _KNOWN[key]


_KNOWN: dict[str, Items] = {}  # definition hash → items, for the life of the process


def _read(definition: Definition) -> Items:
    reader = READERS.get((definition.dataset.repo, definition.request))
    if reader is None:
        raise DataUnavailable(f"There is no reader for {definition.dataset.repo} and {definition.request}.")
    corpora.require_revision(definition.dataset.revision)
    items = reader(definition)
    expected = definition.dataset.expect_rows
    if expected is not None and len(items.inputs) != expected:
        raise DataUnavailable(f"{definition.dataset.repo} has {len(items.inputs)} rows here; {expected} are expected.")
    return _subset(definition, items)


def materialise(definition: Definition, *, run_seed: str, directory: Path) -> InputFiles:
    """Writes inputs.jsonl (and media.tar) into `directory`, with ids and an order that only `run_seed` explains.

    Raises:
        DataUnavailable: as `read`.
    """
    items = read(definition)
    names = {row["id"]: _opaque(run_seed, row["id"]) for row in items.inputs}
    rows = sorted((row | {"id": names[row["id"]]} for row in items.inputs), key=lambda row: str(row["id"]))
    gold = sorted((_renamed(row, names) for row in items.gold), key=lambda row: str(row["id"]))
    directory.mkdir(parents=True, exist_ok=True)
    rows, media = _apart(rows)
    if media:
        (directory / MEDIA).write_bytes(_tar(media))
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (directory / "inputs.jsonl").write_text(lines, encoding="utf-8")
    files = tuple(_described(directory, name) for name in ("inputs.jsonl", MEDIA) if name == "inputs.jsonl" or media)
    return InputFiles(directory=directory, files=files, gold=gold, digest=_digest(items), rows=len(rows))


def manual_train() -> list[str]:
    """Texts of the Python manual that no benchmark of language models asks about."""
    return [text for _, text in corpora.manual_topics(test=False)]


def langid_train() -> list[tuple[str, str]]:
    """(sentence, language) pairs that the benchmark `langid` never asks about."""
    return django_catalogues.langid_train(_definition("langid").label_names)


def _definition(name: str) -> Definition:
    return next(definition for definition in builtin_definitions() if definition.id == name)


def _subset(definition: Definition, items: Items) -> Items:
    """A seeded choice of labelled rows; with `stratify: label` each label keeps its share."""
    subset = definition.dataset.subset
    if subset is None:
        return items
    if definition.request == "embed":
        raise DataUnavailable("A subset of a retrieval benchmark is not defined: it would change the pool.")
    chosen = set(list(_draw(items.gold, subset.seed, stratified=subset.stratify is not None))[: subset.n])
    return Items(
        inputs=[row for row in items.inputs if row["id"] in chosen],
        gold=[row for row in items.gold if row["id"] in chosen],
    )


def _draw(gold: list[Row], seed: int, *, stratified: bool) -> Iterator[str]:
    """Ids in drawing order; stratified, each label keeps its share of every beginning of it."""
    strata: dict[str, list[str]] = {}
    for row in sorted(gold, key=lambda row: _opaque(str(seed), row["id"])):
        strata.setdefault(str(row["label"]) if stratified else "", []).append(str(row["id"]))
    ranked = [((rank + 0.5) / len(ids), key) for ids in strata.values() for rank, key in enumerate(ids)]
    # Without strata the ranks alone decide, which is the shuffled order.
    yield from (key for _, key in sorted(ranked))


def _opaque(seed: str, key: str) -> str:
    return hashlib.sha256(f"{seed}\0{key}".encode()).hexdigest()[:20]


def _renamed(row: Row, names: dict[str, str]) -> Row:
    renamed = row | {"id": names[row["id"]]}
    if "targets" in row:
        renamed["targets"] = {pool: [names[key] for key in keys] for pool, keys in row["targets"].items()}
    return renamed


def _apart(rows: list[Row]) -> tuple[list[Row], dict[str, bytes]]:
    """Rows that name their media, and the media by name."""
    media: dict[str, bytes] = {}
    named = []
    for row in rows:
        own = {column: f"{row['id']}.{ending}" for column, ending in MEDIA_COLUMNS.items() if column in row}
        media.update((name, row[column]) for column, name in own.items())
        named.append(row | own)
    return named, media


def _tar(files: dict[str, bytes]) -> bytes:
    """One uncompressed archive, so that a node asks once instead of once per image."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _described(directory: Path, name: str) -> InputFile:
    content = (directory / name).read_bytes()
    return InputFile(path=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def _digest(items: Items) -> str:
    """SHA-256 over inputs and gold in the order of the data."""
    digest = hashlib.sha256()
    for row in items.inputs + items.gold:
        plain = {key: value.hex() if isinstance(value, bytes) else value for key, value in row.items()}
        digest.update(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()
