"""The schema of `/api/v1`, its documentation for people, and the answer for addresses that do not exist."""

from __future__ import annotations

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.errors import NotFound
from catalog.rest_api.v1.base import ApiView

schema = SpectacularAPIView.as_view()

# Swagger UI styles its elements inline and draws its icons from data: URLs; this page alone may (decision 27).
docs = csp_update({"style-src": [UNSAFE_INLINE], "img-src": [SELF, "data:"]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema")
)


@extend_schema(exclude=True)
class UnknownAddressView(ApiView):
    """What no other route took."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound(_("There is no %(path)s here; see /api/docs.") % {"path": request.path})

    def get(self, request: Request, rest: str) -> Response:
        raise NotFound

    post = put = patch = delete = get
