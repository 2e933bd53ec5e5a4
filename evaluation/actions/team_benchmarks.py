"""Benchmarks of teams: definitions they write, checked on their own data before anybody waits for a run."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import Namespace, User
from evaluation.actions.benchmarks import publish
from evaluation.benchmarks import readers
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import load_definition
from evaluation.benchmarks.hub.layout import split_files
from evaluation.benchmarks.hub.shapes import SHAPES
from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.sources import READERS
from evaluation.benchmarks.strict import bad
from evaluation.metrics.kinds import KINDS
from evaluation.models import Benchmark
from evaluation.models.benchmark import UNKNOWN_REVISION
from evaluation.queries import datasets
from evaluation.queries.benchmarks import slug_of

MOST_OF_A_TEAM: Final = 200  # rows, all versions together
LARGEST_TRIAL: Final = 32 * 1024 * 1024  # bytes of data read while the uploader waits
LARGEST_LIMITS: Final = {"minutes": 240, "ram_gb": 64, "output_mb": 2048}
MOST_RESAMPLES: Final = 10_000


def upload_definition(*, text: str, namespace: Namespace, actor: User) -> tuple[Benchmark, bool]:
    """Put a definition in place as this namespace's own benchmark.

    Where its data is here and small, every row is read first, so that a wrong column or label is told now.

    Returns:
        The benchmark, and whether this version is new.

    Raises:
        BadDefinition: with the path of the key and a sentence; nothing is kept.
    """
    definition = load_definition(text)
    _check_for_teams(definition)
    draft = Benchmark(
        slug=slug_of(definition.id, namespace),
        version=definition.version,
        namespace=namespace,
        definition=json.loads(json.dumps(asdict(definition))),
    )
    _try_data(draft, definition, actor)
    return _put_in_place(definition, namespace, actor)


@transaction.atomic
def _put_in_place(definition: Definition, namespace: Namespace, actor: User) -> tuple[Benchmark, bool]:
    Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)  # one upload at a time: versions are counted
    theirs = Benchmark.objects.filter(namespace=namespace)
    is_new = not theirs.filter(slug=slug_of(definition.id, namespace), version=definition.version).exists()
    if is_new and theirs.count() >= MOST_OF_A_TEAM:
        raise bad("", _("a team has at most %(most)d benchmarks and versions of them.") % {"most": MOST_OF_A_TEAM})
    return publish(definition, namespace=namespace, actor=actor), is_new


def _check_for_teams(definition: Definition) -> None:
    """What the site may ask of its machines and a team may not, and what nothing here could answer."""
    if definition.engine.name != "native":
        raise bad("engine.name", _("a team's benchmark is asked and judged here, not by a harness."))
    if definition.request not in KINDS:
        raise bad("request", _("nothing here scores answers to %(kind)r yet.") % {"kind": definition.request})
    if definition.dataset.repo.startswith(readers.BUILTIN):
        if (definition.dataset.repo, definition.request) not in READERS:
            raise bad("dataset.repo", _("no data of that name comes with this program for this request."))
    elif definition.request not in SHAPES:
        raise bad("request", _("nothing here makes %(kind)r items of a dataset yet.") % {"kind": definition.request})
    if definition.dataset.revision == UNKNOWN_REVISION:
        raise bad("dataset.revision", _("give the commit, 40 hex digits: your data is yours to pin."))
    for name, most in LARGEST_LIMITS.items():
        if getattr(definition.limits, name) > most:
            raise bad(f"limits.{name}", _("a team's benchmark may ask for %(most)d at most.") % {"most": most})
    if definition.uncertainty.resamples > MOST_RESAMPLES:
        raise bad("uncertainty.resamples", _("take at most %(most)d resamples.") % {"most": MOST_RESAMPLES})


def _try_data(draft: Benchmark, definition: Definition, actor: User) -> None:
    """Reads what a run would read, as far as it is here. Raises BadDefinition with the sentence of the reader."""
    state = datasets.data_state(draft, actor)
    files = datasets.files_of(state.commit) if state.commit is not None else None
    if files is None and not definition.dataset.repo.startswith(readers.BUILTIN):
        return  # its page will say that it waits
    try:
        if files is not None:
            listed = split_files(files, definition.dataset.config, definition.dataset.split)
            if sum(file.size for file in listed) > LARGEST_TRIAL:
                return
        readers.read(definition, files)
    except DataUnavailable as problem:
        raise bad("dataset", str(problem)) from problem
