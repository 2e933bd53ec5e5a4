"""Following people and teams; a follow is no right and gives none."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.errors import BadInput
from catalog.models import Follow, Namespace, User

MOST_FOLLOWED: Final = 5000  # by one person: a page of news asks about all of them


@transaction.atomic
def follow(*, namespace: Namespace, actor: User) -> None:
    """Follow a person or a team; harmless when one does already.

    Raises:
        BadInput: oneself, or more than anybody can follow.
    """
    if namespace.pk == actor.namespace_id:
        raise BadInput(_("Nobody follows themselves."))
    if actor.follows.count() >= MOST_FOLLOWED:
        raise BadInput(
            _("You follow %(most)d people and teams, which is as many as one may.") % {"most": MOST_FOLLOWED}
        )
    Follow.objects.get_or_create(user=actor, namespace=namespace)


@transaction.atomic
def unfollow(*, namespace: Namespace, actor: User) -> None:
    """Follow somebody no more; harmless when one did not."""
    Follow.objects.filter(user=actor, namespace=namespace).delete()
