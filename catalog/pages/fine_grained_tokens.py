"""A token that reaches some places only: each has a row of the form. More rows come by a button, without scripts."""

from __future__ import annotations

from typing import Final

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from catalog import access, actors
from catalog.actions.people import accounts
from catalog.actors import Actor
from catalog.errors import BadInput, CatalogError, NameTaken
from catalog.models import AccessToken, Namespace, Repo, TokenGrant
from catalog.pages.errors import page
from catalog.pages.forms import PageForm, TokenForm
from catalog.pages.settings import show_tokens
from catalog.queries import grant_places

HERE: Final = "/settings/tokens/fine-grained"
ROWS_AT_A_TIME: Final = 3


class FineGrainedTokenForm(TokenForm):
    role = None  # type: ignore[assignment]  # Django leaves the field out: what it may do stands in each row


class PlaceForm(PageForm):
    """One place, and what the token may do there; an empty row says nothing."""

    where = forms.CharField(
        label=gettext_lazy("Where"), max_length=250, required=False,
        widget=forms.TextInput(
            attrs={"class": "input code", "autocapitalize": "none", "spellcheck": "false", "list": "known-places"}
        ),
    )  # fmt: skip
    role = forms.ChoiceField(
        label=gettext_lazy("What it may do there"), initial=TokenGrant.Role.READ,
        choices=[
            (TokenGrant.Role.READ, gettext_lazy("read – also what is private")),
            (TokenGrant.Role.WRITE, gettext_lazy("write – also upload")),
            (TokenGrant.Role.ADMIN, gettext_lazy("admin – also settings and deletion")),
        ],
    )  # fmt: skip

    def clean_where(self) -> str:
        """`ns/name` is a model, as in the addresses of pages."""
        text: str = self.cleaned_data["where"].strip().strip("/")
        return f"models/{text}" if text.count("/") == 1 else text


@never_cache
@page
def new(request: HttpRequest) -> HttpResponseBase:
    actor = actors.actor_of(request)
    user = actors.in_person(actor, back=HERE)
    if request.method != "POST":
        form, rows = FineGrainedTokenForm(), _rows(ROWS_AT_A_TIME)
    elif "more" in request.POST:
        form = FineGrainedTokenForm(initial=request.POST.dict())
        rows = _typed_rows(request)
    else:
        form, rows = FineGrainedTokenForm(request.POST), _rows(_count(request), request)
        if secret := _made(actor, form, rows):
            return show_tokens(request, user, TokenForm(), secret)
    shown = {"form": form, "rows": rows, "places": grant_places.suggested(user), "tab": "tokens"}
    return render(request, "settings/token_new.html", shown, status=422 if form.errors else 200)


def _made(actor: Actor, form: FineGrainedTokenForm, rows: list[PlaceForm]) -> str:
    """The secret of the new token; "" with what is wrong in the forms."""
    grants = _grants(actor, rows)
    if any(row.errors for row in rows):
        form.add_error(None, _("Look at the places below."))
    elif not grants:
        rows[0].add_error("where", _("Name at least one place."))
        form.add_error(None, _("The token would reach nothing: name at least one place."))
    if not form.is_valid():
        return ""
    role = AccessToken.Role.FINE_GRAINED
    try:
        named = accounts.create_token(
            user=actors.signed_in(actor), role=role, grants=list(grants.items()), **form.cleaned_data
        )
    except (BadInput, NameTaken) as error:
        form.add_error("name", error.message)
        return ""
    return named[1]


def _grants(actor: Actor, rows: list[PlaceForm]) -> dict[Namespace | Repo, str]:
    """What the rows name; one that names nothing there is, or what another has named, gets the error."""
    grants: dict[Namespace | Repo, str] = {}
    for row in rows:
        if not row.is_valid() or not row.cleaned_data["where"]:
            continue
        try:
            place = access.place_to_grant(actor, row.cleaned_data["where"])
        except CatalogError as error:
            row.add_error("where", error.message)
            continue
        if place in grants:
            row.add_error("where", _("This place is named above already."))
        grants[place] = row.cleaned_data["role"]
    return grants


def _count(request: HttpRequest) -> int:
    text = request.POST.get("rows", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    return min(max(number, 1), accounts.MOST_GRANTS)


def _rows(count: int, request: HttpRequest | None = None) -> list[PlaceForm]:
    return [PlaceForm(request.POST if request else None, prefix=f"place-{number}") for number in range(count)]


def _typed_rows(request: HttpRequest) -> list[PlaceForm]:
    """What was typed so far, unchecked, and some more rows."""
    count, posted = _count(request), request.POST
    most = min(count + ROWS_AT_A_TIME, accounts.MOST_GRANTS)
    typed = [
        {"where": posted.get(f"place-{number}-where", ""), "role": posted.get(f"place-{number}-role", "read")}
        for number in range(most)
    ]
    return [PlaceForm(initial=one, prefix=f"place-{number}") for number, one in enumerate(typed)]
