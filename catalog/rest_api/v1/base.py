"""What every view of `/api/v1` shares, evaluation's too: who asks, bounded bodies, errors, pages, the schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from catalog import actors
from catalog.actors import Actor
from catalog.queries.paging import LARGEST_PAGE
from catalog.rest_api.v1.authentication import BearerAuthentication
from catalog.rest_api.v1.errors import STATUSES, Statuses
from catalog.rest_api.v1.once import answered_once

OWNER = OpenApiParameter("owner", str, OpenApiParameter.PATH, description="User or team.")
NAME = OpenApiParameter("name", str, OpenApiParameter.PATH, description="Name of the repo.")
REPO_PATH: Final = [OWNER, NAME]
CURSOR = OpenApiParameter("cursor", str, description="Where the page starts; taken from `next`.")
LIMIT = OpenApiParameter("limit", int, description=f"Entries per page, at most {LARGEST_PAGE}.")


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = BearerAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An access token, `hf_…`."}


class AnyAccept(DefaultContentNegotiation):
    """One format per address: whatever a client accepts, it gets that."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ErrorOut(serializers.Serializer[object]):
    error = serializers.CharField(help_text="A sentence for a person.")
    error_code = serializers.CharField(help_text="Stable, also in the header X-Error-Code.")
    request_id = serializers.CharField()
    details = serializers.DictField()


class ApiSchema(AutoSchema):
    """Every operation may answer with an error of the one shape."""

    def get_operation_id(self) -> str:
        name: str = super().get_operation_id()
        is_list = type(self.view).__name__.endswith("ListView")
        return name.replace("_retrieve", "_list") if is_list else name

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        error = self._get_response_for_code(ErrorOut, "default")  # type: ignore[no-untyped-call]
        return {**bodies, "default": error}


class ApiView(APIView):
    """Bearer token or session (with CSRF); what a request may do is asked of `access` inside each view."""

    content_negotiation_class = AnyAccept
    metadata_class = None
    schema = ApiSchema()
    statuses: ClassVar[Statuses] = STATUSES

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401  DRF's own
        """Unsafe requests with an `Idempotency-Key` act once; the second one gets the first one's answer."""
        if request.method in SAFE_METHODS or "Idempotency-Key" not in request.headers:
            return super().dispatch(request, *args, **kwargs)
        return answered_once(request, lambda: super(ApiView, self).dispatch(request, *args, **kwargs))


def django_request(request: Request) -> HttpRequest:
    """The request that middleware and `access` know."""
    return request._request  # noqa: SLF001  DRF's name for it


def actor_of(request: Request) -> Actor:
    return actors.actor_of(django_request(request))


def next_url(request: Request, cursor: str | None, **changed: str) -> str | None:
    """Returns the absolute URL of the page that starts at `cursor`, with the other parameters as they are."""
    if cursor is None:
        return None
    plain = django_request(request)
    parameters = plain.GET.copy()
    for name, value in {**changed, "cursor": cursor}.items():
        parameters[name] = value
    return plain.build_absolute_uri(f"{plain.path}?{parameters.urlencode()}")
