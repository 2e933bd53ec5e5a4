"""mteb 2.26: the texts of its tasks recorded as inputs, the embeddings replayed into its own metrics (decision 10)."""

import hashlib
import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.benchmarks.corpora import DataUnavailable, require_revision
from evaluation.benchmarks.definitions import definition_hash
from evaluation.benchmarks.hub.files import DatasetFiles
from evaluation.benchmarks.items import Items
from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.benchmarks.sources.tables import TABLES
from evaluation.errors import BadOutput
from evaluation.harnesses.laid_out import write_files, write_tables
from evaluation.harnesses.process import HarnessFailed, run, version_of
from evaluation.harnesses.recordings import kept
from evaluation.metrics.answers import Predictions, places
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.correlations import pearson, spearman
from evaluation.metrics.kinds.embeddings import EmbeddingPredictions
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.registry.mteb import MTEB, PREFIX
from evaluation.metrics.samples import Gold, Sample, Statistic

PROGRAM = Path(__file__).with_name("mteb_process.py")
TASKS = Path(__file__).with_name("mteb_tasks")  # our own; any other name is a task of mteb itself
CORRELATIONS = {"cosine_pearson": pearson, "cosine_spearman": spearman}
ROUNDING = 6e-6  # mteb rounds what it says of retrieval to five digits

Json = dict[str, Any]


@dataclass(frozen=True)
class HarnessSample(Sample):
    """Documents (queries, pairs, texts) with what mteb says of each."""

    names: tuple[str, ...]
    table: Floats  # (documents, names)
    origin: str

    @property
    def offers(self) -> frozenset[Need]:
        return MTEB

    def per_item(self, use: MetricUse) -> Floats | None:
        name = use.name.removeprefix(PREFIX)
        return None if name in CORRELATIONS else self._column(name)

    def statistic(self, use: MetricUse) -> Statistic:
        name = use.name.removeprefix(PREFIX)
        if name not in CORRELATIONS:
            return super().statistic(use)
        return CORRELATIONS[name](self._column("cosine"), self._column("gold"))

    def signature(self, use: MetricUse) -> str:
        return self.origin

    def _column(self, name: str) -> Floats:
        if name not in self.names:
            raise DataUnavailable(f"The task of mteb says no {name!r} of its documents.")
        return self.table[:, self.names.index(name)]


def record(definition: Definition, cache: Path, files: DatasetFiles | None = None) -> Items:
    """The texts that the task wants encoded, each once.

    Raises:
        DataUnavailable: mteb is not installed, its data is not here, or its task and the definition do not agree.
    """
    found = kept(cache, _digest(definition, files), lambda: _ask(definition, files, None))
    expected = definition.dataset.expect_rows
    if expected is not None and found["documents"] != expected:
        raise DataUnavailable(f"The task judges {found['documents']} documents here; {expected} are expected.")
    return Items(
        inputs=[{"id": str(number), **asked} for number, asked in enumerate(found["asked"])],
        gold=[{"id": str(number), "place": number} for number in range(len(found["asked"]))],
        rows=found["documents"],
    )


def judge(definition: Definition, gold: Gold, found: Predictions, files: DatasetFiles | None = None) -> HarnessSample:
    """mteb's own judgement of the embeddings.

    Raises:
        BadOutput: embeddings and items do not fit together.
        DataUnavailable: as `record`.
    """
    if not isinstance(found, EmbeddingPredictions):
        raise BadOutput("mteb judges embeddings only.")
    place = places(gold, found)
    order = [place[row["id"]] for row in sorted(gold, key=lambda row: int(row["place"]))]
    said = _ask(definition, files, found.embeddings[order].astype(np.float32))
    names = tuple(sorted(said["columns"]))
    sample = HarnessSample(
        rows=[{"id": str(number)} for number in range(said["documents"])],
        groups=[""] * said["documents"],
        clusters=None,
        names=names,
        table=np.array([said["columns"][name] for name in names], dtype=np.float64).T,
        origin=f"mteb {said['version']}, task {definition.engine.harness_task}, {_subset(definition)}, "
        f"{definition.dataset.split}",
    )
    _check_values(definition, sample, said["values"])
    return sample


def _check_values(definition: Definition, sample: HarnessSample, values: Mapping[str, float]) -> None:
    """What we give intervals to is what mteb says."""
    for use in definition.metrics:
        said = values.get(use.name.removeprefix(PREFIX))
        if said is None:
            raise BadOutput(
                f"mteb has no {use.name.removeprefix(PREFIX)} for these embeddings: it is not defined for them."
                if use.name.removeprefix(PREFIX) in CORRELATIONS
                else f"mteb says no {use.name.removeprefix(PREFIX)} in this task."
            )
        own = sample.statistic(use)(np.ones(len(sample)))
        if not math.isclose(own, said, rel_tol=0, abs_tol=ROUNDING):
            raise DataUnavailable(f"mteb's {use.name} is {said}; its documents make {own}.")


def _digest(definition: Definition, files: DatasetFiles | None) -> str:
    """Of all that decides what is asked."""
    digest = hashlib.sha256(f"{definition_hash(definition)}\0{version_of('mteb')}\0".encode())
    own = _own_task(definition)
    digest.update(own.read_bytes() if own.is_file() else b"")
    data = files.revision if files is not None else json.dumps(_tables(definition)())
    digest.update(data.encode())
    return digest.hexdigest()


def _ask(definition: Definition, files: DatasetFiles | None, answers: Floats | None) -> Json:
    """Raises DataUnavailable."""
    task = definition.engine.harness_task or ""
    with tempfile.TemporaryDirectory(prefix="harness-data-") as name:
        data, table = Path(name) / "data", Path(name) / "embeddings.npy"
        data.mkdir()
        if files is not None:
            write_files(files, data)
        else:
            write_tables(_tables(definition)(), data)
        if answers is not None:
            np.save(table, answers)
        own = _own_task(definition)
        job = {
            "task": task,
            "own": str(own) if own.is_file() else None,
            "revision": definition.dataset.revision,
            "subset": _subset(definition),
            "split": definition.dataset.split,
            "data": str(data),
            "answers": str(table) if answers is not None else None,
        }
        try:
            return run(PROGRAM, job)
        except HarnessFailed as error:
            raise DataUnavailable(f"mteb could not run its task {task!r}. {error}") from error


def _own_task(definition: Definition) -> Path:
    """Where the task's file would be, were it one of ours."""
    return TASKS / f"{definition.engine.harness_task}.yaml"


def _subset(definition: Definition) -> str:
    """Of mteb's; our own tasks have one, and a config only to tell their data apart."""
    return "default" if _own_task(definition).is_file() else definition.dataset.config


def _tables(definition: Definition) -> Any:  # noqa: ANN401 (see TABLES)
    dataset = definition.dataset
    if (dataset.repo, dataset.config) not in TABLES:
        raise DataUnavailable(f"There are no rows of {dataset.repo} ({dataset.config}) for mteb here.")
    require_revision(dataset.revision)
    return TABLES[dataset.repo, dataset.config]
