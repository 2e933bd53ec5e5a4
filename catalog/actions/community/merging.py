"""Bringing a pull request into its branch: what it changes, what stands against it, and the one commit of it all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.actions.community import discussion_log
from catalog.actions.history import drafts, recording, tree_building
from catalog.actions.history.changesets import ChangeSet, NewFile
from catalog.actions.history.drafts import Words
from catalog.actions.history.tree_building import NewTree
from catalog.errors import BadInput, InvalidPath, MergeConflict, NotAllowed
from catalog.models import Commit, Discussion, DiscussionEvent, Repo, User
from catalog.queries import differences

MOST_COMMITS_NAMED: Final = 100  # in the message of a merge


@dataclass(frozen=True)
class Plan:
    """What merging `source` into `target` would change, and the paths where both changed the same differently."""

    target: Commit
    source: Commit
    base: Commit | None
    change_set: ChangeSet
    tree: NewTree | None
    conflicts: tuple[str, ...]


def base_of(discussion: Discussion, target: Commit | None, source: Commit) -> Commit | None:
    """Returns what a pull request is to be compared with: where it left its branch, or where it began.

    A squash of either side leaves no common commit; what it began with is remembered for that.
    """
    found = differences.merge_base(target, source) if target is not None and discussion.is_unfinished else None
    return found or discussion.base


def plan(discussion: Discussion, target: Commit, source: Commit) -> Plan:
    """Returns what merging now would come to; nothing is written."""
    base = base_of(discussion, target, source)
    if base is None:
        return Plan(target, source, None, ChangeSet(), None, tuple(differences.difference(target, source)))
    ours, theirs = differences.difference(base, source), differences.difference(base, target)
    conflicts = [path for path, (_old, new) in ours.items() if path in theirs and theirs[path][1] != new]
    files = {path: NewFile(*new) if new else None for path, (_old, new) in ours.items() if path not in theirs}
    change_set = ChangeSet(files, {new.blob_id for new in files.values() if new and new.blob_id})
    try:
        tree = tree_building.build(target, files)
    except InvalidPath as crossing:  # a folder here, a file there
        conflicts.append(str(crossing.facts.get("path", "")))
        tree = None
    return Plan(target, source, base, change_set, tree, tuple(sorted(conflicts)))


@transaction.atomic
def merge_pull_request(*, discussion: Discussion, actor: User) -> Commit:
    """Put everything a pull request changes into one commit upon its branch, and close it as merged.

    Raises:
        BadInput: no pull request, still a draft, or merged already.
        NotAllowed: it is closed.
        RevisionNotFound: its branch is gone.
        MergeConflict: both sides changed the same files; the fact `paths` lists them.
    """
    repo = discussion.repo
    discussion = discussion_log.locked(discussion)
    _check_mergeable(discussion)
    source = Commit.objects.get(pk=recording.locked_ref(repo, discussion.git_ref).commit_id)
    target = Commit.objects.get(pk=recording.locked_ref(repo, discussion.target_branch).commit_id)
    planned = plan(discussion, target, source)
    if planned.conflicts or planned.tree is None:
        paths = ", ".join(planned.conflicts[:20])
        raise MergeConflict(
            _("These files were changed on both sides: %(paths)s") % {"paths": paths}, paths=list(planned.conflicts)
        )
    commit = _merge_commit(repo, discussion, planned, actor)
    recording.finish(repo, discussion.target_branch, commit, actor=actor)
    discussion.status, discussion.merge_oid = Discussion.Status.MERGED, commit.oid
    discussion.save(update_fields=["status", "merge_oid"])
    discussion_log.add(discussion, DiscussionEvent.Kind.STATUS, actor, status=discussion.status)
    discussion_log.tell(discussion, "discussion.update", actor, change="status")
    return commit


def _check_mergeable(discussion: Discussion) -> None:
    if not discussion.is_pull_request:
        raise BadInput(_("Only pull requests can be merged."))
    if discussion.status == Discussion.Status.MERGED:
        raise BadInput(_("This pull request is merged already."))
    if discussion.status == Discussion.Status.DRAFT:
        raise BadInput(_("This pull request is a draft; open it first."))
    if discussion.status == Discussion.Status.CLOSED:
        raise NotAllowed(_("This pull request is closed; open it again first."))


def _merge_commit(repo: Repo, discussion: Discussion, planned: Plan, actor: User) -> Commit:
    assert planned.tree is not None  # there are no conflicts
    merged = differences.commits_between(planned.base, planned.source, limit=MOST_COMMITS_NAMED)
    draft = drafts.of_ours(planned.target, planned.tree.oid, _words(discussion, merged, actor), actor)
    known = repo.commits.filter(oid=draft.oid).first()
    return known or recording.record(repo, planned.target, planned.change_set, planned.tree, draft)


def _words(discussion: Discussion, merged: list[Commit], actor: User) -> Words:
    """As the Hub words it: title and number, each commit, and whose work it is."""
    lines = [f"- {commit.title} ({commit.oid})" for commit in reversed(merged)]
    authors = {commit.author for commit in merged if commit.author and commit.author_id != actor.pk}
    thanks = [f"Co-authored-by: {one.username} <{drafts.noreply_address(one)}>" for one in authors]
    return Words.of(f"{discussion.title} (#{discussion.num})", "\n".join([*lines, "", *sorted(thanks)]))
