"""A commit as git will know it, before it has a place in our history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.errors import HashMismatch
from catalog.models import Commit, User
from catalog.parsing import git_objects
from catalog.parsing.git_objects import CommitFields
from catalog.types import UpstreamCommit

LONGEST_TITLE: Final = 1000  # characters


@dataclass(frozen=True)
class Draft:
    """Everything its id covers; without `raw` the id is upstream's word."""

    oid: str
    tree_oid: str
    parents: tuple[str, ...]
    author: User | None
    author_name: str
    author_email: str
    committed_at: datetime
    title: str
    message: str
    raw: bytes | None


@dataclass(frozen=True)
class Words:
    """What a person says of their commit; the title is one line that is never empty, as git wants a subject."""

    title: str
    description: str

    @classmethod
    def of(cls, title: str, description: str = "") -> Words:
        return cls(" ".join(title.split())[:LONGEST_TITLE] or "Update", description.strip())

    @property
    def message(self) -> str:
        return f"{self.title}\n\n{self.description}\n" if self.description else f"{self.title}\n"


def of_ours(parent: Commit | None, tree_oid: str, words: Words, author: User) -> Draft:
    """A commit made here and now."""
    now = timezone.now().astimezone(UTC).replace(microsecond=0)  # git counts whole seconds
    name, email = author.username, noreply_address(author)
    parents = (parent.oid,) if parent else ()
    raw = git_objects.commit_body(CommitFields(tree_oid, parents, name, email, now, name, email, now, words.message))
    oid = git_objects.object_id("commit", raw)
    return Draft(oid, tree_oid, parents, author, name, email, now, words.title, words.description, raw)


def of_upstream(upstream: UpstreamCommit, tree_oid: str) -> Draft:
    """A commit made elsewhere, whose files we hold.

    Raises:
        HashMismatch: the commit object is there, but does not hash to the id or names other files.
    """
    parents: tuple[str, ...] = ()
    if upstream.raw is not None:
        if git_objects.object_id("commit", upstream.raw) != upstream.oid:
            raise HashMismatch(_("The commit object from upstream does not hash to its id."))
        fields = git_objects.parse_commit(upstream.raw)
        if fields.tree != tree_oid:
            raise HashMismatch(_("The files from upstream are not those the commit names."), tree=tree_oid)
        parents = fields.parents
    return Draft(
        oid=upstream.oid,
        tree_oid=tree_oid,
        parents=parents,
        author=None,
        author_name=upstream.author_name,
        author_email=upstream.author_email,
        committed_at=upstream.committed_at,
        title=upstream.title,
        message=upstream.message,
        raw=upstream.raw,
    )


def noreply_address(user: User) -> str:
    """What commits carry instead of a person's real address."""
    host = urlsplit(settings.PUBLIC_URL or "").hostname or "localhost"
    return f"{user.username}@users.noreply.{host}"
