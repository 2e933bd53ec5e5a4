"""The one door from an id in a request to a run or a score, with the right checked inside.

A run is as private as its model (decision 24): for whoever may not read that, it is not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.utils.translation import gettext as _

from catalog import access, actors
from catalog.actors import Actor
from catalog.errors import BadInput, NotAllowed
from catalog.models import Repo, User
from evaluation.errors import RunNotFound
from evaluation.models import Run

MOST_COMPARED: Final = 20  # models beside the first


def run_to_read(actor: Actor, run_id: int) -> Run:
    """The run with repo, benchmark and node selected. Raises `RunNotFound`."""
    selected = Run.objects.select_related("repo__namespace", "repo__facts", "benchmark", "node", "requester")
    run = selected.visible_to(actor.user).filter(pk=run_id).first()
    if run is None:
        raise RunNotFound(_("there is no run %(run_id)s") % {"run_id": run_id})
    return run


def models_to_compare(actor: Actor, first: str, others: Iterable[str]) -> list[Repo]:
    """The models of a comparison, each readable by this actor, by their full names.

    Raises:
        BadInput: not two to twenty-one different names.
        RepoNotFound
    """
    names = [first, *dict.fromkeys(name for name in others if name != first)]
    if not all(name.count("/") == 1 for name in names) or not 2 <= len(names) <= 1 + MOST_COMPARED:
        raise BadInput(
            _("Name a model as 'first' and one to %(most)d others as 'second', each as namespace/name.")
            % {"most": MOST_COMPARED}
        )
    return [access.repo_to_read(actor, Repo.Kind.MODEL, *name.split("/")) for name in names]


def run_to_cancel(actor: Actor, run_id: int) -> Run:
    """A run this person may stop: the requester, who may write to the model, administrators.

    Raises:
        RunNotFound: absent, or not even readable.
        NotSignedIn, NotAllowed: readable, but not theirs to stop.
    """
    run = run_to_read(actor, run_id)
    if not may_cancel(actors.writer(actor), run):
        raise NotAllowed(
            _("run %(run_id)s may be cancelled by who asked for it and by the team of the model") % {"run_id": run_id}
        )
    return run


def run_to_withdraw(actor: Actor, run_id: int) -> Run:
    """A run whose result this person may take back: the team of the model, administrators.

    Raises:
        RunNotFound: absent, or not even readable.
        NotSignedIn, NotAllowed: readable, but not theirs.
    """
    run = run_to_read(actor, run_id)
    if not access.can_write_to(actors.writer(actor), run.repo):
        raise NotAllowed(_("run %(run_id)s may be withdrawn by the team of the model") % {"run_id": run_id})
    return run


def operator(actor: Actor) -> User:
    """Who runs this site. Raises `NotSignedIn`, `NotAllowed`."""
    user = actors.signed_in(actor)
    if not user.administers:
        raise NotAllowed(_("this is for the administrators of the site"))
    return user


def may_cancel(user: User, run: Run) -> bool:
    """Whether this person may stop this run."""
    return run.requester_id == user.pk or access.can_write_to(user, run.repo)
