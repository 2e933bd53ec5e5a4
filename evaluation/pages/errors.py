"""Evaluation's errors as pages: the catalogue's table and a few lines more."""

from __future__ import annotations

from catalog.pages.errors import STATUSES as CATALOG_STATUSES
from catalog.pages.errors import Statuses, page_with
from evaluation import errors

STATUSES: Statuses = {
    **CATALOG_STATUSES,
    errors.EvaluationError: 400,
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

page = page_with(STATUSES)
