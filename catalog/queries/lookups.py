"""What nearly every request begins with: whose token this is, and which repo a name means."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from django.db.models import QuerySet
from django.db.models.functions import Now

from catalog.models import AccessToken, Mirror, Namespace, Repo, User
from catalog.queries.prepared import Build, Columns, Prepared

_TOKEN = Columns(AccessToken)
_USER = Columns(User, "user", without=("hardware",))  # JSON needs more than its column
_USERS_NAMESPACE = Columns(Namespace, "user__namespace")

_REPO = Columns(Repo)
_NAMESPACE = Columns(Namespace, "namespace")
_MIRROR = Columns(Mirror, "mirror", without=("token_sealed", "licence_evidence"))
REPO_COLUMNS: Final = (*_REPO.names, *_NAMESPACE.names, *_MIRROR.names)


class ForReader:
    """A prepared query of what a reader may see: who sees what is another condition for strangers, people and admins.

    Args:
        build: like that of `Prepared`, with the reader before the values.
    """

    def __init__(self, build: Build, columns: Sequence[str], **values: type[str | int]) -> None:
        def of_person(reader: Any, reader_namespace: Any, **named: Any) -> QuerySet[Any]:  # noqa: ANN401  stand-ins
            return build(User(pk=reader, namespace_id=reader_namespace), **named)

        admin = User(is_admin=True)
        admin.has_second_factor = True  # nobody in particular, so nobody to look up
        self._build, self._columns = build, columns
        self._of_anyone = Prepared(partial(build, None), columns, **values)
        self._of_admin = Prepared(partial(build, admin), columns, **values)
        self._of_person = Prepared(of_person, columns, reader=int, reader_namespace=int, **values)

    def first(self, reader: User | None, **values: str | int) -> tuple[Any, ...] | None:
        if reader is None:
            return self._of_anyone.first(**values)
        if reader.reach is not None:  # each fine-grained token has a condition of its own: nothing to prepare
            rows: list[tuple[Any, ...]] = list(self._build(reader, **values).values_list(*self._columns)[:1])
            return rows[0] if rows else None
        if reader.administers:
            return self._of_admin.first(**values)
        return self._of_person.first(**values, reader=reader.pk, reader_namespace=reader.namespace_id)


def find_token(digest: str) -> AccessToken | None:
    """Returns the usable token with this digest; its user and their namespace are selected."""
    row = _TOKENS.first(digest=digest)
    if row is None:
        return None
    token, at = _TOKEN.read(row, 0)
    token.user, at = _USER.read(row, at)
    token.user.namespace, at = _USERS_NAMESPACE.read(row, at)
    return token


def find_repo(reader: User | None, kind: str, owner: str, name: str) -> Repo | None:
    """Returns the repo of this name that this person may see; namespace and mirror are selected."""
    row = _REPOS.first(reader, kind=kind, owner=owner.casefold(), name=name.casefold())
    return None if row is None else repo_in(row)


def repos_named(reader: User | None, kind: str, owner: str, name: str) -> QuerySet[Repo]:
    """The repo of this name, if this person may see it; owner and name are casefolded."""
    return Repo.objects.visible_to(reader).filter(kind=kind, namespace__key=owner, name_key=name).order_by()


def repo_in(row: Sequence[Any]) -> Repo:
    """Returns the repo of a row that begins with `REPO_COLUMNS`."""
    repo, at = _REPO.read(row, 0)
    repo.namespace, at = _NAMESPACE.read(row, at)
    mirror = None if row[at] is None else _MIRROR.read(row, at)[0]
    Repo._meta.get_field("mirror").set_cached_value(repo, mirror)  # noqa: SLF001  as select_related does
    return repo


_TOKENS = Prepared(
    lambda digest: AccessToken.objects.usable(at=Now()).filter(digest=digest),
    [*_TOKEN.names, *_USER.names, *_USERS_NAMESPACE.names],
    digest=str,
)
_REPOS = ForReader(repos_named, REPO_COLUMNS, kind=str, owner=str, name=str)
