"""The one door from a name in a request to an object, with the right checked inside.

Views never load a repo, namespace or token themselves. Absence and refusal look the same to
whoever may not read: `RepoNotFound` (security 1.2).
"""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import tokens
from catalog.errors import (
    BadCredentials,
    GatedRepo,
    MirrorIsReadOnly,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RepoMoved,
    RepoNotFound,
    SignInAgain,
)
from catalog.models import AccessRequest, AccessToken, Membership, Namespace, Organisation, Reach, Repo, User
from catalog.queries import deleted_repos, lookups

LAST_USED_STEP = timedelta(minutes=5)  # how stale `last_used_at` may be: one write per step, not per request

RECENT_SIGN_IN: Final = timedelta(hours=1)  # what makes new credentials needs a password typed lately (security 11)
SIGNED_IN_AT: Final = "signed_in_at"  # in the session: unix seconds

REMEMBERED = "marketplace.actor"  # no header can have a name with a dot in lower case


@dataclass(frozen=True)
class Actor:
    """Who makes a request, and how far their credential reaches."""

    user: User | None = None
    token: AccessToken | None = None
    signed_in_at: int = 0  # unix seconds, of a session

    @property
    def is_anonymous(self) -> bool:
        return self.user is None

    @property
    def may_write(self) -> bool:
        """A read token reads, whatever its owner may do; a session does what its owner may.

        A fine-grained token writes where it says so: `can_write` knows, and so does whoever asks `personally`.
        """
        if self.user is None or self.token is None:
            return self.user is not None
        if self.user.reach is not None:
            return self.user.reach.writes_somewhere
        return self.token.role == AccessToken.Role.WRITE

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the person, not just what a fine-grained token names."""
        return self.user is not None and self.user.reach is None


ANONYMOUS = Actor()


def actor_of(request: HttpRequest) -> Actor:
    """Returns who this request comes from; a token, when sent, wins over any cookie (security 1.4).

    Raises:
        BadCredentials: an Authorization header is there but no usable token is in it.
    """
    known = request.META.get(REMEMBERED)
    if isinstance(known, Actor):
        return known
    header = request.headers.get("Authorization", "")
    actor = _actor_of_header(header) if header else _actor_of_session(request)
    request.META[REMEMBERED] = actor  # for this request only: views and tags ask several times
    return actor


def token_actor_of(request: HttpRequest) -> Actor:
    """Like `actor_of`, but cookies do not count: for API routes that change state without CSRF."""
    if request.headers.get("Authorization"):
        return actor_of(request)
    return ANONYMOUS


def signed_in(actor: Actor) -> User:
    """Returns the person. Raises `NotSignedIn` for anonymous requests."""
    if actor.user is None:
        raise NotSignedIn
    return actor.user


def writer(actor: Actor) -> User:
    """Returns the person when their credential may write at all.

    Raises:
        NotSignedIn: anonymous.
        NotAllowed: a read token.
    """
    user = signed_in(actor)
    if not actor.may_write:
        raise NotAllowed(_("this token may only read; use one with the role write"))
    return user


def in_full(actor: Actor) -> User:
    """Returns the person, for what is theirs alone, such as their settings.

    Raises:
        NotSignedIn: anonymous.
        NotAllowed: a fine-grained token, which is for repos.
    """
    user = signed_in(actor)
    if not actor.is_whole:
        raise NotAllowed(_("This token is for some repos only."))
    return user


def personally(actor: Actor) -> User:
    """Like `writer`, for what people do as themselves: rate, like, ask for access. Raises as `writer` and `in_full`."""
    in_full(actor)
    return writer(actor)


def acting_on(actor: Actor, repo: Repo) -> User:
    """Like `writer`, for what anybody may do about a repo, such as discussing it; a fine-grained token must name it."""
    user = writer(actor)
    if not actor.is_whole and not can_write_to(user, repo):
        raise NotAllowed(_("this token does not write to %(name)s") % {"name": repo.full_name})
    return user


def in_person(actor: Actor, *, back: str = "/") -> User:
    """Returns the person when they typed their password lately: whoever holds a token, or finds a browser
    left open, must not be able to make credentials that last longer.

    Args:
        back: where to go on after signing in again.

    Raises:
        NotSignedIn: anonymous.
        NotAllowed: a token.
        SignInAgain: the session is too old.
    """
    user = signed_in(actor)
    if actor.token is not None:
        raise NotAllowed(_("A token cannot do this; sign in."))
    if time.time() - actor.signed_in_at > RECENT_SIGN_IN.total_seconds():
        raise SignInAgain(back=back)
    return user


def note_sign_in(*, request: HttpRequest, **_signal: object) -> None:
    """Remember in the session when it began; Django's `user_logged_in` calls this."""
    request.session[SIGNED_IN_AT] = int(time.time())


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
    reach = signed_in(actor).reach
    if reach is not None and not reach.may_administer(repo.namespace_id, repo.pk):
        raise NotAllowed(_("this token may not change the settings of %(name)s") % {"name": repo.full_name})
    return repo


def _repo_to_change(actor: Actor, kind: str, owner: str, name: str, *, follow: bool) -> Repo:
    repo = repo_to_read(actor, kind, owner, name, follow=follow)
    user = writer(actor)
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


def deleted_repo_to_manage(actor: Actor, public_id: str) -> Repo:
    """Returns a deleted repo (namespace selected) that this actor may bring back or give up.

    Raises:
        NotSignedIn, NotAllowed: anonymous; a read token.
        RepoNotFound: absent, its time is over, or not theirs to know of.
    """
    found = deleted_repos.restorable_by(personally(actor)).filter(public_id=public_id.lower()).first()
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
    user = writer(actor)
    if name is None and user.reach is None:
        return user.namespace
    name = name or user.username
    namespace = Namespace.objects.filter(key=name.casefold()).first()
    if namespace is None or not can_write(user, namespace):
        raise NotAllowed(_("you may not create repos in the namespace %(name)r") % {"name": name})
    return namespace


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


def _actor_of_header(header: str) -> Actor:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return _actor_of_token(value.strip())
    if scheme.lower() == "basic":  # git and git-lfs: the password is the token
        try:
            password = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise BadCredentials from None
        return _actor_of_token(password)
    raise BadCredentials


def _actor_of_token(text: str) -> Actor:
    if not tokens.is_well_formed(text):
        raise BadCredentials
    token = lookups.find_token(tokens.digest(text))
    if token is None:
        raise BadCredentials
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_STEP:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return actor_with(token.user, token)


def actor_with(user: User | None, token: AccessToken | None) -> Actor:
    """The person with this token; a fine-grained one leaves of their rights what it names."""
    if user is not None and token is not None and token.role == AccessToken.Role.FINE_GRAINED:
        user.reach = _reach_of(token)
    return Actor(user=user, token=token)


def _reach_of(token: AccessToken) -> Reach:
    grants = list(token.grants.all())
    return Reach(
        {grant.namespace_id: grant.role for grant in grants if grant.namespace_id is not None},
        {grant.repo_id: grant.role for grant in grants if grant.repo_id is not None},
    )


def _actor_of_session(request: HttpRequest) -> Actor:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not user.is_active:
        return ANONYMOUS
    return Actor(user=user, signed_in_at=request.session.get(SIGNED_IN_AT, 0) if hasattr(request, "session") else 0)
