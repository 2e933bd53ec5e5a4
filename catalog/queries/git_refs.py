"""The refs of a repo as git sees them, and whether git can have the repo at all."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from catalog.errors import NotServed
from catalog.models import Ref, Repo, TagObject


@dataclass(frozen=True)
class GitRef:
    """One name on the wire; `peeled` is the commit where `oid` is that of an annotated tag, else ""."""

    name: str  # "refs/heads/main"
    oid: str
    peeled: str = ""

    @property
    def commit_oid(self) -> str:
        return self.peeled or self.oid


def git_refs(repo: Repo) -> list[GitRef]:
    """Returns branches, pull requests and tags by the bytes of their names, as git lists them."""
    rows = repo.refs.select_related("commit", "tag_object").defer("commit__raw", "tag_object__raw")
    return sorted((git_ref(row) for row in rows), key=lambda ref: ref.name.encode())


def tag_objects(repo: Repo) -> dict[str, TagObject]:
    """Returns the annotated tags that count by their ids; the same object may stand under several names."""
    rows = TagObject.objects.filter(ref__repo=repo).select_related("ref__commit").defer("ref__commit__raw")
    return {tag.oid: tag for tag in rows if tag.target_oid == tag.ref.commit.oid}


def head_ref(repo: Repo, refs: list[GitRef]) -> GitRef | None:
    """What HEAD points at: the default branch; None while there is none."""
    name = Ref.FOLDERS[Ref.Kind.BRANCH.value] + repo.default_branch
    return next((ref for ref in refs if ref.name == name), None)


def refuse_stated_ids(repo: Repo) -> None:
    """Raises `NotServed` where commit ids are only upstream's word: there are no objects git could verify."""
    if repo.refs.filter(commit__raw=None).exists():
        raise NotServed(
            _(
                "The commit ids of this mirror are stated by its source, which does not give out the git objects, "
                "so it cannot be cloned with git. Download its files instead: hf download %(repo)s"
            )
            % {"repo": repo.full_name}
        )


def git_ref(row: Ref) -> GitRef:
    """Returns a row as git sees it; needs `commit` and `tag_object` selected."""
    tag = getattr(row, "tag_object", None)
    if tag is not None and tag.target_oid == row.commit.oid:
        return GitRef(row.full_ref, tag.oid, row.commit.oid)
    return GitRef(row.full_ref, row.commit.oid)
