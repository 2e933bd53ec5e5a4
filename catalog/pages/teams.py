"""Teams: found one, see who is in it, decide who is."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import access, actors
from catalog.actions.people import accounts, members
from catalog.errors import BadInput, InvalidName, NameTaken, NotAllowed, NotFound
from catalog.models import Membership, Organisation, User
from catalog.pages.errors import page
from catalog.pages.forms import MemberForm, TeamForm
from catalog.pages.profiles import may_manage

TEAMS_SHOWN = 200


@page
def teams(request: HttpRequest) -> HttpResponse:
    user = actors.actor_of(request).user
    found = Organisation.objects.select_related("namespace").annotate(people=Count("memberships"))
    mine = list(found.filter(memberships__user=user).order_by("namespace__key")) if user else []
    shown = {
        "mine": mine,
        "others": found.exclude(pk__in=[team.pk for team in mine]).order_by("namespace__key")[:TEAMS_SHOWN],
    }
    return render(request, "catalog/teams.html", shown)


@page
def new_team(request: HttpRequest) -> HttpResponseBase:
    user = actors.personally(actors.actor_of(request))
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            team = accounts.create_organisation(admin=user, actor=user, **form.cleaned_data)
        except (InvalidName, NameTaken, BadInput) as error:
            form.add_error("name", error.message)
        else:
            return redirect(f"/teams/{team}")
    return render(request, "catalog/team_new.html", {"form": form}, status=422 if form.errors else 200)


@page
def team(request: HttpRequest, name: str) -> HttpResponseBase:
    """The members, and for the team's administrators the form that adds one."""
    organisation = access.organisation_named(name)
    user = actors.signed_in(actors.actor_of(request))
    manages = may_manage(user, organisation.namespace)
    form = MemberForm(request.POST or None)
    if request.method == "POST":
        _check_manages(request, organisation)
        if form.is_valid():
            person: User = form.cleaned_data["username"]
            members.change_member(organisation=organisation, user=person, role=form.cleaned_data["role"], actor=user)
            messages.success(request, _("%(name)s is in the team.") % {"name": person.username})
            return redirect(f"/teams/{organisation}")
    shown = {
        "team": organisation,
        "manages": manages,
        "memberships": organisation.memberships.select_related("user").order_by("user__username"),
        "roles": Membership.Role.choices,
        "form": form,
    }
    return render(request, "catalog/team.html", shown, status=422 if form.errors else 200)


@page
@require_POST
def change(request: HttpRequest, name: str, person: str) -> HttpResponseBase:
    """Another role for a member, or out of the team."""
    organisation = access.organisation_named(name)
    actor = _check_manages(request, organisation)
    user = User.objects.filter(namespace__key=person.casefold()).first()
    if user is None:
        raise NotFound
    try:
        if request.POST.get("role") == "remove":
            members.remove_member(organisation=organisation, user=user, actor=actor)
        else:
            role = request.POST.get("role", "")
            members.change_member(organisation=organisation, user=user, role=role, actor=actor)
    except BadInput as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Saved."))
    return redirect(f"/teams/{organisation}")


def _check_manages(request: HttpRequest, organisation: Organisation) -> User:
    user = actors.personally(actors.actor_of(request))
    if not may_manage(user, organisation.namespace):
        raise NotAllowed(_("Only administrators of the team decide who is in it."))
    return user
