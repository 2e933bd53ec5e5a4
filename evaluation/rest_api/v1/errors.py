"""Evaluation's errors in the one shape of our API; everything else is the catalogue's to answer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.response import Response

from catalog.errors import CatalogError
from catalog.rest_api.v1.errors import error_response
from catalog.rest_api.v1.errors import exception_handler as catalog_handler
from evaluation import errors
from evaluation.benchmarks.corpora import DataUnavailable

STATUSES: dict[type[CatalogError], int] = {
    errors.EvaluationError: 500,
    errors.BenchmarkNotFound: 404,
    errors.RunNotFound: 404,
    errors.NotEvaluable: 422,
    errors.TooManyRuns: 429,
    errors.RunIsOver: 409,
    errors.RunLeaseLost: 409,
    errors.BadNodeToken: 401,
    errors.BadOutput: 422,
    errors.BadDefinition: 422,
}
RETRY_AFTER_SECONDS = 60  # a run of one's own may have ended by then


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook for the views of this face."""
    if isinstance(error, DataUnavailable):
        return error_response(context, 503, error.code, _("The data of this benchmark is not available now."), {})
    if isinstance(error, CatalogError) and type(error) in STATUSES:
        response = error_response(context, STATUSES[type(error)], error.code, error.message, error.facts)
        if response.status_code == 429:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    return catalog_handler(error, context)
