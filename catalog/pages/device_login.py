"""The page on which a signed-in person lets a program act for them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from catalog import actors
from catalog.actions import tallies
from catalog.actions.people import device_login
from catalog.errors import NotFound, TooManyRequests
from catalog.models import AccessToken
from catalog.pages.errors import page
from catalog.pages.forms import TOKEN_ROLES

GUESSES = 20  # of codes by one person
WINDOW_SECONDS = 900


@never_cache
@page
def approve(request: HttpRequest) -> HttpResponseBase:
    user = actors.signed_in(actors.actor_of(request))
    code = (request.POST if request.method == "POST" else request.GET).get("user_code", "")
    login, problem = None, ""
    if code:
        try:
            login = device_login.waiting(code)
        except NotFound as missing:
            _count_guess(user.pk)
            problem = missing.message
    if request.method == "POST" and login is not None and request.POST.get("answer") in {"yes", "no"}:
        approved = request.POST["answer"] == "yes"
        role = request.POST.get("role", AccessToken.Role.READ)
        person = actors.in_person(actors.actor_of(request), back=f"/oauth/approve?user_code={login.user_code}")
        device_login.decide(login=login, user=person, approved=approved, role=role)
        words = _("The program is signed in; you may close this page.") if approved else _("The program was sent away.")
        messages.success(request, words)
        return redirect("/settings/tokens")
    shown = {"login": login, "code": code, "problem": problem, "roles": TOKEN_ROLES}
    return render(request, "accounts/approve.html", shown, status=404 if problem else 200)


def _count_guess(user_id: int) -> None:
    if tallies.add_one(f"device-code:{user_id}", window_seconds=WINDOW_SECONDS) > GUESSES:
        raise TooManyRequests(_("Too many wrong codes. Try again later."), retry_after_seconds=WINDOW_SECONDS)
