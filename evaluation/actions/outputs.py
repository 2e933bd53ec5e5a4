"""What a node sends back. Hostile until scored: capped, hashed, kept as bytes, never opened here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from catalog.actions.incoming import uploads
from catalog.errors import TooLarge
from evaluation.errors import BadOutput, RunLeaseLost
from evaluation.models import Run, RunOutput
from evaluation.queries.benchmarks import definition_of

MEGABYTE: Final = 2**20
# Its largest size in bytes; None: whatever the definition's output_mb leaves.
NAMES: Final[dict[str, int | None]] = {
    "predictions.jsonl": None,
    "embeddings.npy": None,
    "ids.json": None,
    "measurements.json": MEGABYTE // 4,
    "attributions.json": 2 * MEGABYTE,
    "log.txt": 4 * MEGABYTE,
}


def receive_output(*, run: Run, name: str, sha256: str, size: int, chunks: Iterable[bytes]) -> RunOutput:
    """Keep one file for this run; sending it again replaces it.

    Raises:
        BadOutput: no such output.
        TooLarge: more than the definition allows for all files of a run together.
        HashMismatch, SizeMismatch: not what was announced; nothing was kept.
        RunLeaseLost: the run was taken away while the bytes came in.
    """
    _check_room(run, name, size)
    with uploads.arriving(chunks, size=size, sha256=sha256) as arrival, transaction.atomic():
        _lock(run)
        blob = uploads.keep(arrival)
        return RunOutput.objects.update_or_create(run=run, name=name, defaults={"blob": blob})[0]


def _check_room(run: Run, name: str, size: int) -> None:
    if name not in NAMES:
        raise BadOutput(_("A run has no output named %(name)s.") % {"name": name[:60]})
    most = int(definition_of(run.benchmark).limits.output_mb * MEGABYTE)
    others = RunOutput.objects.filter(run=run).exclude(name=name).aggregate(size=Sum("blob__size", default=0))["size"]
    left = min(most - others, NAMES[name] or most)
    if size > left:
        raise TooLarge(
            _("The outputs of this run may have %(most)d bytes together; %(name)s does not fit.")
            % {"most": most, "name": name}
        )


def _lock(run: Run) -> None:
    held = Run.objects.select_for_update().filter(pk=run.pk, state__in=Run.LEASED, lease_token=run.lease_token)
    if not held.exists():
        raise RunLeaseLost
