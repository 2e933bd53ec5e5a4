"""Signing in (in two steps, for whoever has a second factor) and out, and passwords by one-time links (decision 23)."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import urlsafe_base64_decode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from catalog import access, actors
from catalog.actions.people import accounts, second_factor, sign_in
from catalog.errors import NotAllowed
from catalog.models import User
from catalog.pages import passkeys
from catalog.pages.entering import FirstFactor, ask_for_code, enter, first_factor_of, safe_target, start_session
from catalog.pages.errors import missing, page
from catalog.pages.forms import SecondStepForm, SignInForm


@sensitive_post_parameters("password")
@never_cache
@page
def sign_in_page(request: HttpRequest) -> HttpResponseBase:
    target = safe_target(request)
    if actors.actor_of(request).user is not None and request.method == "GET" and "again" not in request.GET:
        return redirect(target)
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["username"]
        with sign_in.attempt(name, request.META.get("REMOTE_ADDR", "")) as trying:
            user = authenticate(request, username=name, password=form.cleaned_data["password"])
            trying.succeeded = user is not None
        if user is not None:
            assert isinstance(user, User)  # AUTH_USER_MODEL
            return enter(request, FirstFactor(user), target)
        form.add_error(None, _("The name and the password do not belong together."))
    shown = {"form": form, "target": target, "has_mail": bool(settings.EMAIL_URL)}
    providers = settings.OIDC_PROVIDERS
    shown |= {
        "providers": providers,
        "signs_up": any(one.signs_up for one in providers),
        "is_again": "again" in request.GET,
    }
    return render(request, "accounts/login.html", shown, status=422 if form.errors else 200)


@sensitive_post_parameters("code")
@never_cache
@page
def second_step(request: HttpRequest) -> HttpResponseBase:
    """The code after the first factor. Until it is right there is no session: a signed ticket says whose that was."""
    target, ticket = safe_target(request), request.POST.get("ticket", "")
    first = first_factor_of(ticket)
    if request.method != "POST" or first is None:
        if request.method == "POST":
            messages.warning(request, _("That took too long. Sign in again."))
        return redirect(f"/login?{urlencode({'next': target, 'again': 'yes'})}")
    user, form = first.user, SecondStepForm(request.POST)
    if "credential" in request.POST:
        form = SecondStepForm()
        with sign_in.attempt(user.username, request.META.get("REMOTE_ADDR", ""), is_code=True) as trying:
            trying.succeeded = passkeys.is_answered(request, user)
        if trying.succeeded:
            return start_session(request, first, target)
        messages.error(request, _("The passkey was not accepted. Try again, or type a code."))
    elif form.is_valid():
        with sign_in.attempt(user.username, request.META.get("REMOTE_ADDR", ""), is_code=True) as trying:
            trying.succeeded = second_factor.accept(user=user, code=form.cleaned_data["code"])
        if trying.succeeded:
            return start_session(request, first, target)
        form.add_error("code", _("This code does not work. Each works once, and only for a moment: take the next."))
    return ask_for_code(request, first, form, ticket=ticket, target=target)


@page
@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    logout(request)
    return redirect("/")


@sensitive_post_parameters()
@never_cache
@page
def join(request: HttpRequest, code: str, token: str) -> HttpResponseBase:
    """Whoever holds the one-time link sets a password and is signed in; it does not stand for a second factor."""
    user = _user_of(code)
    if user is None or not default_token_generator.check_token(user, token):
        return render(request, "accounts/link_over.html", status=404)
    form: SetPasswordForm[User] = SetPasswordForm(user, request.POST or None)
    for field in form.fields.values():
        field.widget.attrs.update({"class": "input", "autocomplete": "new-password"})
    if request.method == "POST" and form.is_valid():
        # The link is over from here: its token was made from the old password.
        accounts.set_password(user=user, password=form.cleaned_data["new_password1"])
        messages.success(request, _("Your password is set."))
        return enter(request, FirstFactor(user), "/")
    return render(request, "accounts/join.html", {"form": form, "person": user}, status=422 if form.errors else 200)


@page
def forgotten(request: HttpRequest) -> HttpResponse:
    """Sends the one-time link by mail, where mail is set up; says what to do where it is not."""
    is_sent = request.method == "POST"
    if is_sent:
        address = request.META.get("REMOTE_ADDR", "")
        sign_in.send_password_link(
            asked=request.POST.get("asked", "")[:254], address=address, site=request.build_absolute_uri("/").rstrip("/")
        )
    # The same answer for known and unknown accounts.
    return render(request, "accounts/forgotten.html", {"is_sent": is_sent, "has_mail": bool(settings.EMAIL_URL)})


@never_cache
@page
@require_POST
def link_for(request: HttpRequest, owner: str) -> HttpResponse:
    """Shows an administrator a new one-time link for somebody, to hand over in person."""
    asking = actors.in_person(actors.actor_of(request), back=f"/{quote(owner)}")
    if asking.is_held_back:
        raise NotAllowed(_("Administrators of this site need a second factor; set one up in your settings first."))
    if not asking.administers:
        raise NotAllowed(_("Only administrators make one-time links for others."))
    user = access.namespace_named(owner).owner
    if not isinstance(user, User):
        return missing(request)
    link = request.build_absolute_uri(accounts.hand_over_link(user=user, actor=asking))
    return render(request, "accounts/link_for.html", {"person": user, "link": link})


def _user_of(code: str) -> User | None:
    try:
        return User.objects.filter(pk=int(urlsafe_base64_decode(code)), is_active=True).first()
    except ValueError:
        return None
