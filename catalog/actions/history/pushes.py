"""A `git push`: refs created, moved and deleted, under the same locks and rules as commits through the API.

Everything is checked before anything is kept; then plain files go to the store, and at last commits, refs and
facts are written in one transaction. Ids, signatures and authors stay as they were pushed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.actions.history import push_content, push_recording, recording, refs
from catalog.actions.history.push_content import Content
from catalog.actions.history.stored_files import StoredFiles
from catalog.actions.notices import events
from catalog.errors import BadInput, CatalogError, InvalidReference, RefProtected
from catalog.models import Commit, Ref, Repo, TagObject, User
from catalog.parsing.git_strict import TagFields, strict_tag
from catalog.parsing.names import check_revision_name
from catalog.parsing.pack_reading import TAG, Pack
from catalog.queries import git_refs

MOST_UPDATES: Final = 1000  # refs in one push
STATEMENT_SECONDS: Final = 60  # one commit may bring a hundred thousand files
NOTHING: Final = "0" * 40

_LOCK_ORDER: Final = [Ref.Kind.PULL_REQUEST.value, Ref.Kind.BRANCH.value, Ref.Kind.TAG.value]  # as merging takes them


@dataclass(frozen=True)
class RefUpdate:
    """What should become of one ref; `NOTHING` stands for its absence."""

    name: str  # "refs/heads/main"
    old: str
    new: str

    @property
    def deletes(self) -> bool:
        return self.new == NOTHING


@dataclass(frozen=True)
class Push:
    """A request, and the objects that came with it."""

    repo: Repo
    actor: User
    updates: Sequence[RefUpdate]
    pack: Pack | None
    is_atomic: bool


@dataclass(frozen=True)
class _Target:
    """What a ref will point at; `tag` is the object of an annotated tag."""

    commit_oid: str
    tag_oid: str = ""
    tag: TagFields | None = None
    raw: bytes = b""


class _Undone(Exception):
    """Takes an atomic push back; the reasons stand in `refused`."""


def accept_push(push: Push) -> dict[str, str]:
    """Do what a push asks for; returns why a ref was refused by its name, "" where it was done.

    Raises:
        what `push_content.look_into` raises: then nothing was written and no ref moved.
        StorageFull, QuotaExceeded
    """
    _check_updates(push)
    outcome = {update.name: _refusal(push, update) for update in push.updates}
    if push.is_atomic and any(outcome.values()):
        return _all_or_nothing(outcome)
    targets = _targets(push, [update for update in push.updates if not outcome[update.name]])
    content, files = Content([]), StoredFiles()
    if push.pack is not None:
        content = push_content.look_into(push.repo, push.pack, {target.commit_oid for target in targets.values()})
        files = push_content.store(push.repo, push.pack, content, push.actor)
    _check_targets(push.repo, content, targets)
    try:
        with transaction.atomic():
            _write(push, content, files, targets, outcome)
            if push.is_atomic and any(outcome.values()):
                raise _Undone
    except _Undone:
        return _all_or_nothing(outcome)
    return outcome


def _check_updates(push: Push) -> None:
    names = [update.name for update in push.updates]
    if len(names) > MOST_UPDATES:
        raise BadInput(_("A push may change at most %(most)d refs.") % {"most": MOST_UPDATES})
    if len(set(names)) < len(names):
        raise BadInput(_("The push names a ref twice."))
    if push.pack is None and not all(update.deletes for update in push.updates):
        push_without_objects = [update.name for update in push.updates if not update.deletes]
        raise BadInput(_("the push brings no objects for %(value)s") % {"value": push_without_objects[0]})


def _refusal(push: Push, update: RefUpdate) -> str:
    """Why this ref cannot be changed so, as far as can be told without a lock."""
    try:
        _check_name(push.repo, update)
    except CatalogError as refused:
        return refused.message
    return _moved(push.repo, update)


def _check_name(repo: Repo, update: RefUpdate) -> None:
    kind, name = Ref.kind_and_name(update.name)
    if not update.name.startswith(Ref.FOLDERS[kind]):
        raise InvalidReference(_("only refs/heads/ and refs/tags/ can be pushed"))
    if kind == Ref.Kind.PULL_REQUEST:
        if update.deletes:
            raise RefProtected(_("a pull request is closed, not deleted"))
        if update.old == NOTHING:
            raise InvalidReference(_("open a pull request first, then push to its ref"))
    elif update.deletes:
        if kind == Ref.Kind.BRANCH and name == repo.default_branch:
            raise RefProtected(_("the default branch cannot be deleted"))
    else:
        check_revision_name(name)


def _moved(repo: Repo, update: RefUpdate) -> str:
    """Why the ref is not where the pusher saw it; "" when it is."""
    kind, name = Ref.kind_and_name(update.name)
    ref = repo.refs.select_related("commit", "tag_object").filter(kind=kind, name=name).first()
    now = git_refs.git_ref(ref).oid if ref else NOTHING
    if now == update.old:
        return ""
    if ref is None:
        return _("it does not exist")
    return _("it already exists") if update.old == NOTHING else _("it has moved; fetch first")


def _targets(push: Push, updates: Iterable[RefUpdate]) -> dict[str, _Target]:
    """By ref, what it will point at: annotated tags are looked through."""
    held = git_refs.tag_objects(push.repo)
    targets: dict[str, _Target] = {}
    for update in updates:
        found = push.pack.objects.get(bytes.fromhex(update.new)) if push.pack else None
        if update.deletes:
            continue
        if push.pack and found and found.kind == TAG:
            targets[update.name] = _tag_target(update, push.pack.content(bytes.fromhex(update.new)))
        elif update.new in held:
            targets[update.name] = _tag_target(update, bytes(held[update.new].raw))
        else:
            targets[update.name] = _Target(update.new)
    return targets


def _tag_target(update: RefUpdate, raw: bytes) -> _Target:
    tag = strict_tag(raw)
    if tag.target_kind != "commit":
        raise BadInput(_("%(ref)s: only tags of commits are kept here.") % {"ref": update.name})
    if Ref.kind_and_name(update.name)[0] != Ref.Kind.TAG:
        raise BadInput(_("%(ref)s cannot point at an annotated tag.") % {"ref": update.name})
    return _Target(tag.target, update.new, tag, raw)


def _check_targets(repo: Repo, content: Content, targets: dict[str, _Target]) -> None:
    """Every ref will point at a commit that came or that was here."""
    came = {commit.oid for commit in content.commits}
    wanted = {target.commit_oid for target in targets.values()} - came
    missing = wanted - set(repo.commits.filter(oid__in=wanted).values_list("oid", flat=True))
    if missing:
        raise BadInput(_("There is no commit %(oid)s, neither in the push nor here.") % {"oid": min(missing)})


def _write(
    push: Push, content: Content, files: StoredFiles, targets: dict[str, _Target], outcome: dict[str, str]
) -> None:
    """Locks, commits, refs. Refs that moved meanwhile are noted in `outcome` and stay as they are."""
    repo = push.repo
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STATEMENT_SECONDS}s"])
    Repo.objects.select_for_update(no_key=True).get(pk=repo.pk)  # two pushes share lines in any order
    updates = [update for update in push.updates if not outcome[update.name]]
    for update in sorted(updates, key=lambda one: (_LOCK_ORDER.index(Ref.kind_and_name(one.name)[0]), one.name)):
        outcome[update.name] = _lock(repo, update)
    if push.is_atomic and any(outcome.values()):
        return
    push_recording.record(repo, push.actor, content, files, offered_in=_offered_in(updates))
    for update in updates:
        if not outcome[update.name]:
            _apply(push, update, targets.get(update.name))


def _offered_in(updates: Iterable[RefUpdate]) -> int | None:
    """The pull request these commits are for, the first of several; None when a branch or tag gets them, too."""
    nums = [recording.number_of_offer(update.name) for update in updates]
    offered = [num for num in nums if num is not None]
    return min(offered) if offered and len(offered) == len(nums) else None


def _lock(repo: Repo, update: RefUpdate) -> str:
    """Holds the row of a ref until the transaction ends; returns why it cannot be changed after all, or ""."""
    kind, name = Ref.kind_and_name(update.name)
    if kind == Ref.Kind.TAG:
        repo.refs.select_for_update().filter(kind=kind, name=name).first()
    elif update.old != NOTHING:
        try:
            recording.locked_ref(repo, update.name)
        except CatalogError as refused:
            return refused.message
    return _moved(repo, update)


def _apply(push: Push, update: RefUpdate, target: _Target | None) -> None:
    kind, name = Ref.kind_and_name(update.name)
    if target is None:
        delete = refs.delete_tag if kind == Ref.Kind.TAG else refs.delete_branch
        delete(repo=push.repo, name=name, actor=push.actor)
        return
    commit = push.repo.commits.get(oid=target.commit_oid)
    if kind == Ref.Kind.TAG:
        _put_tag(push, update, target, commit)
    else:
        reference = name if kind == Ref.Kind.BRANCH else update.name
        recording.finish(push.repo, reference, commit, actor=push.actor)


def _put_tag(push: Push, update: RefUpdate, target: _Target, commit: Commit) -> None:
    repo, name = push.repo, Ref.kind_and_name(update.name)[1]
    message = target.tag.message.replace("\0", "").strip() if target.tag else ""
    ref, is_new = repo.refs.update_or_create(
        kind=Ref.Kind.TAG, name=name, defaults={"commit": commit, "message": message}
    )
    TagObject.objects.filter(ref=ref).delete()
    if target.tag is not None:
        TagObject.objects.create(ref=ref, oid=target.tag_oid, target_oid=commit.oid, raw=target.raw)
    recording.keep(commit)
    verb = "ref.create" if is_new else "ref.move"
    audit.record(push.actor, verb, audit.name_of(repo), ref=update.name, commit=commit.oid)
    moved = {"ref": update.name, "old": None if is_new else update.old, "new": commit.oid}
    events.emit(repo=repo, event="repo.content.update", actor=push.actor, updated_refs=[moved])


def _all_or_nothing(outcome: dict[str, str]) -> dict[str, str]:
    return {name: reason or _("another ref of this atomic push was refused") for name, reason in outcome.items()}
