"""Benchmarks for programs: what is measured here, and definitions and data of teams, drafts, export."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access as catalog_access
from catalog import actors
from catalog.errors import BadInput
from catalog.models import User
from catalog.rest_api.v1.base import actor_of
from evaluation.actions import benchmark_datasets, team_benchmarks
from evaluation.actions.benchmark_datasets import LARGEST_UPLOAD, TASKS, Asked, UploadedDataset
from evaluation.benchmarks.exchange import EXPORTS, FORMATS, Hints, exported, imported
from evaluation.benchmarks.writing import to_yaml
from evaluation.errors import BadDataset
from evaluation.models import Benchmark
from evaluation.queries.benchmarks import benchmark_named, current_benchmarks, definition_of
from evaluation.queries.datasets import data_state, data_states
from evaluation.rest_api.v1 import shapes
from evaluation.rest_api.v1.base import EvaluationView
from evaluation.rest_api.v1.parameters import page_of, text_of


class DatasetIn(serializers.Serializer[Any]):
    """A table or a zip of images, with what its columns are called."""

    namespace = serializers.CharField(
        max_length=96, required=False, allow_blank=True, default="", help_text=_("team or person; default: your own")
    )
    name = serializers.CharField(max_length=96, help_text=_("of the private dataset; an upload to it adds a commit"))
    task = serializers.ChoiceField(choices=TASKS)
    text_column = serializers.CharField(max_length=200, required=False, default="text")
    label_column = serializers.CharField(max_length=200, required=False, default="label")
    file = serializers.FileField(help_text=_("CSV, TSV, JSON lines, JSON; for images a zip. At most 50 MiB."))


class DatasetOut(serializers.Serializer[UploadedDataset]):
    """What was committed, and a definition to start from."""

    dataset = serializers.CharField(source="repo.full_name")
    revision = serializers.CharField(source="commit.oid", help_text=_("the commit that definitions pin"))
    rows = serializers.IntegerField(source="checked.rows")
    columns = serializers.ListField(child=serializers.CharField(), source="checked.columns")
    labels = serializers.ListField(child=serializers.CharField(), source="checked.labels")
    definition = serializers.CharField(help_text=_("YAML for POST /api/v1/benchmarks; empty where nobody can guess"))


class ImportIn(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=sorted(FORMATS))
    text = serializers.CharField(max_length=64 * 1024, help_text=_("the document, as its authors publish it"))
    dataset = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text=_("owner/name; an eval.yaml needs it")
    )
    revision = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)
    task = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text=_("which of several tasks")
    )


class ImportOut(serializers.Serializer[Any]):
    definition = serializers.CharField(help_text=_("a draft in our schema, as YAML"))
    notes = serializers.ListField(
        child=serializers.CharField(), help_text=_("what was guessed, left out, or has to be decided")
    )


class BenchmarkListView(EvaluationView):
    @extend_schema(operation_id="benchmarks_list", responses=page_of(shapes.BenchmarkOut))
    def get(self, request: Request) -> Response:
        """The benchmarks models are measured on here, in their current versions; of teams, only the caller's."""
        user = actor_of(request).user
        found = current_benchmarks(user)
        context = {"states": data_states(found, user)}
        return Response({"results": shapes.BenchmarkOut(found, many=True, context=context).data, "next": None})

    @extend_schema(
        operation_id="benchmarks_create",
        request=shapes.BenchmarkIn,
        responses={
            201: OpenApiResponse(shapes.BenchmarkDetailOut, description="in place, for its team alone"),
            200: OpenApiResponse(shapes.BenchmarkDetailOut, description="this very version is in place already"),
        },
    )
    def post(self, request: Request) -> Response:
        """Upload a definition of your own; it, its runs and its scores are seen by its team alone."""
        actor = actor_of(request)
        user = actors.writer(actor)
        asked = shapes.BenchmarkIn(data=request.data)
        asked.is_valid(raise_exception=True)
        namespace = catalog_access.namespace_to_create_in(actor, asked.validated_data["namespace"] or None)
        made, created = team_benchmarks.upload_definition(
            text=asked.validated_data["definition"], namespace=namespace, actor=user
        )
        return Response(_detail(made, user), status=201 if created else 200)


class BenchmarkView(EvaluationView):
    @extend_schema(operation_id="benchmarks_retrieve", responses=shapes.BenchmarkDetailOut)
    def get(self, request: Request, slug: str) -> Response:
        """One benchmark with its whole definition, and whether its data is here."""
        user = actor_of(request).user
        return Response(_detail(benchmark_named(slug, user), user))


class BenchmarkDatasetListView(EvaluationView):
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="benchmark_datasets_create",
        request={"multipart/form-data": DatasetIn},
        responses={201: DatasetOut},
    )
    def post(self, request: Request) -> Response:
        """Upload a small private dataset: every row is checked, then it is one commit of a private dataset repo."""
        actor = actor_of(request)
        user = actors.writer(actor)
        form = DatasetIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        namespace = catalog_access.namespace_to_create_in(actor, asked["namespace"] or None)
        file = asked["file"]
        if file.size > LARGEST_UPLOAD:
            raise BadDataset(_("The file is larger than %(most)d MiB.") % {"most": LARGEST_UPLOAD >> 20})
        made = benchmark_datasets.upload_dataset(
            asked=Asked(
                name=asked["name"], task=asked["task"], filename=file.name, content=file.read(),
                text=asked["text_column"], label=asked["label_column"],
            ),
            namespace=namespace,
            actor=user,
        )  # fmt: skip
        return Response(DatasetOut(made).data, status=201)


class BenchmarkImportView(EvaluationView):
    @extend_schema(operation_id="benchmark_imports_create", request=ImportIn, responses=ImportOut)
    def post(self, request: Request) -> Response:
        """A draft definition out of an HF `eval.yaml`, an lm_eval task or MTEB metadata; nothing is stored."""
        actors.signed_in(actor_of(request))
        form = ImportIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        hints = Hints(dataset=asked["dataset"], revision=asked["revision"], task=asked["task"])
        draft = imported(asked["format"], asked["text"], hints)
        return Response(ImportOut({"definition": draft.text, "notes": list(draft.notes)}).data)


class BenchmarkExportView(EvaluationView):
    @extend_schema(
        operation_id="benchmarks_export",
        parameters=[OpenApiParameter("format", str, enum=["definition", *sorted(EXPORTS)])],
        responses={(200, "application/yaml"): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        """The definition as YAML: ours, or as an lm_eval task where that can say it."""
        benchmark = benchmark_named(slug, actor_of(request).user)
        wanted, definition = text_of(request, "format") or "definition", definition_of(benchmark)
        if wanted not in ("definition", *EXPORTS):
            raise BadInput(_("The format is definition or one of %(formats)s.") % {"formats": ", ".join(EXPORTS)})
        text = to_yaml(definition) if wanted == "definition" else exported(wanted, definition)
        response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{slug}.yaml"'
        return response


def _detail(benchmark: Benchmark, user: User | None) -> dict[str, Any]:
    context = {"states": {benchmark.pk: data_state(benchmark, user)}}
    return dict(shapes.BenchmarkDetailOut(benchmark, context=context).data)
