"""Passkeys in the settings, and what pages ask a browser for (static/js/passkeys.js does the asking)."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from catalog import actors, links
from catalog.actions.people import passkeys
from catalog.actions.people.passkeys import Question
from catalog.errors import BadInput
from catalog.models import User
from catalog.pages import second_factor
from catalog.pages.errors import page
from catalog.pages.forms import PasskeyForm

QUESTION_SECONDS: Final = 600  # as long as the second step may take
_NEW: Final = f"{second_factor.HERE}/passkeys/new"


@never_cache
@page
def new(request: HttpRequest) -> HttpResponseBase:
    user = actors.in_person(actors.actor_of(request), back=_NEW)
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = passkeys.add(
                user=user,
                origin=links.public_origin(request),
                state=_state(request, user),
                answer=request.POST.get("credential", ""),
                name=form.cleaned_data["name"],
            )
        except BadInput as error:
            form.add_error("name", error.message)
        else:
            messages.success(request, _("The passkey is added."))
            return second_factor.show(request, User.objects.get(pk=user.pk), codes)
    question = passkeys.ask_for_new(user=user, origin=links.public_origin(request))
    shown = {"form": form, "tab": "second-factor", "is_held_back": user.is_held_back}
    status = 422 if form.errors else 200
    return render(request, "settings/passkey_new.html", shown | _told(user, question), status=status)


@page
@require_POST
def remove(request: HttpRequest, passkey_id: int) -> HttpResponseBase:
    user = actors.in_person(actors.actor_of(request), back=second_factor.HERE)
    passkeys.remove(user=user, passkey_id=passkey_id)
    return redirect(second_factor.HERE)


def asked(request: HttpRequest, user: User) -> dict[str, object]:
    """What the page of the second step shows to ask for a passkey; nothing where they have none."""
    question = passkeys.ask(user=user, origin=links.public_origin(request))
    return {} if question is None else _told(user, question)


def is_answered(request: HttpRequest, user: User) -> bool:
    """Whether the form that was sent holds the answer of one of their passkeys."""
    answer = request.POST.get("credential", "")
    return passkeys.accept(user=user, origin=links.public_origin(request), state=_state(request, user), answer=answer)


def _told(user: User, question: Question) -> dict[str, object]:
    kept = signing.dumps({"user": user.pk, "state": question.state}, salt="passkey")
    return {"question": question.options, "challenge": kept}


def _state(request: HttpRequest, user: User) -> dict[str, Any]:
    """What `_told` kept in the form; of no question when it is old, forged or another person's."""
    try:
        kept = signing.loads(request.POST.get("challenge", ""), salt="passkey", max_age=QUESTION_SECONDS)
    except signing.BadSignature:
        return {}
    state: dict[str, Any] = kept["state"] if kept["user"] == user.pk else {}
    return state
