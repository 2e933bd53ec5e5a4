"""The rows of many contents at once: a statement each, whose parameters are arrays.

A batch has hundreds of contents, a commit thousands: building a row object, and binding a parameter, for each of
their columns took most of the time of a commit of small files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Final

from django.db import connection, transaction

from catalog.models import Blob, Repo
from catalog.storage.base import StoredBlob

_FIELDS: Final = ("id", "sha256", "size", "git_sha1", "md5", "state")

_UPSERT: Final = """
    INSERT INTO catalog_blob (sha256, size, git_sha1, md5, state, created_at, touched_at)
    SELECT sha256, size, git_sha1, md5, 'live', statement_timestamp(), statement_timestamp()
    FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[]) AS new (sha256, size, git_sha1, md5)
    ORDER BY sha256
    ON CONFLICT (sha256) DO UPDATE SET state = 'live', state_since = NULL, touched_at = statement_timestamp()
    RETURNING id, sha256, size, git_sha1, md5, state
"""
_ENTITLE: Final = """
    INSERT INTO catalog_repoblob (repo_id, blob_id, uncommitted_until)
    SELECT %s, blob_id, statement_timestamp() + make_interval(secs => %s)
    FROM unnest(%s::bigint[]) AS new (blob_id) ORDER BY blob_id
    ON CONFLICT DO NOTHING
"""
# In one statement: a commit that takes the row meanwhile must not be undone.
_WAIT_LONGER: Final = """
    UPDATE catalog_repoblob SET uncommitted_until = statement_timestamp() + make_interval(secs => %s)
    WHERE repo_id = %s AND blob_id = ANY(%s::bigint[])
        AND uncommitted_until < statement_timestamp() + make_interval(secs => %s)
"""


def make_live(contents: Collection[StoredBlob]) -> dict[str, Blob]:
    """Returns by sha256 the rows of contents that are durable now, whatever was known of them."""
    columns = [list(column) for column in zip(*((c.sha256, c.size, c.git_sha1, c.md5) for c in contents), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, columns or [[], [], [], []])
        blobs = [Blob.from_db(connection.alias, _FIELDS, row) for row in cursor.fetchall()]
    return {blob.sha256: blob for blob in blobs}


def named(sha256s: Iterable[str]) -> dict[str, Blob]:
    """Returns by sha256 what is known of these contents, whatever its state."""
    rows = Blob.objects.filter(sha256__any_of=set(sha256s)).values_list(*_FIELDS)
    blobs = [Blob.from_db(connection.alias, _FIELDS, row) for row in rows]
    return {blob.sha256: blob for blob in blobs}


@transaction.atomic
def entitle(repo: Repo, blob_ids: Sequence[int], *, lifetime: timedelta) -> None:
    """Note that the repo received these; what no commit holds yet may wait so long from now on."""
    with connection.cursor() as cursor:
        seconds, ids = lifetime.total_seconds(), list(blob_ids)
        cursor.execute(_ENTITLE, [repo.pk, seconds, ids])
        cursor.execute(_WAIT_LONGER, [seconds, repo.pk, ids, seconds])
