"""A repo gets another name, or a copy of its own in another place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import jobs
from catalog.actions import audit, quotas, repos
from catalog.actions.history import commits
from catalog.actions.incoming.uploads import UNCOMMITTED_LIFETIME
from catalog.actions.notices import events, webhook_payload
from catalog.errors import BlobUnavailable, NameTaken
from catalog.models import Blob, Namespace, Repo, RepoBlob, RepoFacts, RepoRedirect, TreeEntry, User
from catalog.parsing import names
from catalog.queries import trees
from catalog.types import AddFile

ENTRIES_PER_INSERT: Final = 5000


@transaction.atomic
def move_repo(*, repo: Repo, namespace: Namespace, name: str, actor: User) -> Repo:
    """Give a repo another name, in this namespace or another; the old one leads here from now on.

    Raises:
        InvalidName
        NameTaken: another repo of this kind has the name.
    """
    names.check_name(name)
    locked = Repo.objects.select_for_update().get(pk=repo.pk)
    old_namespace, old_key = repo.namespace, locked.name_key
    moved_to = {"name": f"{namespace.name}/{name}", "owner_id": webhook_payload.owner_id(namespace)}
    events.emit(repo=repo, event="repo.move", actor=actor, moved_to=moved_to)  # those who watch the old owner hear it
    locked.namespace, locked.name, locked.name_key = namespace, name, name.casefold()
    try:
        with transaction.atomic():
            locked.save(update_fields=["namespace", "name", "name_key"])
    except IntegrityError:
        raise NameTaken(
            _("A %(kind)s repository called %(name)s already exists")
            % {"kind": repo.kind, "name": f"{namespace.name}/{name}"}
        ) from None
    RepoRedirect.objects.filter(namespace=namespace, kind=repo.kind, name_key=locked.name_key).delete()
    if (old_namespace.pk, old_key) != (namespace.pk, locked.name_key):
        RepoRedirect.objects.update_or_create(
            namespace=old_namespace, kind=repo.kind, name_key=old_key, defaults={"repo": locked}
        )
    RepoFacts.objects.filter(repo=locked).update(updated_at=timezone.now(), indexed_at=None)
    audit.record(actor, "repo.move", audit.name_of(repo), to=moved_to["name"])
    jobs.index_repo(locked)
    return locked


@transaction.atomic
def duplicate_repo(*, source: Repo, namespace: Namespace, name: str, visibility: str | None, actor: User) -> Repo:
    """Make a repo that holds what the default branch of `source` holds, as one commit of its own.

    The caller has checked that the actor may download `source` now (security 5(b)). What is private or gated
    stays so unless told otherwise.

    Raises:
        InvalidName, NameTaken, BadInput, QuotaExceeded
        BlobUnavailable: bytes of the source are damaged.
    """
    head = trees.head_of(source)
    visibility = visibility or (Repo.Visibility.PRIVATE.value if source.is_private else None)
    copy = repos.create_repo(
        namespace=namespace,
        kind=source.kind,
        name=name,
        visibility=visibility,
        sdk=source.sdk,
        actor=actor,
        initial_commit=head is None,
    )
    if source.is_gated:
        repos.change_settings(repo=copy, gate=source.gate, actor=actor)
    if head is not None:
        entries = list(trees.entries_in(head).files().select_related("blob").order_by("path"))
        hold_for(copy, source, (entry.blob for entry in entries if entry.blob is not None))
        changes = [_addition(entry) for entry in entries]
        commits.first_commit(repo=copy, changes=changes, title=f"Duplicate from {source.full_name}", actor=actor)
    audit.record(actor, "repo.duplicate", audit.name_of(copy), source=audit.name_of(source))
    return copy


@transaction.atomic
def hold_for(repo: Repo, source: Repo, blobs: Iterable[Blob]) -> None:
    """Entitle `repo` to bytes that `source` holds and the actor may read there now.

    The rows of the source are locked, so nothing can be collected between its right and ours.

    Raises:
        BlobUnavailable: some of them are not here, whole.
        QuotaExceeded
    """
    wanted = {blob.pk for blob in blobs}
    held = RepoBlob.objects.filter(repo=source, blob__in=wanted, blob__state=Blob.State.LIVE)
    found = list(held.order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("blob_id", flat=True))
    if len(found) != len(wanted):
        raise BlobUnavailable
    until = Now() + UNCOMMITTED_LIFETIME
    rows = [RepoBlob(repo=repo, blob_id=pk, uncommitted_until=until) for pk in sorted(found)]
    RepoBlob.objects.bulk_create(rows, ignore_conflicts=True, batch_size=ENTRIES_PER_INSERT)
    RepoBlob.objects.filter(repo=repo, blob__in=found, uncommitted_until__lt=until).update(uncommitted_until=until)
    Blob.objects.filter(pk__in=found).update(touched_at=Now())
    quotas.check(repo)


def _addition(entry: TreeEntry) -> AddFile:
    if entry.blob is None:
        raise BlobUnavailable
    return AddFile(
        path=entry.path, sha256=entry.blob.sha256, size=entry.blob.size, as_lfs=entry.is_lfs, mode=entry.mode
    )
