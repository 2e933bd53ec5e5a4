"""From YAML definitions to rows: those that come with the program, and those of teams."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.models import Namespace, User
from evaluation import harnesses
from evaluation.benchmarks.definitions import builtin_definitions, definition_hash, library_definitions
from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadDefinition
from evaluation.metrics.registry import REGISTRY
from evaluation.models import Benchmark
from evaluation.queries.benchmarks import slug_of


def sync_builtin() -> list[Benchmark]:
    """Bring the rows up to what runs on data at hand; running it twice changes nothing.

    Raises:
        BadDefinition: the hashed part of a known version changed; that needs a new version.
    """
    return _sync([*builtin_definitions(), *harnesses.definitions()])


def sync_library() -> list[Benchmark]:
    """The same for the standard datasets of the field, which run once their data is mirrored here."""
    return _sync(library_definitions())


def _sync(definitions: list[Definition]) -> list[Benchmark]:
    """Their rows, of which those that say the same already are left alone."""
    slugs = [definition.id for definition in definitions]
    known = {(row.slug, row.version): row for row in Benchmark.objects.of_everybody().filter(slug__in=slugs)}
    found = []
    for definition in definitions:
        row = known.get((definition.id, definition.version))
        found.append(row if row is not None and _is_published(row, definition) else publish(definition))
    return found


@transaction.atomic
def publish(definition: Definition, *, namespace: Namespace | None = None, actor: User | None = None) -> Benchmark:
    """The row of this version; the newest version is the one new runs use.

    Args:
        namespace: whose benchmark it is; None for the site's.

    Raises:
        BadDefinition: this version exists with other content.
    """
    slug = slug_of(definition.id, namespace)
    known = Benchmark.objects.select_for_update(of=("self",)).filter(slug=slug, version=definition.version).first()
    digest = definition_hash(definition)
    if known is not None and (known.shipped_hash or known.definition_hash) != digest:
        raise BadDefinition(
            _("%(known)s was changed without a new version: scores of before and after would stand in one column")
            % {"known": known}
        )
    if known is None:
        known = Benchmark(
            slug=slug, version=definition.version, definition_hash=digest, namespace=namespace, created_by=actor
        )
        known.is_current = _is_newest(slug, definition)
        if known.is_current:
            Benchmark.objects.current().filter(slug=slug).update(is_current=False)
    for field, value in _columns(_as_pinned(known, definition)).items():
        setattr(known, field, value)
    is_new = known.pk is None
    known.save()
    if is_new and actor is not None:  # what a team is measured by from now on; the site's own come with its version
        audit.record(actor, "benchmark.publish", f"benchmark/{slug}", version=known.version, hash=digest)
    return known


def _is_newest(slug: str, definition: Definition) -> bool:
    return not Benchmark.objects.filter(slug=slug, version__gt=definition.version).exists()


def _is_published(row: Benchmark, definition: Definition) -> bool:
    """Whether nothing of the row would change."""
    if (row.shipped_hash or row.definition_hash) != definition_hash(definition):
        return False
    columns = _columns(_as_pinned(row, definition))
    return all(getattr(row, field) == value for field, value in columns.items())


def _as_pinned(row: Benchmark, definition: Definition) -> Definition:
    """An operator's pin outlives the next start."""
    if row.pinned_at is None:
        return definition
    return with_revision(definition, row.definition["dataset"]["revision"])


def with_revision(definition: Definition, revision: str) -> Definition:
    """The same definition on another commit of its data."""
    return dataclasses.replace(definition, dataset=dataclasses.replace(definition.dataset, revision=revision))


def _columns(definition: Definition) -> dict[str, Any]:
    primary = definition.primary.name
    return {
        "title": definition.title,
        "summary": definition.summary,
        "status": definition.status,
        "task": definition.task,
        "accepts": list(definition.tasks),
        "languages": list(definition.languages),
        "primary_metric": primary,
        "higher_is_better": REGISTRY[primary].higher_is_better,
        "definition": json.loads(json.dumps(dataclasses.asdict(definition))),
    }
