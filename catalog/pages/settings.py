"""One's own account: profile and access tokens."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from catalog import actors
from catalog.actions.people import accounts, members
from catalog.errors import BadInput, NameTaken, NotFound
from catalog.models import AccessToken, TokenGrant, User
from catalog.pages.errors import page
from catalog.pages.forms import ProfileForm, TokenForm
from catalog.pages.snippets import endpoint_of


@page
def profile(request: HttpRequest) -> HttpResponseBase:
    user = actors.in_full(actors.actor_of(request))
    form = ProfileForm(request.POST or None, initial={"full_name": user.full_name, "email": user.email})
    if request.method == "POST" and form.is_valid():
        # Whoever changes the address can have a new password sent to it.
        actors.in_person(actors.actor_of(request), back="/settings/profile")
        members.change_profile(user=user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("/settings/profile")
    shown = {"form": form, "tab": "profile"}
    return render(request, "settings/profile.html", shown, status=422 if form.errors else 200)


@never_cache
@page
def tokens(request: HttpRequest) -> HttpResponseBase:
    """The list; a new token's secret is on the answer to the form that made it, and never again."""
    user = actors.in_full(actors.actor_of(request))
    form, secret = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        actors.in_person(actors.actor_of(request), back="/settings/tokens")
        try:
            _token, secret = accounts.create_token(user=user, **form.cleaned_data)
            form = TokenForm()
        except (BadInput, NameTaken) as error:
            form.add_error("name", error.message)
    return show_tokens(request, user, form, secret)


def show_tokens(request: HttpRequest, user: User, form: TokenForm, secret: str) -> HttpResponse:
    """The list and the form, with the secret of a token that was made just now."""
    grants = TokenGrant.objects.select_related("namespace", "repo__namespace").order_by("pk")
    shown = {
        "form": form,
        "secret": secret,
        "tokens": user.tokens.prefetch_related(Prefetch("grants", grants)).order_by("-created_at"),
        "now": timezone.now(),
        "endpoint": endpoint_of(request),
        "tab": "tokens",
    }
    return render(request, "settings/tokens.html", shown, status=422 if form.errors else 200)


@page
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponseBase:
    user = actors.personally(actors.actor_of(request))
    token = AccessToken.objects.filter(user=user, pk=token_id).first()
    if token is None:
        raise NotFound
    accounts.revoke_token(token=token, actor=user)
    messages.success(request, _("“%(name)s” is revoked; it stopped working just now.") % {"name": token.name})
    return redirect("/settings/tokens")
