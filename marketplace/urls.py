"""All URLs. Evaluation's come before catalog's: its fixed words must win over a namespace's name."""

from django.urls import include, path

from marketplace import health

urlpatterns = [
    path("", include("catalog.hub_api.file_urls")),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("", include("evaluation.urls")),
    path("", include("catalog.urls")),
]

handler400 = "marketplace.refusals.bad_request"
handler403 = "catalog.pages.errors.forbidden"
handler404 = "catalog.pages.errors.not_found"
handler500 = "catalog.pages.errors.server_error"
