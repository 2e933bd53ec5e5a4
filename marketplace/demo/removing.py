"""Takes the demo away again: repos, reviews, runs, teams and people of `cast.py`, nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.db import transaction

from catalog.actions import repos
from catalog.actions.community import ratings
from catalog.models import Membership, Namespace, Rating, Repo, User
from marketplace.demo.cast import PEOPLE, TEAMS


@transaction.atomic
def remove() -> int:
    """Returns how many repos went. Bytes follow with the garbage collector; names stay reserved."""
    people = User.objects.filter(username__in=[person.name for person in PEOPLE])
    teams = Namespace.objects.filter(key__in=[team.name for team in TEAMS])
    for rating in Rating.objects.filter(user__in=people).select_related("repo", "user"):
        ratings.withdraw_rating(repo=rating.repo, actor=rating.user)
    owned = Repo.objects.live().filter(namespace__in=teams) | Repo.objects.live().filter(
        namespace__in=people.values("namespace")
    )
    count = 0
    for repo in owned.select_related("namespace"):
        repos.delete_repo(repo=repo, actor=None)
        count += 1
    Membership.objects.filter(user__in=people).delete()
    people.update(is_active=False)
    shutil.rmtree(Path(settings.DATA_DIR) / "demo", ignore_errors=True)
    (Path(settings.DATA_DIR) / "demo.seeded").unlink(missing_ok=True)
    return count
