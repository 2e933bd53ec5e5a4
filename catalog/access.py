"""The one door from a name in a request to an object, with the right checked inside.

Views never load a repo, namespace or token themselves. Absence and refusal look the same to
whoever may not read: `RepoNotFound` (security 1.2).
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from catalog import actors
from catalog.actors import Actor
from catalog.errors import (
    BadInput,
    GatedRepo,
    MirrorIsReadOnly,
    NotAllowed,
    NotFound,
    RepoMoved,
    RepoNotFound,
)
from catalog.models import AccessRequest, Membership, Namespace, Organisation, Repo, User
from catalog.queries import deleted_repos, lookups


def acting_on(actor: Actor, repo: Repo) -> User:
    """Like `writer`, for what anybody may do about a repo, such as discussing it; a fine-grained token must name it."""
    user = actors.writer(actor)
    if not actor.is_whole and not can_write_to(user, repo):
        raise NotAllowed(_("this token does not write to %(name)s") % {"name": repo.full_name})
    return user


def repo_to_read(actor: Actor, kind: str, owner: str, name: str, *, follow: bool = False) -> Repo:
    """Returns the live repo (namespace, mirror selected): its card, facts and list of files.

    Whoever hands out what files hold asks `repo_to_download`.

    Args:
        follow: a former name will do.

    Raises:
        RepoNotFound: absent, or not theirs to know of.
        RepoMoved: it has another name now; only told to whom may read it there.
    """
    found = lookups.find_repo(actor.user, kind, owner, name)
    if found is not None:
        return found
    moved = (
        Repo.objects.visible_to(actor.user)
        .select_related("namespace", "mirror")
        .filter(
            former_names__kind=kind,
            former_names__namespace__key=owner.casefold(),
            former_names__name_key=name.casefold(),
        )
        .first()
    )
    if moved is None:
        raise RepoNotFound
    if follow:
        return moved
    raise RepoMoved(kind=kind, former=f"{owner}/{name}", repo=moved.full_name)


def repo_to_download(actor: Actor, kind: str, owner: str, name: str, *, follow: bool = False) -> Repo:
    """Like `repo_to_read`, for whoever gets the content of files. Raises `GatedRepo` besides."""
    repo = repo_to_read(actor, kind, owner, name, follow=follow)
    check_files(actor, repo)
    return repo


def check_files(actor: Actor, repo: Repo) -> None:
    """Raises `GatedRepo` unless this reader of the repo may have the content of its files; asked every time."""
    if has_files(actor, repo):
        return
    restricted = f"Access to {repo.kind} {repo.full_name} is restricted"
    path = f"{repo.web_path}/access"
    if actor.user is None:
        raise GatedRepo(
            _("%(restricted)s. You must have access to it and be authenticated to access it. Please log in.")
            % {"restricted": restricted},
            access_path=path,
        )
    raise GatedRepo(
        _("%(restricted)s and you are not in the authorized list. Ask for access at %(path)s")
        % {"restricted": restricted, "path": path},
        access_path=path,
    )


def has_files(actor: Actor, repo: Repo) -> bool:
    """Whether the gate of a repo is open to this reader."""
    if not repo.is_gated:
        return True
    if actor.user is None:
        return False
    if actor.user.reach is not None and not actor.user.reach.covers(repo.namespace_id, repo.pk):
        return False
    return (
        actor.user.administers
        or belongs_to(actor.user, repo.namespace)
        or repo.access_requests.filter(user=actor.user, state=AccessRequest.State.ACCEPTED).exists()
    )


def repo_to_write(actor: Actor, kind: str, owner: str, name: str, *, follow: bool = False) -> Repo:
    """Returns a repo this actor may commit to.

    Raises:
        RepoNotFound: absent, or not even readable.
        NotSignedIn, NotAllowed: readable but not writable.
        MirrorIsReadOnly: its content comes from another hub.
    """
    repo = _repo_to_change(actor, kind, owner, name, follow=follow)
    if repo.is_mirror:
        raise MirrorIsReadOnly
    return repo


def repo_to_administer(actor: Actor, kind: str, owner: str, name: str, *, follow: bool = False) -> Repo:
    """Like `repo_to_write` for settings and deletion, which mirrors allow too."""
    repo = _repo_to_change(actor, kind, owner, name, follow=follow)
    reach = actors.signed_in(actor).reach
    if reach is not None and not reach.may_administer(repo.namespace_id, repo.pk):
        raise NotAllowed(_("this token may not change the settings of %(name)s") % {"name": repo.full_name})
    return repo


def _repo_to_change(actor: Actor, kind: str, owner: str, name: str, *, follow: bool) -> Repo:
    repo = repo_to_read(actor, kind, owner, name, follow=follow)
    user = actors.writer(actor)
    if not can_write_to(user, repo):
        raise NotAllowed(_("you may read %(full_name)s but not write to it") % {"full_name": repo.full_name})
    return repo


def can_write_to(user: User, repo: Repo) -> bool:
    """Whether this person may change this repo."""
    return can_write(user, repo.namespace, repo_id=repo.pk)


def can_write(user: User, namespace: Namespace, *, repo_id: int | None = None) -> bool:
    """Whether this person may create and change repos in this namespace; with `repo_id`, whether that one."""
    if user.reach is not None and not user.reach.may_write(namespace.pk, repo_id):
        return False
    if user.administers or user.namespace_id == namespace.pk:
        return True
    return Membership.objects.filter(
        user=user,
        organisation__namespace=namespace,
        role__in=[Membership.Role.WRITE, Membership.Role.ADMIN],
    ).exists()


def manages(user: User, namespace: Namespace) -> bool:
    """Whether the namespace is this person's own, or a team they administer; site administrators manage all."""
    if user.administers or user.namespace_id == namespace.pk:
        return True
    teams = Membership.objects.filter(user=user, organisation__namespace=namespace, role=Membership.Role.ADMIN)
    return teams.exists()


def namespace_to_manage(actor: Actor, name: str) -> Namespace:
    """Returns a namespace this actor manages. Raises as `personally`; `NotFound`; `NotAllowed`."""
    user = actors.personally(actor)
    namespace = namespace_named(name)
    if not manages(user, namespace):
        raise NotAllowed(_("you do not administer %(name)s") % {"name": namespace.name})
    return namespace


def deleted_repo_to_manage(actor: Actor, public_id: str) -> Repo:
    """Returns a deleted repo (namespace selected) that this actor may bring back or give up.

    Raises:
        NotSignedIn, NotAllowed: anonymous; a read token.
        RepoNotFound: absent, its time is over, or not theirs to know of.
    """
    found = deleted_repos.restorable_by(actors.personally(actor)).filter(public_id=public_id.lower()).first()
    if found is None:
        raise RepoNotFound
    return found


def belongs_to(user: User, namespace: Namespace) -> bool:
    """Whether the namespace is this person's own, or a team they are in (in any role)."""
    if user.namespace_id == namespace.pk:
        return True
    return Membership.objects.filter(user=user, organisation__namespace=namespace).exists()


def namespace_to_create_in(actor: Actor, name: str | None) -> Namespace:
    """Returns where a new repo may go; no name means the caller's own namespace.

    Raises:
        NotSignedIn: anonymous.
        NotAllowed: a read token, or a namespace of others (existing or not: no difference is told).
    """
    user = actors.writer(actor)
    if name is None and user.reach is None:
        return user.namespace
    name = name or user.username
    namespace = Namespace.objects.filter(key=name.casefold()).first()
    if namespace is None or not can_write(user, namespace):
        raise NotAllowed(_("you may not create repos in the namespace %(name)r") % {"name": name})
    return namespace


def place_to_grant(actor: Actor, text: str) -> Namespace | Repo:
    """What a grant of a token is about: a user or a team, or `models/ns/name`, `datasets/…`, `spaces/…`.

    Raises:
        NotFound: also for what the actor may not see.
        BadInput
    """
    folder, slash, rest = text.partition("/")
    if not slash:
        return namespace_named(text)
    kind, (owner, _slash, name) = folder.removesuffix("s"), rest.partition("/")
    if kind not in Repo.Kind.values:
        raise BadInput(_("A grant is about a user, a team, or models/…, datasets/…, spaces/…"))
    return repo_to_read(actor, kind, owner, name, follow=True)


def organisation_named(name: str) -> Organisation:
    """Organisations are public. Raises `NotFound`."""
    try:
        return Organisation.objects.select_related("namespace").get(namespace__key=name.casefold())
    except Organisation.DoesNotExist:
        raise NotFound(_("there is no organisation named %(name)r") % {"name": name}) from None


def person_named(name: str) -> User:
    """Somebody with an account, by name. Raises `NotFound`."""
    user = User.objects.select_related("namespace").filter(namespace__key=name.casefold(), is_active=True).first()
    if user is None:
        raise NotFound(_("there is nobody named %(name)r") % {"name": name})
    return user


def namespace_named(name: str) -> Namespace:
    """A profile, of a person or a team. Raises `NotFound`."""
    namespace = Namespace.objects.select_related("user", "organisation").filter(key=name.casefold()).first()
    if namespace is None or namespace.owner is None:
        raise NotFound(_("there is nobody named %(name)r") % {"name": name})
    return namespace
