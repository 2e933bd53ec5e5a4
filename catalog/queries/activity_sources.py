"""Where activity comes from in the catalogue: events of repos, likes, tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from catalog import links
from catalog.models import Commit, Discussion, DiscussionEvent, Like, Ref, RepoEvent
from catalog.queries.activity import Asked, Found, Happening, in_order

_Scope, _Action = RepoEvent.Scope, RepoEvent.Action
_TOLD = (
    Q(scope=_Scope.REPO, action__in=[_Action.CREATE, _Action.MOVE])
    | Q(scope=_Scope.CONTENT, action=_Action.UPDATE)
    | Q(scope=_Scope.DISCUSSION, action__in=[_Action.CREATE, _Action.UPDATE], repo__discussions_disabled=False)
    | Q(scope=_Scope.COMMENT, action=_Action.CREATE, repo__discussions_disabled=False)
)


@dataclass(frozen=True)
class _Known:
    """What the events of one page speak of, as it is called now."""

    commits: dict[tuple[int, str], str]  # repo and id → title
    discussions: dict[tuple[int, int], Discussion]  # repo and number
    comments: set[str]  # ids of those that are not hidden


def events(asked: Asked) -> Found:
    """Repos made and moved, commits, discussions and pull requests."""
    rows = asked.newest(
        RepoEvent.objects.filter(_TOLD).select_related("repo__namespace", "actor"), at="at", actor="actor"
    )
    known = _known(rows)
    return in_order(rows, "at", (_told(row, known) for row in rows))


def likes(asked: Asked) -> Found:
    rows = asked.newest(Like.objects.select_related("repo__namespace", "user"), at="created_at", actor="user")
    told = (
        Happening(f"like-{row.pk}", row.created_at, "like", row.repo, actor=row.user, path=row.repo.web_path)
        for row in rows
    )
    return in_order(rows, "created_at", told)


def tags(asked: Asked) -> Found:
    """Tags that stand; who set them is not kept."""
    rows = asked.newest(Ref.objects.tags().select_related("repo__namespace", "commit"), at="created_at")
    told = (
        Happening(
            f"tag-{row.pk}", row.created_at, "tag", row.repo,
            path=links.tree(row.repo, row.name), oid=row.commit.oid, name=row.name,
            title=row.message.partition("\n")[0],
        )
        for row in rows
    )  # fmt: skip
    return in_order(rows, "created_at", told)


def _told(event: RepoEvent, known: _Known) -> Happening | None:
    if event.scope == _Scope.REPO:
        what = "moved" if event.action == _Action.MOVE else "restored" if event.details.get("restored") else "repo"
        return _happening(event, what, path=event.repo.web_path)
    if event.scope == _Scope.CONTENT:
        return _commit(event, known)
    return _talk(event, known)


def _commit(event: RepoEvent, known: _Known) -> Happening | None:
    """A branch or a pull request got a commit; that they began is told by others."""
    ref = _first_ref(event)
    kind, name = Ref.kind_and_name(ref.get("ref", ""))
    oid = ref.get("new") or ""
    if kind == Ref.Kind.TAG or not ref.get("old") or not oid:
        return None
    title = known.commits.get((event.repo_id, oid))
    if title is None:  # history was rewritten since: its words may have been what had to go
        return None
    num = int(name) if kind == Ref.Kind.PULL_REQUEST and name.isdigit() else None
    if num is not None and event.repo.discussions_disabled:
        return None
    path = links.commit(event.repo, oid)
    return _happening(event, "commit", path=path, oid=oid, name=name, num=num, title=title)


def _talk(event: RepoEvent, known: _Known) -> Happening | None:
    about = event.details.get("discussion", {})
    discussion = known.discussions.get((event.repo_id, about.get("num", 0)))
    if discussion is None:
        return None
    comment = event.details.get("comment", {}).get("id", "")
    if event.scope == _Scope.COMMENT:
        what = "comment" if comment in known.comments else ""
    elif event.action == _Action.CREATE:
        what = "pull_request" if discussion.is_pull_request else "discussion"
    else:
        what = _what_changed(event, about)
    path = links.discussion(event.repo, discussion.num) + (f"#{comment}" if comment else "")
    return _happening(event, what, path=path, num=discussion.num, title=discussion.title) if what else None


def _what_changed(event: RepoEvent, about: dict[str, Any]) -> str:
    status = about.get("status")
    if status == Discussion.Status.MERGED:
        return "merged"
    if event.details.get("change") != "status":  # another title
        return ""
    return "closed" if status == Discussion.Status.CLOSED else "reopened"


def _happening(event: RepoEvent, what: str, **fields: Any) -> Happening:  # noqa: ANN401  passed through
    return Happening(f"event-{event.pk}", event.at, what, event.repo, actor=event.actor, **fields)


def _first_ref(event: RepoEvent) -> dict[str, Any]:
    refs = event.details.get("updated_refs") or [{}]
    first: dict[str, Any] = refs[0]
    return first


def _known(rows: list[RepoEvent]) -> _Known:
    repos = {row.repo_id for row in rows}
    oids = {_first_ref(row).get("new") for row in rows} - {None}
    nums = {row.details["discussion"]["num"] for row in rows if "discussion" in row.details}
    comments = {row.details["comment"]["id"] for row in rows if "comment" in row.details}
    commits = Commit.objects.filter(repo__in=repos, oid__in=oids).values_list("repo_id", "oid", "title")
    discussions = Discussion.objects.filter(repo__in=repos, num__in=nums)
    standing = DiscussionEvent.objects.filter(public_id__in=comments, is_hidden=False)
    return _Known(
        commits={(repo, oid): title for repo, oid, title in commits} if oids else {},
        discussions={(one.repo_id, one.num): one for one in discussions} if nums else {},
        comments=set(standing.values_list("public_id", flat=True)) if comments else set(),
    )
