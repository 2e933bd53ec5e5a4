"""Looking at what was signed: is the signature ours, are the outputs still what was scored."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable
from catalog.stores import blob_store
from evaluation import signing
from evaluation.models import Record, Run, Score

logger = logging.getLogger(__name__)

RECORDS_AT_ONCE: Final = 200
READ_AT_ONCE: Final = 1024 * 1024


def check_some(limit: int = RECORDS_AT_ONCE) -> int:
    """Check the records not looked at for longest. Returns how many are not right.

    Where the store does not answer, that says nothing of the records: it stops, and begins there the next time.
    """
    oldest = Record.objects.filter(run__isnull=False).order_by(F("checked_at").asc(nulls_first=True), "pk")
    broken = 0
    for record in oldest.select_related("run")[:limit]:
        try:
            broken += not check(record)
        except (BlobUnavailable, OSError):
            logger.exception("records are not checked: the store does not answer")
            break
    return broken


def check(record: Record) -> bool:
    """Whether a record and the outputs it names are what they were; scores that rest on others count no longer.

    Raises:
        BlobUnavailable, OSError: the store as a whole does not answer; nothing is noted.
    """
    problem = problem_of(record)
    with transaction.atomic():
        Record.objects.filter(pk=record.pk).update(checked_at=timezone.now())
        if problem and record.run_id is not None:
            Run.objects.filter(pk=record.run_id).update(integrity_problem=problem)
            Score.objects.filter(run_id=record.run_id).update(is_current=False)
    return not problem


def problem_of(record: Record) -> str:
    """What is wrong, as a sentence; "" when all is as it was signed. Raises as `check`."""
    if not signing.is_genuine(record.body, signing.Signature(record.signature, record.key_id)):
        return _("The signature of the record does not hold.")
    named: dict[str, str] = json.loads(record.body)["result"]["outputs"]
    run = record.run
    kept = {output.name: output.blob.sha256 for output in run.outputs.select_related("blob")} if run else {}
    for name, sha256 in named.items():
        if kept.get(name) != sha256:
            return _("The output %(name)s is not the one that was scored.") % {"name": name}
        if _digest_of(sha256) != sha256:
            return _("The stored bytes of %(name)s have changed or are gone.") % {"name": name}
    return ""


def _digest_of(sha256: str) -> str:
    """Of the bytes the store has now; "" when it has none that can be read. Raises as `check`."""
    digest = hashlib.sha256()
    try:
        with blob_store().open(sha256) as stream:
            while piece := stream.read(READ_AT_ONCE):
                digest.update(piece)
    except (BlobUnavailable, OSError):
        blob_store().size(sha256)  # raises when it is the store that does not answer
        return ""
    return digest.hexdigest()
