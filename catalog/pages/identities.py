"""Signing in with an identity provider: off to it, back from it, a new account, and what one's settings show of it."""

from __future__ import annotations

import time
from dataclasses import astuple
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from catalog import actors, links
from catalog.actions.people import identities, identity_flow
from catalog.actions.people.identity_flow import Answer, Asked, Claimed, provider_named
from catalog.errors import (
    BadInput,
    CatalogError,
    IdentityRefused,
    InvalidName,
    NameTaken,
    UpstreamNotAllowed,
    UpstreamRefused,
    UpstreamUnavailable,
)
from catalog.models import PendingSignIn, User
from catalog.pages.entering import FirstFactor, enter, safe_target
from catalog.pages.errors import page
from catalog.pages.forms import NewAccountForm
from catalog.wording import told
from marketplace.identity_providers import IdentityProvider

HERE: Final = "/settings/sign-in"
COOKIE: Final = "sign_in_at_provider"  # tells the browser that left from every other one
SIGN_UP_SECONDS: Final = 900
_UNREACHED: Final = (UpstreamNotAllowed, UpstreamRefused, UpstreamUnavailable)


@never_cache
@page
@require_GET
def start(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Off to the provider. A link, not a form: the site's policy lets no form lead elsewhere."""
    provider, target, is_again = provider_named(slug), safe_target(request), "again" in request.GET
    if actors.actor_of(request).user is not None and not is_again:
        return redirect(target)
    try:
        asked = _begin(request, provider, target=target, is_again=is_again)
    except _UNREACHED as problem:
        return _back(request, provider, problem, target)
    return _kept(redirect(asked.url), asked)


@never_cache
@page
@require_GET
def callback(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Back from the provider."""
    provider = provider_named(slug)
    browser, given = request.COOKIES.get(COOKIE, ""), request.GET
    try:
        pending = identity_flow.take(provider=provider, browser=browser, state=given.get("state", ""))
    except IdentityRefused as problem:
        return _back(request, provider, problem, "/")
    answer = Answer(given.get("code", ""), given.get("iss", ""), given.get("error", ""))
    try:
        claimed = identity_flow.redeem(
            provider=provider, pending=pending, answer=answer, redirect_uri=_callback_address(request, provider)
        )
        return _entered(request, claimed, pending) if pending.user is None else _linked(request, claimed, pending.user)
    except (*_UNREACHED, IdentityRefused, BadInput) as problem:
        identities.note_refusal(provider, problem.message, user=pending.user)
        return _back(request, provider, problem, pending.target, is_linking=pending.user is not None)


@never_cache
@page
@require_POST
def sign_up(request: HttpRequest) -> HttpResponseBase:
    """The account of an identity that had none, under the name that was chosen."""
    claimed = _claimed_in(request.POST.get("ticket", ""))
    if claimed is None:
        messages.warning(request, _("That took too long. Sign in again."))
        return redirect("/login")
    form, target = NewAccountForm(request.POST), safe_target(request)
    if form.is_valid():
        try:
            user = identities.sign_up(claimed, **form.cleaned_data)
        except (InvalidName, NameTaken) as problem:
            form.add_error("name", problem.message)
        except (IdentityRefused, BadInput) as problem:
            return _back(request, claimed.provider, problem, target)
        else:
            return enter(request, _first_factor(user, claimed), target, is_strong=claimed.is_strong)
    return _ask_for_name(request, claimed, form, target)


@never_cache
@page
def overview(request: HttpRequest) -> HttpResponseBase:
    """How one signs in: the password, and accounts elsewhere."""
    user = actors.in_full(actors.actor_of(request))
    names = {provider.issuer: provider.name for provider in settings.OIDC_PROVIDERS}
    shown = {
        "tab": "sign-in",
        "has_password": identities.has_password(user),
        "identities": [(one, names.get(one.issuer, "")) for one in user.identities.order_by("pk")],
        "providers": settings.OIDC_PROVIDERS,
    }
    return render(request, "settings/sign_in.html", shown)


@never_cache
@page
@require_POST
def link(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Off to the provider to link what it says to this account; a page leads there, since no form may."""
    user = actors.in_person(actors.actor_of(request), back=HERE)
    provider = provider_named(slug)
    try:
        asked = _begin(request, provider, target=HERE, user=user)
    except _UNREACHED as problem:
        return _back(request, provider, problem, HERE, is_linking=True)
    return _kept(render(request, "accounts/leaving.html", {"url": asked.url, "provider": provider}), asked)


@page
@require_POST
def unlink(request: HttpRequest, identity_id: int) -> HttpResponseBase:
    user = actors.in_person(actors.actor_of(request), back=HERE)
    try:
        identities.unlink(user=user, identity_id=identity_id)
    except BadInput as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, _("Removed; it does not sign you in any more."))
    return redirect(HERE)


def _begin(request: HttpRequest, provider: IdentityProvider, **wanted: Any) -> Asked:  # noqa: ANN401  passed through
    return identity_flow.begin(
        provider=provider,
        redirect_uri=_callback_address(request, provider),
        browser=request.COOKIES.get(COOKIE, ""),
        address=request.META.get("REMOTE_ADDR", ""),
        **wanted,
    )


def _kept(response: HttpResponseBase, asked: Asked) -> HttpResponseBase:
    response.set_cookie(
        COOKIE, asked.browser, max_age=int(identity_flow.LIFETIME.total_seconds()),
        secure=settings.IS_HTTPS, httponly=True, samesite="Lax",
    )  # fmt: skip
    return response


def _entered(request: HttpRequest, claimed: Claimed, pending: PendingSignIn) -> HttpResponseBase:
    user = identities.sign_in(claimed)
    if user is None and pending.is_again:  # somebody who has an account is offered no other
        raise IdentityRefused(identities.opens_nothing())
    if user is None:
        identities.check_newcomer(claimed)
        form = NewAccountForm(initial={"name": identities.suggested_name(claimed), "full_name": claimed.full_name})
        return _ask_for_name(request, claimed, form, pending.target)
    if pending.is_again and time.time() - claimed.signed_in_at > actors.RECENT_SIGN_IN.total_seconds():
        words = _("%(provider)s did not make you sign in anew, which this needs. Use your password, if you have one.")
        messages.warning(request, words % {"provider": claimed.provider.name})
    return enter(request, _first_factor(user, claimed), pending.target, is_strong=claimed.is_strong)


def _linked(request: HttpRequest, claimed: Claimed, user: User) -> HttpResponseBase:
    """In the session that asked for it, which is as recent as when it did."""
    actor = actors.actor_of(request)
    if actor.user != user:
        raise IdentityRefused(_("it answers no sign-in of this browser, or one that is over"))
    identities.link(user=actors.in_person(actor, back=HERE), claimed=claimed)
    messages.success(request, _("%(provider)s signs you in from now on.") % {"provider": claimed.provider.name})
    return redirect(HERE)


def _first_factor(user: User, claimed: Claimed) -> FirstFactor:
    return FirstFactor(user, claimed.provider.name, claimed.signed_in_at)


def _ask_for_name(request: HttpRequest, claimed: Claimed, form: NewAccountForm, target: str) -> HttpResponseBase:
    fields = [claimed.provider.slug, *astuple(claimed)[1:]]
    shown = {
        "form": form,
        "provider": claimed.provider,
        "email": claimed.email,
        "is_known_address": identities.is_known_address(claimed.email),
        "ticket": signing.dumps(fields, salt="sign-up", compress=True),
        "target": target,
    }
    return render(request, "accounts/new.html", shown, status=422 if form.errors else 200)


def _claimed_in(ticket: str) -> Claimed | None:
    try:
        slug, *fields = signing.loads(ticket, salt="sign-up", max_age=SIGN_UP_SECONDS)
    except signing.BadSignature:
        return None
    return Claimed(provider_named(slug), *fields)


def _back(
    request: HttpRequest, provider: IdentityProvider, problem: CatalogError, target: str, *, is_linking: bool = False
) -> HttpResponseBase:
    """To where one tries again, with the reason."""
    if isinstance(problem, _UNREACHED):
        words = _("%(provider)s cannot be asked right now: %(reason)s.")
    elif is_linking:
        words = _("%(provider)s was not linked: %(reason)s.")
    else:
        words = _("%(provider)s did not sign you in: %(reason)s.")
    messages.error(request, words % {"provider": provider.name, "reason": told(problem).rstrip(".")})
    if is_linking:
        return redirect(HERE)
    return redirect(f"/login?{urlencode({'next': target, 'again': 'yes'})}")


def _callback_address(request: HttpRequest, provider: IdentityProvider) -> str:
    return f"{links.public_origin(request)}/login/oidc/{provider.slug}/callback"
