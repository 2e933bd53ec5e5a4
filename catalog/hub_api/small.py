"""Small routes that keep clients quick and quiet."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse

from catalog.access import Actor
from catalog.errors import NotServed, RepoNotFound


def agent_harnesses(request: HttpRequest, actor: Actor) -> JsonResponse:
    """Asked for once a day while a client builds its first header."""
    return JsonResponse({"standardEnvVars": [], "harnesses": {}})


def telemetry(request: HttpRequest, actor: Actor, topic: str = "") -> HttpResponse:
    """Taken and forgotten: nobody is watched here."""
    return HttpResponse()


def no_such_repo(request: HttpRequest, actor: Actor, **parts: str) -> HttpResponse:
    """Bare ids such as `gpt2`, and kinds of repo this server does not keep."""
    raise RepoNotFound


def not_served(request: HttpRequest, actor: Actor, **parts: str) -> HttpResponse:
    raise NotServed("this server does not offer that part of the Hub's API")
