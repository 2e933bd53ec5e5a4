"""From a first factor to a session: the second step where there is one, then the way to where somebody wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.contrib.auth import login
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.crypto import salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from catalog import actors
from catalog.models import User
from catalog.pages import passkeys
from catalog.pages.forms import SecondStepForm

SECOND_STEP_SECONDS: Final = 600  # from the first factor to the code


@dataclass(frozen=True)
class FirstFactor:
    """What somebody has shown already."""

    user: User
    provider: str = ""  # the name of the identity provider that vouches for them; "": a password
    signed_in_at: int | None = None  # unix seconds, when they showed it there; None: just now


def enter(request: HttpRequest, first: FirstFactor, target: str, *, is_strong: bool = False) -> HttpResponseBase:
    """After the first factor: the session, or the question for the code.

    Args:
        is_strong: a provider whose word counts for it has asked for a second factor itself.
    """
    if is_strong or not first.user.has_second_factor:
        return start_session(request, first, target)
    told = [*_claims(first.user), first.provider, first.signed_in_at]
    ticket = signing.dumps(told, salt="second-step")
    return ask_for_code(request, first, SecondStepForm(), ticket=ticket, target=target)


def ask_for_code(
    request: HttpRequest, first: FirstFactor, form: SecondStepForm, *, ticket: str, target: str
) -> HttpResponse:
    shown = {"form": form, "ticket": ticket, "target": target, "provider": first.provider}
    shown |= passkeys.asked(request, first.user)
    return render(request, "accounts/code.html", shown, status=422 if form.errors else 200)


def start_session(request: HttpRequest, first: FirstFactor, target: str) -> HttpResponseBase:
    login(request, first.user, backend="django.contrib.auth.backends.ModelBackend")
    if first.signed_in_at is not None:
        # What needs a recent sign-in asks when they showed who they are, not when their provider said so again.
        request.session[actors.SIGNED_IN_AT] = first.signed_in_at
    if first.user.is_held_back:
        messages.warning(request, _("Administrators of this site need a second factor. Set one up to go on as one."))
        return redirect("/settings/second-factor/new")
    return redirect(target)


def first_factor_of(ticket: str) -> FirstFactor | None:
    """Who showed their first factor to get this ticket; None when it is over."""
    try:
        user_id, claim, provider, signed_in_at = signing.loads(ticket, salt="second-step", max_age=SECOND_STEP_SECONDS)
    except (signing.BadSignature, ValueError):
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or [user_id, claim] != _claims(user):
        return None
    return FirstFactor(user, provider, signed_in_at)


def safe_target(request: HttpRequest) -> str:
    """Where to go after signing in: only inside this site."""
    target = request.POST.get("next") or request.GET.get("next") or "/"
    inside = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/")
    return target if inside else "/"


def _claims(user: User) -> list[object]:
    """What a ticket for the second step stands for: another password or another sign-in ends it."""
    since = user.last_login.isoformat() if user.last_login else ""
    # A ticket is signed, not sealed: whoever has the password may read it, and learns nothing more by it.
    return [user.pk, salted_hmac("second-step", f"{user.get_session_auth_hash()} {since}").hexdigest()]
