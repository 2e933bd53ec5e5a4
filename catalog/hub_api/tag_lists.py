"""Tags by type: what public repos are tagged with, as `get_model_tags` hands it on."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from catalog.actors import Actor
from catalog.models import Repo
from catalog.queries.facets import public_values

TYPES = {"task": "pipeline_tag", "library": "library", "licence": "license", "language": "language"}
PREFIXES = {"license": "license:"}
DATASET_PREFIXES = {"license": "license:", "language": "language:", "pipeline_tag": "task_categories:"}


def of_models(request: HttpRequest, actor: Actor) -> JsonResponse:
    return JsonResponse(_tags(Repo.Kind.MODEL.value, PREFIXES))


def of_datasets(request: HttpRequest, actor: Actor) -> JsonResponse:
    tags = _tags(Repo.Kind.DATASET.value, DATASET_PREFIXES)
    tags["task_categories"] = [{**tag, "type": "task_categories"} for tag in tags.pop("pipeline_tag", [])]
    return JsonResponse(tags)


def _tags(kind: str, prefixes: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    known = public_values(kind).value or {}
    found: dict[str, list[dict[str, str]]] = {}
    for facet, name in TYPES.items():
        values = known.get(facet, {})
        found[name] = [
            {"id": f"{prefixes.get(name, '')}{value}", "label": value, "type": name}
            for value in sorted(values, key=lambda one: (-values[one], one))
            if value
        ]
    return found
