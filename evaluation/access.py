"""The one door from an id in a request to a run or a score, with the right checked inside.

A run is as private as its model (decision 24): for whoever may not read that, it is not there.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from catalog import access, actors
from catalog.actors import Actor
from catalog.errors import NotAllowed
from catalog.models import User
from evaluation.errors import RunNotFound
from evaluation.models import Run


def run_to_read(actor: Actor, run_id: int) -> Run:
    """The run with repo, benchmark and node selected. Raises `RunNotFound`."""
    selected = Run.objects.select_related("repo__namespace", "repo__facts", "benchmark", "node", "requester")
    run = selected.visible_to(actor.user).filter(pk=run_id).first()
    if run is None:
        raise RunNotFound(_("there is no run %(run_id)s") % {"run_id": run_id})
    return run


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


def may_cancel(user: User, run: Run) -> bool:
    """Whether this person may stop this run."""
    return run.requester_id == user.pk or access.can_write_to(user, run.repo)
