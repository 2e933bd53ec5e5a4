"""Signing in and out, and setting a password by a one-time link (decision 23)."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme, urlsafe_base64_decode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from catalog import access
from catalog.actions.people import accounts, sign_in
from catalog.errors import NotAllowed
from catalog.models import User
from catalog.pages.errors import missing, page
from catalog.pages.forms import SignInForm


@sensitive_post_parameters("password")
@never_cache
@page
def sign_in_page(request: HttpRequest) -> HttpResponseBase:
    target = _safe_target(request)
    if access.actor_of(request).user is not None and request.method == "GET" and "again" not in request.GET:
        return redirect(target)
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["username"]
        with sign_in.attempt(name, request.META.get("REMOTE_ADDR", "")) as trying:
            user = authenticate(request, username=name, password=form.cleaned_data["password"])
            trying.succeeded = user is not None
        if user is not None:
            login(request, user)
            return redirect(target)
        form.add_error(None, _("The name and the password do not belong together."))
    shown = {"form": form, "target": target, "has_mail": bool(settings.EMAIL_URL)}
    return render(request, "accounts/login.html", shown, status=422 if form.errors else 200)


@page
@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    logout(request)
    return redirect("/")


@sensitive_post_parameters()
@never_cache
@page
def join(request: HttpRequest, code: str, token: str) -> HttpResponseBase:
    """Whoever holds the one-time link sets a password and is signed in."""
    user = _user_of(code)
    if user is None or not default_token_generator.check_token(user, token):
        return render(request, "accounts/link_over.html", status=404)
    form: SetPasswordForm[User] = SetPasswordForm(user, request.POST or None)
    for field in form.fields.values():
        field.widget.attrs.update({"class": "input", "autocomplete": "new-password"})
    if request.method == "POST" and form.is_valid():
        # The link is over from here: its token was made from the old password.
        accounts.set_password(user=user, password=form.cleaned_data["new_password1"])
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        messages.success(request, _("Your password is set, and you are signed in."))
        return redirect("/")
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
    asking = access.in_person(access.actor_of(request), back=f"/{quote(owner)}")
    if not asking.is_admin:
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


def _safe_target(request: HttpRequest) -> str:
    """Where to go after signing in: only inside this site."""
    target = request.POST.get("next") or request.GET.get("next") or "/"
    inside = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/")
    return target if inside else "/"
