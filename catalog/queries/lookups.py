"""What nearly every request begins with: whose token this is, and which repo a name means."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from catalog.models import AccessToken, Mirror, Namespace, Repo, User
from catalog.queries.prepared import Columns, Prepared

_TOKEN = Columns(AccessToken)
_USER = Columns(User, "user")
_USERS_NAMESPACE = Columns(Namespace, "user__namespace")

_REPO = Columns(Repo)
_NAMESPACE = Columns(Namespace, "namespace")
_MIRROR = Columns(Mirror, "mirror", without=("token_sealed", "licence_evidence"))


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
    named = {"kind": kind, "owner": owner.casefold(), "name": name.casefold()}
    if reader is None:
        row = _OF_ANYONE.first(**named)
    elif reader.is_admin:
        row = _OF_ADMIN.first(**named)
    else:
        row = _OF_PERSON.first(**named, reader=reader.pk, reader_namespace=reader.namespace_id)
    if row is None:
        return None
    repo, at = _REPO.read(row, 0)
    repo.namespace, at = _NAMESPACE.read(row, at)
    mirror = None if row[at] is None else _MIRROR.read(row, at)[0]
    Repo._meta.get_field("mirror").set_cached_value(repo, mirror)  # noqa: SLF001  as select_related does
    return repo


def _repos(reader: User | None, kind: str, owner: str, name: str) -> QuerySet[Repo]:
    return Repo.objects.visible_to(reader).filter(kind=kind, namespace__key=owner, name_key=name).order_by()


def _repos_of_person(reader: Any, reader_namespace: Any, **named: str) -> QuerySet[Repo]:  # noqa: ANN401  stand-ins
    return _repos(User(pk=reader, namespace_id=reader_namespace), **named)


_TOKENS = Prepared(
    lambda digest: AccessToken.objects.usable(at=Now()).filter(digest=digest),
    [*_TOKEN.names, *_USER.names, *_USERS_NAMESPACE.names],
    digest=str,
)
_COLUMNS = [*_REPO.names, *_NAMESPACE.names, *_MIRROR.names]
_OF_ANYONE = Prepared(partial(_repos, None), _COLUMNS, kind=str, owner=str, name=str)
_OF_ADMIN = Prepared(partial(_repos, User(is_admin=True)), _COLUMNS, kind=str, owner=str, name=str)
_OF_PERSON = Prepared(_repos_of_person, _COLUMNS, kind=str, owner=str, name=str, reader=int, reader_namespace=int)
