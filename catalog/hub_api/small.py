"""Small routes that keep clients quick and quiet."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from catalog.actors import Actor
from catalog.errors import NotServed, RepoNotFound
from catalog.hub_api import bodies
from catalog.parsing.card import validate_card


def agent_harnesses(request: HttpRequest, actor: Actor) -> JsonResponse:
    """Asked for once a day while a client builds its first header."""
    return JsonResponse({"standardEnvVars": [], "harnesses": {}})


def telemetry(request: HttpRequest, actor: Actor, topic: str = "") -> HttpResponse:
    """Taken and forgotten: nobody is watched here."""
    return HttpResponse()


def validate_yaml(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Judge the front matter of a README before it is sent.

    `RepoCard.validate` asks for plain text and wants every fault. Uploads want JSON whatever happens, and
    only a card that cannot be read at all stops them: the page tells the rest.
    """
    body = bodies.json_body(request)
    content = bodies.optional_text(body, "content") or ""
    report = validate_card(content, bodies.optional_text(body, "repoType") or "model")
    if request.headers.get("Accept", "").startswith("text/plain"):
        lines = "\n".join(f"- Error: {message}" for message in report.errors)
        return HttpResponse(lines, status=400 if lines else 200, content_type="text/plain; charset=utf-8")
    warnings = [message for message in (*report.errors, *report.warnings) if message not in report.fatal]
    answer = {"errors": _messages(report.fatal), "warnings": _messages(warnings)}
    return JsonResponse(answer, status=400 if report.fatal else 200)


def no_such_repo(request: HttpRequest, actor: Actor, **parts: str) -> HttpResponse:
    """Bare ids such as `gpt2`, and kinds of repo this server does not keep."""
    raise RepoNotFound


def not_served(request: HttpRequest, actor: Actor, **parts: str) -> HttpResponse:
    raise NotServed(_("this server does not offer that part of the Hub's API"))


def _messages(texts: Iterable[str]) -> list[dict[str, str]]:
    return [{"message": text} for text in texts]
