"""Evaluation's errors as statuses; everything else, and the shape of the answer, is the catalogue's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.response import Response

from catalog.errors import CatalogError
from catalog.rest_api.v1.errors import error_response
from catalog.rest_api.v1.errors import exception_handler as catalog_handler
from evaluation import errors

STATUSES: Final[dict[type[CatalogError], int]] = {
    errors.EvaluationError: 500,
    errors.BenchmarkNotFound: 404,
    errors.RunNotFound: 404,
    errors.NotEvaluable: 422,
    errors.TooManyRuns: 429,
    errors.RunIsOver: 409,
    errors.RunLeaseLost: 409,
    errors.NodeNotFound: 404,
    errors.NotComparable: 422,
    errors.BadNodeToken: 401,
    errors.BadOutput: 422,
    errors.BadDefinition: 422,
    errors.BadDataset: 422,
}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's hook for the views of this face."""
    if isinstance(error, CatalogError) and type(error) in STATUSES:
        return error_response(context, STATUSES[type(error)], type(error).__name__, error.message, error.facts)
    return catalog_handler(error, context)
