"""History without some of its large files: every commit that held one, and all that follow, under new ids.

Rows keep their places and keys, so refs, pull requests and facts go on pointing at "their" commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.utils.translation import gettext as _

from catalog.actions.history import line_rewriting
from catalog.errors import NotAllowed
from catalog.models import Commit, Discussion, DiscussionEvent, Repo, TagObject, TreeEntry
from catalog.parsing import git_objects, git_rewriting

MOST_COMMITS: Final = 20_000
ROWS_AT_A_TIME: Final = 500


def take_out(repo: Repo, pointer_oids: Iterable[str]) -> dict[str, str]:
    """Delete the files with these pointers from all commits; returns new commit ids by the old ones.

    Call it in a transaction that holds the repo and its refs.

    Raises:
        TooLarge: the history is too long.
        NotAllowed: an id is upstream's word, so there is no commit to write anew.
    """
    if repo.commits.count() > MOST_COMMITS:
        raise line_rewriting.refusal()
    doomed = TreeEntry.objects.files().filter(line__repo=repo, is_lfs=True, oid__in=list(pointer_oids))
    work = line_rewriting.Work()
    roots: dict[int, str] = {}
    for line in repo.lines.filter(pk__in=doomed.values("line")).order_by("pk"):
        roots |= line_rewriting.take_out(line, doomed.filter(line=line), work)
    renamed = _rewrite_commits(repo, roots)
    _rewrite_tags(repo, renamed)
    _rewrite_discussions(repo, renamed)
    return renamed


def _rewrite_commits(repo: Repo, roots: dict[int, str]) -> dict[str, str]:
    taken = set(repo.commits.values_list("oid", flat=True))
    renamed: dict[str, str] = {}
    waiting: list[Commit] = []
    for commit in repo.commits.order_by("pk").iterator(ROWS_AT_A_TIME):  # parents were always recorded first
        tree = roots.get(commit.pk, commit.tree_oid)
        parents = [renamed.get(parent, parent) for parent in commit.parents]
        if tree == commit.tree_oid and parents == commit.parents:
            continue
        old = commit.oid
        renamed[old] = _rewrite(commit, tree, parents, taken)
        waiting.append(commit)
        if len(waiting) == ROWS_AT_A_TIME:
            _save(waiting)
    _save(waiting)
    return renamed


def _rewrite(commit: Commit, tree: str, parents: list[str], taken: set[str]) -> str:
    if commit.raw is None:
        raise NotAllowed(_("Commit %(oid)s is known by its source's word only.") % {"oid": commit.oid})
    raw = git_rewriting.commit_with(bytes(commit.raw), tree=tree, parents=parents)
    # two commits of one second that differed by a deleted file alone would now be the same
    while (oid := git_objects.object_id("commit", raw)) in taken:
        raw += b"\n"
    taken.add(oid)
    commit.oid, commit.tree_oid, commit.parents, commit.raw = oid, tree, parents, raw
    return oid


def _save(commits: list[Commit]) -> None:
    Commit.objects.bulk_update(commits, ["oid", "tree_oid", "parents", "raw"], batch_size=ROWS_AT_A_TIME)
    commits.clear()


def _rewrite_tags(repo: Repo, renamed: dict[str, str]) -> None:
    for tag in TagObject.objects.filter(ref__repo=repo, target_oid__in=list(renamed)):
        tag.target_oid = renamed[tag.target_oid]
        tag.raw = git_rewriting.tag_with(bytes(tag.raw), target=tag.target_oid)
        tag.oid = git_objects.object_id("tag", tag.raw)
        tag.save(update_fields=["target_oid", "raw", "oid"])


def _rewrite_discussions(repo: Repo, renamed: dict[str, str]) -> None:
    """What people see of a pull request goes on naming commits that are there."""
    old = list(renamed)
    merged = list(Discussion.objects.filter(repo=repo, merge_oid__in=old))
    for discussion in merged:
        discussion.merge_oid = renamed[discussion.merge_oid]
    Discussion.objects.bulk_update(merged, ["merge_oid"], batch_size=ROWS_AT_A_TIME)
    noted = list(DiscussionEvent.objects.filter(discussion__repo=repo, commit_oid__in=old).defer("text", "html"))
    for event in noted:
        event.commit_oid = renamed[event.commit_oid]
    DiscussionEvent.objects.bulk_update(noted, ["commit_oid"], batch_size=ROWS_AT_A_TIME)
