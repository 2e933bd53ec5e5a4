"""A benchmark of one's own: data, then a definition, each checked before anything runs."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from catalog import access as catalog_access
from catalog import actors
from catalog.errors import InvalidName, NameTaken, NotAllowed, QuotaExceeded
from catalog.models import User
from catalog.pages.new import namespaces_of
from evaluation.actions import benchmark_datasets, team_benchmarks
from evaluation.actions.benchmark_datasets import LARGEST_UPLOAD, Asked, UploadedDataset
from evaluation.benchmarks.exchange import Hints, imported
from evaluation.errors import BadDataset, BadDefinition
from evaluation.pages.errors import page
from evaluation.pages.forms import DatasetForm, DefinitionForm, ImportForm


@page
def new_benchmark(request: HttpRequest) -> HttpResponseBase:
    """The three forms, and the last step: the definition."""
    actor = actors.actor_of(request)
    user = actors.writer(actor)
    if request.method != "POST":
        return _shown(request, user)
    form = DefinitionForm(request.POST, namespaces=namespaces_of(user))
    if form.is_valid():
        namespace = catalog_access.namespace_to_create_in(actor, form.cleaned_data["namespace"])
        try:
            made, created = team_benchmarks.upload_definition(
                text=form.cleaned_data["definition"], namespace=namespace, actor=user
            )
        except BadDefinition as problem:
            form.add_error("definition", problem.message)
        else:
            messages.success(request, _("The benchmark is in place.") if created else _("It was in place already."))
            return redirect(f"/benchmarks/{made.slug}")
    return _shown(request, user, definition=form)


@page
@require_POST
def data(request: HttpRequest) -> HttpResponse:
    """A private dataset, and the definition to start from."""
    actor = actors.actor_of(request)
    user = actors.writer(actor)
    form = DatasetForm(request.POST, request.FILES, namespaces=namespaces_of(user))
    if not form.is_valid():
        return _shown(request, user, dataset=form)
    asked, file = form.cleaned_data, form.cleaned_data["file"]
    if file.size > LARGEST_UPLOAD:
        form.add_error("file", _("The file is larger than %(most)d MiB.") % {"most": LARGEST_UPLOAD >> 20})
        return _shown(request, user, dataset=form)
    namespace = catalog_access.namespace_to_create_in(actor, asked["namespace"])
    wanted = Asked(
        name=asked["name"], task=asked["task"], filename=str(file.name), content=file.read(),
        text=asked["text_column"], label=asked["label_column"],
    )  # fmt: skip
    try:
        made = benchmark_datasets.upload_dataset(asked=wanted, namespace=namespace, actor=user)
    except BadDataset as problem:
        listed = problem.facts.get("problems")
        form.add_error("file", [str(one) for one in listed] if isinstance(listed, list) else problem.message)
    except (InvalidName, NameTaken, NotAllowed, QuotaExceeded) as problem:
        form.add_error("name", problem.message)
    else:
        return _kept(request, user, made)
    return _shown(request, user, dataset=form)


def _kept(request: HttpRequest, user: User, made: UploadedDataset) -> HttpResponse:
    """Where the data is now, and the definition to start from."""
    rows = ngettext("%(n)d row", "%(n)d rows", made.checked.rows) % {"n": made.checked.rows}
    said = _("%(rows)s are in %(dataset)s at revision %(revision)s, for its team alone.") % {
        "rows": rows, "dataset": made.repo.full_name, "revision": made.commit.oid
    }  # fmt: skip
    start = {"namespace": made.repo.namespace.name, "definition": made.definition}
    filled = DefinitionForm(initial=start, namespaces=namespaces_of(user))
    return _shown(request, user, definition=filled, said=[said], dataset_path=made.repo.web_path)


@page
@require_POST
def draft(request: HttpRequest) -> HttpResponse:
    """A draft out of another format."""
    user = actors.writer(actors.actor_of(request))
    form = ImportForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            made = imported(asked["format"], asked["text"], Hints(dataset=asked["dataset"]))
        except BadDefinition as problem:
            form.add_error("text", problem.message)
        else:
            filled = DefinitionForm(initial={"definition": made.text}, namespaces=namespaces_of(user))
            return _shown(request, user, definition=filled, said=list(made.notes))
    return _shown(request, user, foreign=form)


def _shown(request: HttpRequest, user: User, **given: Any) -> HttpResponse:  # noqa: ANN401  forms of three kinds
    """The page with the forms given, new ones for the others."""
    spaces = namespaces_of(user)
    start = {"namespace": request.GET.get("owner", user.username), "task": "text-classification"}
    dataset = given.get("dataset") or DatasetForm(namespaces=spaces, initial=start)
    definition = given.get("definition") or DefinitionForm(namespaces=spaces, initial=start)
    foreign = given.get("foreign") or ImportForm()
    faulty = next((form for form in (dataset, definition, foreign) if form.is_bound and form.errors), None)
    shown = {
        "section": "leaderboards",
        "dataset_form": dataset,
        "definition_form": definition,
        "import_form": foreign,
        "form": faulty,
        "said": given.get("said", []),
        "dataset_path": given.get("dataset_path", ""),
        "is_importing": foreign.is_bound,
    }
    return render(request, "evaluation/new_benchmark.html", shown, status=422 if faulty is not None else 200)
