"""History: commits, refs, and the files of each commit.

Files are stored as *intervals on a line* (ADR 0004). A line is a chain of commits, each the first
parent's child of the one before, numbered by `seq`. An entry says: from commit `first_seq` until
before `last_seq` of this line, this path was this object. So a commit writes only what it changed,
and "which file is at this path in this commit" is one indexed query, for old commits too.
A commit upon anything but the tip of its line opens a new line with a copy of the live entries.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.accounts import User
from catalog.models.blob import Blob
from catalog.models.repo import Repo


class Line(models.Model):
    """A chain of commits that share one set of interval entries."""

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="lines")
    tip_seq = models.PositiveIntegerField(default=0)  # seq of its newest commit; 0 = none yet

    def __str__(self) -> str:
        return f"line {self.pk} of {self.repo_id}"


class Commit(models.Model):
    """One recorded state of a repo: a real git commit object. All its content is immutable."""

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="commits")
    oid = models.CharField(max_length=40)  # git's id, lower-case hex
    tree_oid = models.CharField(max_length=40)
    parents = ArrayField(models.CharField(max_length=40), default=list, blank=True)  # oids, in order
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="commits")
    seq = models.PositiveIntegerField()
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=255)
    author_email = models.CharField(max_length=255, blank=True)
    committed_at = models.DateTimeField(default=timezone.now)
    title = models.TextField()
    message = models.TextField(blank=True)  # body after the title
    raw = models.BinaryField(null=True)  # body of the git commit object; None: id stated by upstream
    upstream_stated = models.BooleanField(default=False)  # id taken on upstream's word (decision 4)
    offered_in = models.PositiveIntegerField(null=True)  # the pull request it came by, while no branch or tag had it

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["repo", "oid"], name="commit_unique_in_repo"),
            models.UniqueConstraint(fields=["line", "seq"], name="commit_seq_unique_on_line"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["repo", "offered_in"], condition=Q(offered_in__isnull=False), name="commit_by_pull_request"
            ),
        ]

    def __str__(self) -> str:
        return self.oid


class RefQuerySet(models.QuerySet["Ref"]):
    def branches(self) -> RefQuerySet:
        return self.filter(kind=Ref.Kind.BRANCH)

    def tags(self) -> RefQuerySet:
        return self.filter(kind=Ref.Kind.TAG)

    def pull_requests(self) -> RefQuerySet:
        return self.filter(kind=Ref.Kind.PULL_REQUEST)


class Ref(models.Model):
    """A branch, a tag or the ref of a pull request: a name for one commit of a repo."""

    class Kind(models.TextChoices):
        BRANCH = "branch"
        PULL_REQUEST = "pr"
        TAG = "tag"

    FOLDERS: ClassVar[dict[str, str]] = {"branch": "refs/heads/", "pr": "refs/pr/", "tag": "refs/tags/"}

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="refs")
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.BRANCH)
    name = models.CharField(max_length=255)  # "main", never "refs/heads/main"; of refs/pr/3 "3"
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="refs")
    message = models.TextField(blank=True)  # of an annotated tag
    created_at = models.DateTimeField(default=timezone.now)

    objects = RefQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["repo", "kind", "name"], name="ref_name_unique_in_repo")
        ]

    def __str__(self) -> str:
        return self.full_ref

    @classmethod
    def kind_and_name(cls, reference: str) -> tuple[str, str]:
        """Takes `refs/pr/3`, `refs/tags/v1` and `refs/heads/x` apart; anything else is the name of a branch."""
        for kind, folder in cls.FOLDERS.items():
            if reference.startswith(folder):
                return kind, reference.removeprefix(folder)
        return cls.Kind.BRANCH.value, reference

    @property
    def full_ref(self) -> str:
        return self.FOLDERS[self.kind] + self.name


class TreeEntryQuerySet(models.QuerySet["TreeEntry"]):
    def at(self, commit: Commit) -> TreeEntryQuerySet:
        """The entries, folders included, of one commit."""
        return self.filter(line_id=commit.line_id, first_seq__lte=commit.seq).filter(
            Q(last_seq=None) | Q(last_seq__gt=commit.seq)
        )

    def files(self) -> TreeEntryQuerySet:
        return self.exclude(mode=TreeEntry.MODE_FOLDER)


class TreeEntry(models.Model):
    """This path was this object from `first_seq` until before `last_seq` (None: still is) of its line."""

    MODE_FILE = 0o100644
    MODE_EXECUTABLE = 0o100755
    MODE_SYMLINK = 0o120000
    MODE_FOLDER = 0o040000

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="entries")
    path = models.CharField(max_length=1024, db_collation="C")  # C: git's byte order, prefix queries
    folder = models.CharField(max_length=1024, db_collation="C", blank=True)  # "" = root
    mode = models.IntegerField()
    oid = models.CharField(max_length=40)  # git's id: of the pointer blob for LFS files
    size = models.BigIntegerField(default=0)  # of the real file, not of the pointer; 0 for folders
    blob = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    is_lfs = models.BooleanField(default=False)
    changed_in = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="+")
    first_seq = models.PositiveIntegerField()
    last_seq = models.PositiveIntegerField(null=True)

    removed_sha256 = ""  # no column: of a large file that was deleted for good, where a query looked it up

    objects = TreeEntryQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["line", "path"], condition=Q(last_seq=None), name="entry_live_path_unique")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["line", "path", "first_seq"], name="entry_by_path"),
            models.Index(fields=["line", "folder", "path"], name="entry_by_folder"),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def is_folder(self) -> bool:
        return self.mode == self.MODE_FOLDER

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def etag(self) -> str:
        """sha256 for LFS files, git sha1 otherwise (hub-api 11.1); needs `blob` selected."""
        if not self.is_lfs:
            return self.oid
        return self.blob.sha256 if self.blob is not None else self.removed_sha256 or self.oid
