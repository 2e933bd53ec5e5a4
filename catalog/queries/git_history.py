"""The graph of commits, and which of them a `git fetch` has to bring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from django.utils.translation import gettext as _

from catalog.errors import BadInput
from catalog.models import Repo

ALL_OF_IT: Final = 0x7FFFFFFF  # the depth by which git asks for a whole history


class Node(NamedTuple):
    """What the graph needs to know of a commit."""

    parents: tuple[str, ...]
    tree_oid: str
    line_id: int
    seq: int
    time: int  # seconds


@dataclass(frozen=True)
class Fetch:
    """What a client asks for, as commit ids."""

    wants: frozenset[str]
    haves: frozenset[str] = frozenset()
    shallow: frozenset[str] = frozenset()  # commits the client has without their parents
    depth: int | None = None
    is_relative: bool = False  # the depth counts from the client's shallow commits
    since: int | None = None  # seconds
    without: frozenset[str] = frozenset()  # commits whose history is not wanted (`--shallow-exclude`)

    @property
    def deepens(self) -> bool:
        return self.depth is not None or self.since is not None or bool(self.without)


@dataclass
class Selection:
    """The answer to a `Fetch`."""

    commits: set[str]  # to send
    held: set[str]  # that the client has
    shallow: list[str] = field(default_factory=list)  # that it will have without parents from now on
    unshallow: list[str] = field(default_factory=list)  # whose parents it will have from now on


@dataclass(frozen=True)
class History:
    """All commits of a repo by id."""

    nodes: dict[str, Node]

    @classmethod
    def of(cls, repo: Repo) -> Self:
        rows = repo.commits.values_list("oid", "parents", "tree_oid", "line_id", "seq", "committed_at")
        return cls(
            {
                oid: Node(tuple(parents), tree_oid, line_id, seq, int(time.timestamp()))
                for oid, parents, tree_oid, line_id, seq, time in rows.iterator(chunk_size=5000)
            }
        )

    def reach(self, starts: Iterable[str], *, stop_at: frozenset[str] = frozenset()) -> set[str]:
        """These commits and all before them that are here; nothing before those in `stop_at`."""
        found: set[str] = set()
        waiting = [oid for oid in starts if oid in self.nodes]
        while waiting:
            oid = waiting.pop()
            if oid in found:
                continue
            found.add(oid)
            if oid not in stop_at:
                waiting += [parent for parent in self.nodes[oid].parents if parent in self.nodes]
        return found

    def begins_at(self, oid: str) -> bool:
        """Whether a parent of this commit is not here, as in mirrors: git calls that shallow."""
        return any(parent not in self.nodes for parent in self.nodes[oid].parents)

    def select(self, fetch: Fetch) -> Selection:
        """Which commits to send, and where the client's history will end."""
        held = self.reach(fetch.haves, stop_at=fetch.shallow)
        if not fetch.deepens:
            reached = self.reach(fetch.wants, stop_at=fetch.shallow)
            ends = {oid for oid in reached if self.begins_at(oid)}
            return Selection(reached - held, held, sorted(ends - fetch.shallow), [])
        reached = self._within(fetch)
        if not reached:
            raise BadInput(_("no commits selected for shallow requests"))
        ends = {oid for oid in reached if any(parent not in reached for parent in self.nodes[oid].parents)}
        unshallow = (fetch.shallow & reached) - ends
        # what an unshallowed commit is built upon lies beyond what the client has
        return Selection(reached - held, held, sorted(ends), sorted(unshallow))

    def is_enough(self, wants: Iterable[str], common: frozenset[str]) -> bool:
        """Whether each wanted commit leads back to one both sides have: then no more need be compared."""
        return bool(common) and all(not common.isdisjoint(self.reach([want])) for want in wants)

    def _within(self, fetch: Fetch) -> set[str]:
        if fetch.depth is not None:
            return self._to_depth(fetch)
        excluded = self.reach(fetch.without)
        found: set[str] = set()
        waiting = list(fetch.wants)
        while waiting:
            oid = waiting.pop()
            if oid in found or oid in excluded or oid not in self.nodes:
                continue
            if fetch.since is not None and self.nodes[oid].time < fetch.since:
                continue
            found.add(oid)
            waiting += self.nodes[oid].parents
        return found

    def _to_depth(self, fetch: Fetch) -> set[str]:
        depth, found = fetch.depth or 0, set[str]()
        level = set(fetch.wants)
        if fetch.is_relative:
            found = self.reach(fetch.wants, stop_at=fetch.shallow)
            level = self._parents_of(found & fetch.shallow)
        while level and depth > 0:
            level = {oid for oid in level if oid in self.nodes} - found
            found |= level
            level, depth = self._parents_of(level), depth - 1
        return found

    def _parents_of(self, oids: Iterable[str]) -> set[str]:
        return {parent for oid in oids for parent in self.nodes[oid].parents}
