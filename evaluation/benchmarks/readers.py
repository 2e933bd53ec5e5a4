"""Items of a benchmark: inputs for the node, gold for us. Runs on the trusted side only."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.benchmarks import corpora
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import Definition, definition_hash

Row = dict[str, Any]  # one JSON object of inputs.jsonl or of the gold list; shapes in docs of `read`
MEDIA = "media.tar"

__all__ = ["DataUnavailable", "InputFile", "InputFiles", "Items", "digits_train", "langid_train", "materialise", "read"]


@dataclass(frozen=True)
class Items:
    """Inputs and gold, row by row in the order of the data; ids are still speaking ones.

    inputs: {"id", "text", "role"?} or {"id", "image": PNG bytes}; role is query or document.
    gold: {"id", "label", "chars"?, "cluster"?} for classification;
          {"id", "pools": ["en-pl"]} for a document, {"id", "targets": {"en-pl": [ids]}, "cluster"?} for a query.
    """

    inputs: list[Row]
    gold: list[Row]


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
    media = {f"{row['id']}.png": row["image"] for row in rows if "image" in row}
    if media:
        (directory / MEDIA).write_bytes(_tar(media))
        rows = [row | {"image": f"{row['id']}.png"} for row in rows]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (directory / "inputs.jsonl").write_text(lines, encoding="utf-8")
    files = tuple(_described(directory, name) for name in ("inputs.jsonl", MEDIA) if name == "inputs.jsonl" or media)
    return InputFiles(directory=directory, files=files, gold=gold, digest=_digest(items), rows=len(rows))


def langid_train() -> list[tuple[str, str]]:
    """(sentence, language) pairs that the benchmark `langid` never asks about."""
    languages = _definition("langid").label_names
    return [(sentence.text, sentence.language) for sentence in corpora.labelled_sentences(languages, test=False)]


def digits_train() -> list[tuple[bytes, str]]:
    """(PNG, digit) pairs that the benchmark `digits` never asks about; images look as in the benchmark."""
    return [(digit.png, digit.label) for digit in corpora.digits(test=False)]


def _definition(name: str) -> Definition:
    from evaluation.benchmarks.definitions import builtin_definitions

    return next(definition for definition in builtin_definitions() if definition.id == name)


def _read_bitext(definition: Definition) -> Items:
    languages = tuple(pair.partition("-")[2] for pair in definition.dataset.config.split(","))
    inputs: list[Row] = []
    gold: list[Row] = []
    for number, texts in enumerate(corpora.translations(languages)):
        inputs.append({"id": f"{number}-en", "text": texts["en"]})
        targets = {f"en-{language}": [f"{number}-{language}"] for language in languages}
        gold.append({"id": f"{number}-en", "targets": targets, "cluster": f"{number}"})
        for language in languages:
            inputs.append({"id": f"{number}-{language}", "text": texts[language]})
            gold.append({"id": f"{number}-{language}", "pools": [f"en-{language}"]})
    return Items(inputs=inputs, gold=gold)


def _read_manual(definition: Definition) -> Items:
    inputs: list[Row] = []
    gold: list[Row] = []
    for number, paragraph in enumerate(corpora.manual_paragraphs()):
        query, document = f"{number}-query", f"{number}-document"
        inputs.append({"id": query, "text": paragraph.opening, "role": "query"})
        inputs.append({"id": document, "text": paragraph.rest, "role": "document"})
        gold.append({"id": query, "targets": {"": [document]}, "cluster": paragraph.topic})
        gold.append({"id": document, "pools": [""]})
    return Items(inputs=inputs, gold=gold)


def _read_langid(definition: Definition) -> Items:
    test = definition.dataset.split == "test"
    found = corpora.labelled_sentences(definition.label_names, test=test)
    keys = [f"{sentence.language}: {sentence.message}" for sentence in found]
    return Items(
        inputs=[{"id": key, "text": sentence.text} for key, sentence in zip(keys, found, strict=True)],
        gold=[
            {"id": key, "label": sentence.language, "chars": len(sentence.text), "cluster": sentence.message}
            for key, sentence in zip(keys, found, strict=True)
        ],
    )


def _read_digits(definition: Definition) -> Items:
    found = corpora.digits(test=definition.dataset.split == "test")
    return Items(
        inputs=[{"id": str(digit.index), "image": digit.png} for digit in found],
        gold=[{"id": str(digit.index), "label": digit.label} for digit in found],
    )


READERS: dict[tuple[str, str], Callable[[Definition], Items]] = {
    ("builtin:django-catalogues", "embed"): _read_bitext,
    ("builtin:django-catalogues", "classify"): _read_langid,
    ("builtin:python-manual", "embed"): _read_manual,
    ("builtin:sklearn-digits", "image-classify"): _read_digits,
}


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
