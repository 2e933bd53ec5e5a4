"""Who may see what a benchmark asks, what is right, and what was answered: who may have the files of its data."""

from __future__ import annotations

from django.utils.translation import gettext as _

from catalog import access as catalog_access
from catalog.actors import Actor
from catalog.errors import NotAllowed
from catalog.models import Repo
from evaluation.models import Benchmark
from evaluation.queries.datasets import BUILTIN, data_state


def sees_items(actor: Actor, benchmark: Benchmark) -> bool:
    """Built-in data is everybody's; else the reader sees the dataset of this hub, and has passed its gate."""
    if str(benchmark.definition["dataset"]["repo"]).startswith(BUILTIN):
        return True
    commit = data_state(benchmark, actor.user).commit
    if commit is None or not Repo.objects.visible_to(actor.user).filter(pk=commit.repo_id).exists():
        return False
    return catalog_access.has_files(actor, commit.repo)


def require_items(actor: Actor, benchmark: Benchmark) -> None:
    """Raises `NotAllowed` where `sees_items` says no."""
    if not sees_items(actor, benchmark):
        raise NotAllowed(_("only readers of the data of %(benchmark)s may see its items") % {"benchmark": benchmark})
