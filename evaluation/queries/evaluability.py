"""Whether a model can be measured on a benchmark at all, decided before anybody's machine is busy (decision 25)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from catalog.models import Commit, Repo, RepoFacts, User
from catalog.stores import blob_store
from evaluation.benchmarks.schema import Definition
from evaluation.errors import NotEvaluable
from evaluation.models import Benchmark
from evaluation.queries import datasets, fit
from evaluation.queries.benchmarks import definition_of
from evaluation.queries.snapshots import Snapshot, SnapshotFile
from evaluation.runner.class_numbers import are_numbers

LARGEST_CONFIG = 1024 * 1024  # bytes
LABELS_NAMED = 5  # of a difference, in a message
OWN_LABELS = frozenset({"zero-shot", "features"})  # the model needs none: it is told them, or others learn them
UNUSED_OUTPUT = "N/A"  # of detectors trained on COCO, which leaves out some of its numbers


def check_measurable(
    repo: Repo, commit: Commit, snapshot: Snapshot, benchmark: Benchmark, *, user: User | None
) -> None:
    """Whether a run could end in a score.

    Args:
        user: with whose rights the data is read; None where nobody asks.

    Raises:
        NotEvaluable: a sentence for the model's author, or that the data is not here.
    """
    definition = definition_of(benchmark)
    checks = (
        _not_a_model(repo),
        _incomplete(snapshot),
        _wrong_task(repo, definition),
        _wrong_language(repo, definition),
        _wrong_labels(snapshot, definition),
        _too_large(repo, commit, snapshot, definition),
    )
    problem = next((problem for problem in checks if problem), None)
    problem = problem or datasets.data_state(benchmark, user).sentence
    if problem:
        raise NotEvaluable(problem)


def is_complete(snapshot: Snapshot) -> bool:
    """Config and all weights are there: the moment an upload of several commits is done (decision 24)."""
    return _incomplete(snapshot) is None


def _not_a_model(repo: Repo) -> str | None:
    return None if repo.kind == Repo.Kind.MODEL else _("Only models are evaluated, this is a dataset.")


def _incomplete(snapshot: Snapshot) -> str | None:
    if snapshot.config is None:
        return _("There is no config.json in this revision.")
    if not snapshot.weights:
        return _("There are no weights in this revision: no safetensors, and no pytorch_model.bin to convert.")
    if snapshot.missing_shards:
        return _("%(count)d of the weight files are missing in this revision.") % {"count": snapshot.missing_shards}
    return None


def _wrong_task(repo: Repo, definition: Definition) -> str | None:
    task = _facts(repo).task
    if task in definition.tasks:
        return None
    accepted = ", ".join(definition.tasks)
    if not task:
        return _("The model card names no pipeline_tag; this benchmark takes %(accepted)s.") % {"accepted": accepted}
    return _("This is a model for %(task)s; the benchmark takes %(accepted)s.") % {"task": task, "accepted": accepted}


def _wrong_language(repo: Repo, definition: Definition) -> str | None:
    spoken = _facts(repo).languages
    if not definition.languages or not spoken or set(spoken) & {*definition.languages, "multilingual"}:
        return None
    return _("The model is for %(spoken)s; the benchmark is in %(wanted)s.") % {
        "spoken": ", ".join(spoken),
        "wanted": ", ".join(definition.languages),
    }


def _wrong_labels(snapshot: Snapshot, definition: Definition) -> str | None:
    """Compares `id2label` with the benchmark's labels; a model that does not say is left to the runner."""
    if not definition.labels or definition.request in OWN_LABELS or snapshot.config is None:
        return None
    stated = _labels_of(snapshot.config)
    wanted = set(definition.label_names)
    # Classes called #0, #1, … are compared by number (ADR 0022); how many there are is the runner's to say.
    if stated is None or stated == wanted or are_numbers(definition.label_names):
        return None
    return _("The model's labels (id2label) are not the benchmark's. Missing: %(missing)s. Unknown: %(unknown)s.") % {
        "missing": _some(wanted - stated),
        "unknown": _some(stated - wanted),
    }


def _labels_of(config: SnapshotFile) -> set[str] | None:
    if config.size > LARGEST_CONFIG:
        return None
    try:
        body: Any = json.loads(blob_store().read_range(config.sha256, 0, config.size))
        return {str(label) for label in body["id2label"].values()} - {UNUSED_OUTPUT}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _too_large(repo: Repo, commit: Commit, snapshot: Snapshot, definition: Definition) -> str | None:
    if fit.fit_of(repo, commit, snapshot, definition) is not None:
        return None
    need = fit.need_gb(repo, commit, snapshot, bytes_each=4 if definition.dtype == "float32" else 2)
    return _("The model needs about %(need).0f GB of memory; the largest nodes there are have %(limit)d GB.") % {
        "need": need,
        "limit": fit.LARGEST_GB,
    }


def _some(labels: Iterable[str]) -> str:
    named = sorted(labels)
    if not named:
        return "–"
    more = f" … ({len(named)})" if len(named) > LABELS_NAMED else ""
    return ", ".join(named[:LABELS_NAMED]) + more


def _facts(repo: Repo) -> RepoFacts:
    facts: RepoFacts | None = getattr(repo, "facts", None)
    return facts or RepoFacts(repo=repo)
