"""Items of a benchmark: inputs for the node, gold for us. Runs on the trusted side only."""

import hashlib
import io
import itertools
import json
import shutil
import tarfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.benchmarks import corpora
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import builtin_definitions, definition_hash
from evaluation.benchmarks.hub.files import DatasetFiles
from evaluation.benchmarks.hub.reading import read_dataset
from evaluation.benchmarks.items import MEDIA_COLUMNS, Items, Located, Row
from evaluation.benchmarks.perturbing import Perturber, copy_ids
from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.sources import READERS, django_catalogues
from evaluation.benchmarks.sources.sklearn_digits import digits_train
from evaluation.benchmarks.vocabulary import WHOLE

MEDIA = "media.tar"
BUILTIN = "builtin:"
MOST_KNOWN = 16  # definitions whose items a process keeps
LARGEST_MEDIA = 8 * 1024**3  # bytes of one run's images or recordings

__all__ = [
    "DataUnavailable",
    "InputFile",
    "InputFiles",
    "Items",
    "digest_of",
    "digits_train",
    "explained_ids",
    "langid_train",
    "manual_train",
    "materialise",
    "opaque_names",
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
    rows: int  # items; perturbed copies come besides
    explained: tuple[str, ...] = ()  # of these it is shown what the answer rests on


def read(definition: Definition, files: DatasetFiles | None = None) -> Items:
    """All items of a definition; a process keeps those it read last.

    Args:
        files: of the dataset, where it is a repo of this hub; None for data that comes with the program.

    Raises:
        DataUnavailable: the data is absent, of another version, or not what the definition says.
    """
    if files is None and not definition.dataset.repo.startswith(BUILTIN):
        raise DataUnavailable(f"Waiting for data: mirror {definition.dataset.repo}@{definition.dataset.revision}")
    key = definition_hash(definition)
    if key in _KNOWN:
        _KNOWN.move_to_end(key)
        return _KNOWN[key]
    _KNOWN[key] = _read(definition, files)
    while len(_KNOWN) > MOST_KNOWN:
        _KNOWN.popitem(last=False)
    return _KNOWN[key]


_KNOWN: OrderedDict[str, Items] = OrderedDict()  # definition hash → items, the last used at the end


HarnessReader = Callable[[Definition, DatasetFiles | None], Items]
_harness: list[HarnessReader] = []  # makes the items of definitions with another engine; benchmarks know no harness


def use_harness(reader: HarnessReader) -> None:
    """Says, once at the start of a program, who makes the items of definitions that a harness asks and judges."""
    _harness[:] = [reader]


def _read(definition: Definition, files: DatasetFiles | None) -> Items:
    if definition.engine.name != "native":
        if not _harness:
            raise DataUnavailable(f"No harness is at hand for the engine {definition.engine.name}.")
        return _harness[0](definition, files)
    if files is not None:
        return _subset(definition, read_dataset(definition, files))
    reader = READERS.get((definition.dataset.repo, definition.request))
    if reader is None:
        raise DataUnavailable(f"There is no reader for {definition.dataset.repo} and {definition.request}.")
    corpora.require_revision(definition.dataset.revision)
    items = reader(definition)
    expected = definition.dataset.expect_rows
    if expected is not None and len(items.inputs) != expected:
        raise DataUnavailable(f"{definition.dataset.repo} has {len(items.inputs)} rows here; {expected} are expected.")
    return _subset(definition, items)


def materialise(
    definition: Definition, *, run_seed: str, directory: Path, files: DatasetFiles | None = None
) -> InputFiles:
    """Writes inputs.jsonl (and media.tar) into `directory`, with ids and an order that only `run_seed` explains.

    Raises:
        DataUnavailable: as `read`.
    """
    items = read(definition, files)
    perturber = Perturber(definition, definition_hash(definition))
    names = opaque_names(items, run_seed, also=copy_ids(definition, items))
    asked = itertools.chain(items.inputs, perturber.copies(items))
    rows = sorted((row | {"id": names[row["id"]]} for row in asked), key=lambda row: str(row["id"]))
    directory.mkdir(parents=True, exist_ok=True)
    rows, media = _apart(rows)
    later = _write_later(items, names, directory / "later", perturber)
    if media or later:
        _write_tar(directory / MEDIA, media, later)
    shutil.rmtree(directory / "later", ignore_errors=True)
    with (directory / "inputs.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    written = ("inputs.jsonl", MEDIA) if media or later else ("inputs.jsonl",)
    return InputFiles(
        directory=directory,
        files=tuple(_described(directory, name) for name in written),
        gold=_gold(items, names),
        digest=digest_of(items),
        rows=len(items.inputs),
        explained=tuple(names[key] for key in explained_ids(definition, items)),
    )


def explained_ids(definition: Definition, items: Items) -> list[str]:
    """The items of which it is shown what the answer rests on: the same for every model and run."""
    asked = definition.interpret
    if asked is None:
        return []
    drawn = sorted((str(row["id"]) for row in items.inputs), key=lambda key: _opaque(f"interpret {asked.seed}", key))
    return drawn[: asked.samples]


def opaque_names(items: Items, run_seed: str, also: Iterable[str] = ()) -> dict[str, str]:
    """What each item is called in the files of the run with this seed, by its own id.

    Args:
        also: ids of perturbed copies.
    """
    return {key: _opaque(run_seed, key) for key in itertools.chain((row["id"] for row in items.inputs), also)}


def _gold(items: Items, names: dict[str, str]) -> list[Row]:
    return sorted((_renamed(row, names) for row in items.gold), key=lambda row: str(row["id"]))


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
    if definition.request in WHOLE:
        raise DataUnavailable(f"A subset of {definition.request!r} is not defined: it would change what is compared.")
    chosen = set(list(_draw(items.gold, subset.seed, stratified=subset.stratify is not None))[: subset.n])
    return replace(
        items,
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
    if "grades" in row:
        renamed["grades"] = {
            pool: {names[key]: grade for key, grade in graded.items()} for pool, graded in row["grades"].items()
        }
    return renamed


def _apart(rows: list[Row]) -> tuple[list[Row], dict[str, bytes]]:
    """Rows that name their media, and the media at hand by name."""
    media: dict[str, bytes] = {}
    named = []
    for row in rows:
        own = {column: _file_name(row["id"], column) for column in MEDIA_COLUMNS if column in row}
        media.update((name, row[column]) for column, name in own.items() if not isinstance(row[column], Located))
        named.append(row | own)
    return named, media


def _file_name(key: str, column: str) -> str:
    return f"{key}.{MEDIA_COLUMNS[column]}"


def _write_later(items: Items, names: dict[str, str], folder: Path, perturber: Perturber) -> dict[str, Path]:
    """Media read one after the other into files, by name: their sum may be larger than memory."""
    if items.media is None:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    total = 0
    for key, column, content in items.media(names):
        for own, made in itertools.chain([(key, content)], perturber.media_of(key, column, content)):
            total += len(made)
            if total > LARGEST_MEDIA:
                raise DataUnavailable(f"Images or recordings are more than {LARGEST_MEDIA >> 30} GiB; take a subset.")
            name = _file_name(names[own], column)
            written[name] = folder / name
            written[name].write_bytes(made)
    return written


def _write_tar(path: Path, media: dict[str, bytes], later: dict[str, Path]) -> None:
    """One uncompressed archive, so that a node asks once instead of once per image; by name, which tells nothing."""
    with tarfile.open(path, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted([*media, *later]):
            entry = tarfile.TarInfo(name)
            if name in media:
                entry.size = len(media[name])
                archive.addfile(entry, io.BytesIO(media[name]))
            else:
                entry.size = later[name].stat().st_size
                with later[name].open("rb") as stream:
                    archive.addfile(entry, stream)


def _described(directory: Path, name: str) -> InputFile:
    path = directory / name
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return InputFile(path=name, size=path.stat().st_size, sha256=sha256)


def digest_of(items: Items) -> str:
    """SHA-256 over inputs and gold in the order of the data."""
    digest = hashlib.sha256()
    for row in items.inputs + items.gold:
        plain = {key: value.hex() if isinstance(value, bytes) else value for key, value in row.items()}
        digest.update(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()
