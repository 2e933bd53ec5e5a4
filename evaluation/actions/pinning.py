"""Saying which commit of its data a definition means, where those who wrote it could not know one (ADR 0022)."""

from __future__ import annotations

import re

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import Mirror, Repo
from evaluation.actions.benchmarks import with_revision
from evaluation.benchmarks.definitions import definition_hash
from evaluation.errors import BadDefinition
from evaluation.models import Benchmark, Run
from evaluation.queries.benchmarks import definition_of


@transaction.atomic
def pin_dataset(*, slug: str, revision: str = "") -> Benchmark:
    """Give the current version of a benchmark of the site the commit its data is read at.

    Args:
        revision: 40 hex digits; "" takes the commit that a mirror of the dataset holds.

    Raises:
        BadDefinition: it came with a revision, or was measured on already, or there is no mirror to ask.
    """
    benchmark = Benchmark.objects.select_for_update(of=("self",)).current().filter(slug=slug).first()
    if benchmark is None:
        raise BadDefinition(_("There is no benchmark named %(slug)s.") % {"slug": slug})
    definition = definition_of(benchmark)
    if not benchmark.is_unpinned and benchmark.pinned_at is None:
        raise BadDefinition(
            _("%(benchmark)s came with its revision: %(revision)s.")
            % {"benchmark": benchmark, "revision": definition.dataset.revision}
        )
    revision = (revision or _mirrored(definition.dataset.repo)).lower()
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise BadDefinition(_("A revision is a commit of 40 hex digits, never a branch or a tag."))
    if revision != definition.dataset.revision and _was_measured(benchmark):
        raise BadDefinition(
            _("%(benchmark)s was measured on %(revision)s: scores of two revisions would stand in one column.")
            % {"benchmark": benchmark, "revision": definition.dataset.revision}
        )
    pinned = with_revision(definition, revision)
    benchmark.shipped_hash = benchmark.shipped_hash or benchmark.definition_hash
    benchmark.definition_hash = definition_hash(pinned)
    benchmark.definition["dataset"]["revision"] = revision
    benchmark.pinned_at = timezone.now()
    benchmark.save(update_fields=["shipped_hash", "definition_hash", "definition", "pinned_at"])
    return benchmark


def _was_measured(benchmark: Benchmark) -> bool:
    over = [Run.State.FAILED, Run.State.CANCELLED]
    return Run.objects.filter(benchmark=benchmark).exclude(state__in=over).exists()


def _mirrored(name: str) -> str:
    """The commit that a mirror of this dataset holds. Raises BadDefinition: none does."""
    mirrors = Mirror.objects.filter(repo__in=Repo.objects.live().filter(kind=Repo.Kind.DATASET))
    mirror = mirrors.filter(upstream_name__iexact=name).exclude(upstream_oid="").order_by("-checked_at", "pk").first()
    if mirror is None:
        raise BadDefinition(_("No mirror of %(name)s is here: mirror it first, or name the commit.") % {"name": name})
    return mirror.upstream_oid
