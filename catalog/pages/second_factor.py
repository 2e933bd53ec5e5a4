"""One's own second factor: setting it up, its recovery codes, switching it off."""

from __future__ import annotations

from typing import Final

from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from catalog import actors, sealing
from catalog.actions.people import second_factor
from catalog.errors import BadInput
from catalog.models import User
from catalog.models.accounts import second_factors
from catalog.pages.errors import page
from catalog.pages.forms import CodeForm
from catalog.pages.qr import QrCode

HERE: Final = "/settings/second-factor"
NEW: Final = f"{HERE}/new"
_PENDING: Final = "second_factor_pending"  # in the session: the secret that waits for its first code, sealed


@never_cache
@page
def overview(request: HttpRequest) -> HttpResponseBase:
    user = actors.in_full(actors.actor_of(request))
    return show(request, user)


@sensitive_post_parameters()
@never_cache
@page
def enrol(request: HttpRequest) -> HttpResponseBase:
    """Shows a secret as a picture and as text; a first code made from it switches the second factor on."""
    user = actors.in_person(actors.actor_of(request), back=NEW)
    if second_factor.has_app(user):
        return redirect(HERE)
    secret, form = _pending_secret(request), CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = second_factor.enrol(user=user, secret=secret, code=form.cleaned_data["code"])
        except BadInput as error:
            form.add_error("code", error.message)
        else:
            del request.session[_PENDING]
            return show(request, User.objects.get(pk=user.pk), codes)
    spaced = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    shown = {"form": form, "secret": spaced, "is_held_back": user.is_held_back}
    shown["qr"] = QrCode.of(second_factor.address_of(user, secret))
    return render(request, "settings/second_factor_new.html", shown | _TAB, status=422 if form.errors else 200)


@never_cache
@page
@require_POST
def recovery_codes(request: HttpRequest) -> HttpResponseBase:
    """New ones, on the answer to the form that made them and never again."""
    user = actors.in_person(actors.actor_of(request), back=HERE)
    return show(request, user, second_factor.new_recovery_codes(user=user))


@page
@require_POST
def switch_off(request: HttpRequest) -> HttpResponseBase:
    user = actors.in_person(actors.actor_of(request), back=HERE)
    second_factor.switch_off(user=user)
    messages.success(request, _("Signing in asks for your password alone now."))
    return redirect(HERE)


_TAB: Final = {"tab": "second-factor"}


def show(request: HttpRequest, user: User, codes: list[str] | None = None) -> HttpResponseBase:
    shown = {
        "is_on": user.has_second_factor,
        "has_app": second_factor.has_app(user),
        "passkeys": [WebAuthn(factor) for factor in second_factors().filter(user=user, type="webauthn").order_by("pk")],
        "is_held_back": user.is_held_back,
        "codes": codes,
        "codes_left": second_factor.recovery_codes_left(user),
    }
    return render(request, "settings/second_factor.html", shown | _TAB)


def _pending_secret(request: HttpRequest) -> str:
    """The secret this session is setting up, kept until its first code: who mistypes it scans nothing anew."""
    kept = request.session.get(_PENDING, "")
    secret = sealing.unseal(kept.encode()) if kept else None
    if secret is None:
        secret = second_factor.new_secret()
        request.session[_PENDING] = sealing.seal(secret).decode()
    return secret
