"""What somebody may want to name when they make a token for some repos only."""

from __future__ import annotations

from typing import Final

from django.db.models import Q

from catalog.models import Namespace, Repo, User

MOST_REPOS: Final = 200


def suggested(user: User) -> list[str]:
    """Their own namespace and their teams', then the newest repos there, as `models/ns/name`."""
    own = Namespace.objects.filter(Q(pk=user.namespace_id) | Q(organisation__memberships__user=user)).order_by("key")
    spaces = list(own)
    repos = Repo.objects.live().select_related("namespace").filter(namespace__in=spaces).order_by("-pk")
    named = [repo.kind_and_name for repo in repos[:MOST_REPOS]]
    return [*(space.name for space in spaces), *named]
