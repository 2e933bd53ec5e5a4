"""Ratings and reviews of one repo, and the form for one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import actors
from catalog.actions.community import ratings
from catalog.errors import BadInput, NotAllowed
from catalog.models import Rating, Repo, User
from catalog.pages import languages
from catalog.pages.errors import page
from catalog.pages.forms import ReviewForm
from catalog.pages.frame import frame, readable
from catalog.queries import stats
from catalog.queries.stats import RatingSummary


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram: also a filter."""

    stars: int
    count: int
    is_chosen: bool


@page
def reviews(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    repo = readable(request, kind, owner, name)
    if request.method == "POST":
        return _rate(request, repo)
    return _shown(request, repo, None)


@page
@require_POST
def withdraw(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    repo = readable(request, kind, owner, name)
    ratings.withdraw_rating(repo=repo, actor=actors.personally(actors.actor_of(request)))
    messages.success(request, _("Your rating is withdrawn."))
    return redirect(f"{repo.web_path}/reviews")


def _rate(request: HttpRequest, repo: Repo) -> HttpResponseBase:
    user = actors.personally(actors.actor_of(request))
    form = ReviewForm(request.POST)
    if form.is_valid():
        try:
            language = languages.lang_of(form.cleaned_data["text"])
            ratings.rate_repo(repo=repo, actor=user, language=language, **form.cleaned_data)
        except (BadInput, NotAllowed) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("Thank you. Your rating counts from now on."))
            return redirect(f"{repo.web_path}/reviews")
    return _shown(request, repo, form, status=422)


def _shown(request: HttpRequest, repo: Repo, form: ReviewForm | None, *, status: int = 200) -> HttpResponse:
    user = actors.actor_of(request).user
    own = Rating.objects.filter(repo=repo, user=user).first() if user else None
    stars = request.GET.get("stars", "")
    chosen = int(stars) if stars in {"1", "2", "3", "4", "5"} else None
    found = stats.reviews_of(repo, stars=chosen, cursor=request.GET.get("cursor", ""))
    summary = stats.rating_summary(repo)
    shown = frame(
        request,
        repo,
        "reviews",
        summary=summary,
        bars=_bars(summary, chosen),
        chosen=chosen,
        reviews=found.items,
        head_oid=repo.facts.commit.oid if repo.facts.commit else "",
        next_url=_next(chosen, found.next_cursor),
        own=own,
        form=form or ReviewForm(initial=_initial(own)),
        refusal=_refusal(repo, user),
    )
    return render(request, "catalog/reviews.html", shown, status=status)


def _bars(summary: RatingSummary, chosen: int | None) -> list[Bar]:
    return [Bar(stars, summary.histogram[stars - 1], stars == chosen) for stars in (5, 4, 3, 2, 1)]


def _initial(own: Rating | None) -> dict[str, Any]:
    if own is None:
        return {}
    return {"stars": own.stars, "text": own.text, "used_for": own.used_for, "hardware": own.hardware}


def _refusal(repo: Repo, user: User | None) -> str:
    return ratings.refusal(repo, user) if user else ""


def _next(chosen: int | None, cursor: str | None) -> str:
    if cursor is None:
        return ""
    return f"?cursor={cursor}" + (f"&stars={chosen}" if chosen else "")
