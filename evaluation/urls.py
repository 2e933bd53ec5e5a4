"""Joins the faces of evaluation."""

from django.urls import include, path

import catalog.converters  # noqa: F401  # registers the path converters
from evaluation.rest_api.v1.views import WellKnownKeysView

urlpatterns = [
    path("node_api/", include("evaluation.node_api.urls")),
    path("api/v1/", include("evaluation.rest_api.v1.urls")),
    path(".well-known/marketplace-keys.json", WellKnownKeysView.as_view()),
    path("", include("evaluation.pages.urls")),
]
