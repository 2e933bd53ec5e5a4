"""Models beside each other: the table of differences, and the items behind them."""

from __future__ import annotations

from typing import Any, Final

from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.errors import BadInput, NotFound
from catalog.hub_api.serving import Content, content_response
from catalog.rest_api.v1.base import actor_of, django_request
from evaluation import access
from evaluation.errors import NotComparable
from evaluation.models import Run
from evaluation.queries import item_rights
from evaluation.queries.benchmarks import benchmark_named
from evaluation.queries.comparisons import Compared, compared, current_run
from evaluation.queries.contrast import WHICH, Contrast, ItemLine, contrasts, item_lines
from evaluation.rest_api.v1.base import EvaluationView
from evaluation.rest_api.v1.files import ENDINGS, file_of
from evaluation.rest_api.v1.parameters import number_of, text_of

MOST_ROWS: Final = 1000
USUAL_ROWS: Final = 100

FIRST = OpenApiParameter("first", str, required=True, description="A model, `namespace/name`.")
SECOND = OpenApiParameter("second", str, required=True, description="Another model; several times for a table.")
BENCHMARK = OpenApiParameter("benchmark", str, description="Default: all that both were measured on.")
OFFSET = OpenApiParameter("offset", int, description="How many items to leave out.")
ROWS = OpenApiParameter("limit", int, description=f"Items in one answer: {USUAL_ROWS}, at most {MOST_ROWS}.")


class DifferenceOut(serializers.Serializer[Any]):
    """The first minus the second, in the unit of the metric."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()
    p = serializers.FloatField()
    test = serializers.CharField()
    only_first = serializers.IntegerField(allow_null=True, help_text=gettext_lazy("items only the first gets right"))
    only_second = serializers.IntegerField(allow_null=True)


class ComparedOut(serializers.Serializer[Compared]):
    """Two current scores for one metric of one benchmark version."""

    benchmark = serializers.CharField(source="benchmark.slug")
    benchmark_version = serializers.IntegerField(source="benchmark.version")
    metric = serializers.CharField(source="first.metric")
    higher_is_better = serializers.BooleanField(source="first.higher_is_better")
    first = serializers.CharField(source="first.repo.full_name")
    first_run = serializers.IntegerField(source="first.run_id")
    first_value = serializers.FloatField(source="first.value")
    second = serializers.CharField(source="second.repo.full_name")
    second_run = serializers.IntegerField(source="second.run_id")
    second_value = serializers.FloatField(source="second.value")
    difference = DifferenceOut(allow_null=True)
    p_adjusted = serializers.FloatField(
        allow_null=True, help_text=gettext_lazy("by Holm, over the rows of this answer")
    )
    verdict = serializers.ChoiceField(choices=["first", "second", "tie", "unknown"])
    why_not = serializers.CharField(help_text=gettext_lazy("why there is no difference"))


class ComparisonOut(serializers.Serializer[Any]):
    results = ComparedOut(many=True)


class ItemOut(serializers.Serializer[ItemLine]):
    """One item of one run; data is empty for those who may not see the data set."""

    id = serializers.CharField()
    group = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    asked = serializers.DictField()
    gold = serializers.DictField()
    answer = serializers.DictField()


class ItemsOut(serializers.Serializer[Any]):
    metric = serializers.CharField(help_text=gettext_lazy("what `score` is; empty where no metric is per item"))
    total = serializers.IntegerField()
    results = ItemOut(many=True)


class ContrastOut(serializers.Serializer[Contrast]):
    """One item with both answers."""

    id = serializers.CharField(source="first.id")
    group = serializers.CharField(source="first.group")
    asked = serializers.DictField(source="first.asked")
    gold = serializers.DictField(source="first.gold")
    first_answer = serializers.DictField(source="first.answer")
    first_score = serializers.FloatField(source="first.score")
    second_answer = serializers.DictField(source="second.answer")
    second_score = serializers.FloatField(source="second.score")


class ContrastsOut(serializers.Serializer[Any]):
    metric = serializers.CharField()
    first_run = serializers.IntegerField()
    second_run = serializers.IntegerField()
    total = serializers.IntegerField()
    results = ContrastOut(many=True)


class ComparisonView(EvaluationView):
    @extend_schema(operation_id="comparisons_retrieve", parameters=[FIRST, SECOND, BENCHMARK], responses=ComparisonOut)
    def get(self, request: Request) -> Response:
        """A model beside others on the same items: difference, interval, p-value, adjusted over the table."""
        actor = actor_of(request)
        slug = text_of(request, "benchmark")
        first, *others = access.models_to_compare(
            actor, text_of(request, "first"), request.query_params.getlist("second")
        )
        benchmark = benchmark_named(slug, actor.user) if slug else None
        rows = compared(first, others, user=actor.user, benchmark=benchmark)
        return Response(ComparisonOut({"results": rows}).data)


_CONTRAST = [
    FIRST,
    OpenApiParameter("second", str, required=True, description="The other model."),
    OpenApiParameter("benchmark", str, required=True),
    OpenApiParameter("which", str, enum=WHICH, description="Default: where the first fails and the second does not."),
]  # fmt: skip


class ContrastView(EvaluationView):
    @extend_schema(operation_id="comparisons_items", parameters=[*_CONTRAST, OFFSET, ROWS], responses=ContrastsOut)
    def get(self, request: Request) -> Response:
        """Where one model fails and the other does not, item by item with both answers and the gold one."""
        first, second, metric, found = _contrasts(request)
        body = {"metric": metric, "first_run": first.pk, "second_run": second.pk}
        return Response(ContrastsOut({**body, "total": len(found), "results": _part(request, found)}).data)


class ContrastFileView(EvaluationView):
    """The whole list as a file."""

    @extend_schema(
        operation_id="comparisons_items_file",
        parameters=[*_CONTRAST, OpenApiParameter("ending", str, OpenApiParameter.PATH, enum=ENDINGS)],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/jsonl"): OpenApiTypes.STR},
    )
    def get(self, request: Request, ending: str) -> HttpResponseBase:
        """The same as CSV or JSON Lines."""
        first, second, _metric, found = _contrasts(request)
        rows = [dict(ContrastOut(one).data) for one in found]
        return file_of(rows, ContrastOut().get_fields(), ending, f"runs-{first.pk}-{second.pk}")


class RunItemsView(EvaluationView):
    @extend_schema(operation_id="runs_items", parameters=[OFFSET, ROWS], responses=ItemsOut)
    def get(self, request: Request, run_id: int) -> Response:
        """What one run answered to each item, in the order of the data."""
        metric, lines = _lines(request, run_id)
        return Response(ItemsOut({"metric": metric, "total": len(lines), "results": _part(request, lines)}).data)


class RunItemsFileView(EvaluationView):
    """All items of a run as a file."""

    @extend_schema(
        operation_id="runs_items_file",
        parameters=[OpenApiParameter("ending", str, OpenApiParameter.PATH, enum=ENDINGS)],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/jsonl"): OpenApiTypes.STR},
    )
    def get(self, request: Request, run_id: int, ending: str) -> HttpResponseBase:
        """The same as CSV or JSON Lines."""
        _metric, lines = _lines(request, run_id)
        return file_of([dict(ItemOut(line).data) for line in lines], ItemOut().get_fields(), ending, f"run-{run_id}")


class RunOutputView(EvaluationView):
    """What the node sent, byte for byte: the record names its sha256."""

    @extend_schema(
        operation_id="runs_outputs",
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH, description="such as predictions.jsonl")],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, run_id: int, name: str) -> HttpResponseBase:
        """One file of a run, for readers of the benchmark's data: answers may quote it."""
        actor = actor_of(request)
        run = access.run_to_read(actor, run_id)
        item_rights.require_items(actor, run.benchmark)
        output = run.outputs.select_related("blob").filter(name=name).first()
        if output is None:
            raise NotFound
        blob = output.blob
        content = Content(sha256=blob.sha256, size=blob.size, etag=blob.sha256, path=name, is_private=True)
        return content_response(django_request(request), content, {})


def _contrasts(request: Request) -> tuple[Run, Run, str, list[Contrast]]:
    actor, which, slug = actor_of(request), text_of(request, "which") or WHICH[0], text_of(request, "benchmark")
    if which not in WHICH:
        raise BadInput(_("'which' must be one of %(names)s") % {"names": ", ".join(WHICH)})
    repos = access.models_to_compare(actor, text_of(request, "first"), [text_of(request, "second")])
    benchmark = benchmark_named(slug, actor.user)
    first, second = (current_run(repo, benchmark) for repo in repos)
    metric, found = contrasts(first, second, which=which, with_data=item_rights.sees_items(actor, first.benchmark))
    return first, second, metric, found


def _lines(request: Request, run_id: int) -> tuple[str, list[ItemLine]]:
    actor = actor_of(request)
    run = access.run_to_read(actor, run_id)
    if run.state != Run.State.SUCCEEDED:
        raise NotComparable(_("run %(run_id)s has no scores: it is %(state)s") % {"run_id": run_id, "state": run.state})
    return item_lines(run, with_data=item_rights.sees_items(actor, run.benchmark))


def _part(request: Request, rows: list[Any]) -> list[Any]:
    offset, limit = number_of(request, "offset") or 0, number_of(request, "limit") or USUAL_ROWS
    return rows[offset : offset + min(limit, MOST_ROWS)]
