"""Routes around repos rather than into them: gates, likes, collections, webhooks, sign-in of programs."""

from django.urls import URLPattern, path

from catalog.hub_api import gating
from catalog.hub_api.endpoint import endpoint

REPO = "api/<kinds:kind>/<segment:owner>/<segment:name>"

urlpatterns: list[URLPattern] = [
    path(f"{REPO}/user-access-request/handle", endpoint(POST=gating.handle)),
    path(f"{REPO}/user-access-request/grant", endpoint(POST=gating.grant)),
    path(f"{REPO}/user-access-request/<segment:state>", endpoint(GET=gating.requests)),
]


def beside(repo: str, kind: dict[str, str]) -> list[URLPattern]:
    """Routes outside `/api`, below the address of a repo."""
    return [path(f"{repo}/ask-access", endpoint(POST=gating.ask), kind)]
