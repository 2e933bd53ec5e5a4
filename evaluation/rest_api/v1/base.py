"""What every view of this face is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.response import Response

from catalog.rest_api.v1.base import ApiView
from evaluation.rest_api.v1.errors import exception_handler


class EvaluationView(ApiView):
    """A view whose errors may be evaluation's, too."""

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], Response]:
        return exception_handler
