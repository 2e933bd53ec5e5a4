"""Joins the faces of the catalogue. Pages come last: `/{ns}/{name}` catches nearly everything."""

from django.urls import include, path

import catalog.converters  # noqa: F401  # registers the path converters
from catalog.rest_api.v1.docs import docs

urlpatterns = [
    path("api/docs", docs, name="api-docs"),
    path("", include("catalog.git_http.urls")),
    path("", include("catalog.hub_api.urls")),
    path("api/v1/", include("catalog.rest_api.v1.urls")),
    path("", include("catalog.pages.urls")),
]
