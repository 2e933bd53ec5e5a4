"""Signing in (in two steps, for whoever has a second factor) and out, and passwords by one-time links (decision 23)."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.crypto import salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme, urlsafe_base64_decode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from catalog import access, actors
from catalog.actions.people import accounts, second_factor, sign_in
from catalog.errors import NotAllowed
from catalog.models import User
from catalog.pages import passkeys
from catalog.pages.errors import missing, page
from catalog.pages.forms import SecondStepForm, SignInForm

SECOND_STEP_SECONDS: Final = 600  # from the password to the code


@sensitive_post_parameters("password")
@never_cache
@page
def sign_in_page(request: HttpRequest) -> HttpResponseBase:
    target = _safe_target(request)
    if actors.actor_of(request).user is not None and request.method == "GET" and "again" not in request.GET:
        return redirect(target)
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["username"]
        with sign_in.attempt(name, request.META.get("REMOTE_ADDR", "")) as trying:
            user = authenticate(request, username=name, password=form.cleaned_data["password"])
            trying.succeeded = user is not None
        if user is not None:
            return _enter(request, user, target)
        form.add_error(None, _("The name and the password do not belong together."))
    shown = {"form": form, "target": target, "has_mail": bool(settings.EMAIL_URL)}
    return render(request, "accounts/login.html", shown, status=422 if form.errors else 200)


@sensitive_post_parameters("code")
@never_cache
@page
def second_step(request: HttpRequest) -> HttpResponseBase:
    """The code after the password. Until it is right there is no session: a signed ticket says whose password was."""
    target, ticket = _safe_target(request), request.POST.get("ticket", "")
    user = _user_of_ticket(ticket)
    if request.method != "POST" or user is None:
        if request.method == "POST":
            messages.warning(request, _("That took too long. Sign in again."))
        return redirect(f"/login?{urlencode({'next': target, 'again': 'yes'})}")
    form = SecondStepForm(request.POST)
    if "credential" in request.POST:
        form = SecondStepForm()
        with sign_in.attempt(user.username, request.META.get("REMOTE_ADDR", ""), is_code=True) as trying:
            trying.succeeded = passkeys.is_answered(request, user)
        if trying.succeeded:
            return _start_session(request, user, target)
        messages.error(request, _("The passkey was not accepted. Try again, or type a code."))
    elif form.is_valid():
        with sign_in.attempt(user.username, request.META.get("REMOTE_ADDR", ""), is_code=True) as trying:
            trying.succeeded = second_factor.accept(user=user, code=form.cleaned_data["code"])
        if trying.succeeded:
            return _start_session(request, user, target)
        form.add_error("code", _("This code does not work. Each works once, and only for a moment: take the next."))
    return _ask_for_code(request, user, form, ticket=ticket, target=target)


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
        return _enter(request, user, "/")
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


def _enter(request: HttpRequest, user: AbstractBaseUser, target: str) -> HttpResponseBase:
    """After the password: the session, or the question for the code."""
    assert isinstance(user, User)  # AUTH_USER_MODEL
    if not user.has_second_factor:
        return _start_session(request, user, target)
    ticket = signing.dumps(_claims(user), salt="second-step")
    return _ask_for_code(request, user, SecondStepForm(), ticket=ticket, target=target)


def _ask_for_code(request: HttpRequest, user: User, form: SecondStepForm, *, ticket: str, target: str) -> HttpResponse:
    shown = {"form": form, "ticket": ticket, "target": target} | passkeys.asked(request, user)
    return render(request, "accounts/code.html", shown, status=422 if form.errors else 200)


def _start_session(request: HttpRequest, user: User, target: str) -> HttpResponseBase:
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    if user.is_held_back:
        messages.warning(request, _("Administrators of this site need a second factor. Set one up to go on as one."))
        return redirect("/settings/second-factor/new")
    return redirect(target)


def _claims(user: User) -> list[object]:
    """What a ticket for the second step stands for: another password or another sign-in ends it."""
    since = user.last_login.isoformat() if user.last_login else ""
    # A ticket is signed, not sealed: whoever has the password may read it, and learns nothing more by it.
    return [user.pk, salted_hmac("second-step", f"{user.get_session_auth_hash()} {since}").hexdigest()]


def _user_of_ticket(ticket: str) -> User | None:
    try:
        claims = signing.loads(ticket, salt="second-step", max_age=SECOND_STEP_SECONDS)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=claims[0], is_active=True).first()
    return user if user is not None and claims == _claims(user) else None


def _user_of(code: str) -> User | None:
    try:
        return User.objects.filter(pk=int(urlsafe_base64_decode(code)), is_active=True).first()
    except ValueError:
        return None


def _safe_target(request: HttpRequest) -> str:
    """Where to go after signing in: only inside this site."""
    target = request.POST.get("next") or request.GET.get("next") or "/"
    inside = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/")
    return target if inside else "/"
