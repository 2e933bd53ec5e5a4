"""A repo whose history stands still, for those who rewrite it or take parts of it away."""

from __future__ import annotations

from typing import Final

from django.db import connection

from catalog.models import Discussion, Ref, Repo

STATEMENT_SECONDS: Final = 120  # a long history has many entries


def freeze(repo: Repo) -> None:
    """Nobody else commits, pushes, merges or opens branches here until the transaction ends; locks in the order
    of pushes and merges."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STATEMENT_SECONDS}s"])
    Repo.objects.select_for_update(no_key=True).get(pk=repo.pk)
    rows = Discussion.objects.select_for_update(no_key=True).filter(repo=repo, is_pull_request=True)
    list(rows.order_by("num").values_list("pk", flat=True))
    for kind in (Ref.Kind.PULL_REQUEST, Ref.Kind.BRANCH, Ref.Kind.TAG):
        list(repo.refs.select_for_update().filter(kind=kind).order_by("name").values_list("pk", flat=True))
    list(repo.lines.select_for_update().order_by("pk").values_list("pk", flat=True))
