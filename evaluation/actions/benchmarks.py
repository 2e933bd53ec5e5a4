"""From YAML definitions to rows."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from evaluation.benchmarks.definitions import builtin_definitions, definition_hash
from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadDefinition
from evaluation.metrics.registry import REGISTRY
from evaluation.models import Benchmark


def sync_builtin() -> list[Benchmark]:
    """Bring the rows up to what the program carries; running it twice changes nothing.

    Raises:
        BadDefinition: the hashed part of a known version changed; that needs a new version.
    """
    return [publish(definition) for definition in builtin_definitions()]


@transaction.atomic
def publish(definition: Definition) -> Benchmark:
    """The row of this version; the newest version is the one new runs use.

    Raises:
        BadDefinition: this version exists with other content.
    """
    known = Benchmark.objects.select_for_update().filter(slug=definition.id, version=definition.version).first()
    digest = definition_hash(definition)
    if known is not None and known.definition_hash != digest:
        raise BadDefinition(
            _("%(known)s was changed without a new version: scores of before and after would stand in one column")
            % {"known": known}
        )
    if known is None:
        known = Benchmark(slug=definition.id, version=definition.version, definition_hash=digest)
        known.is_current = _is_newest(definition)
        if known.is_current:
            Benchmark.objects.current().filter(slug=definition.id).update(is_current=False)
    for field, value in _columns(definition).items():
        setattr(known, field, value)
    known.save()
    return known


def _is_newest(definition: Definition) -> bool:
    return not Benchmark.objects.filter(slug=definition.id, version__gt=definition.version).exists()


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
