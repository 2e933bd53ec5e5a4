"""Tokens for CI jobs that hold no secret of ours: a job shows what its CI system signs about it (RFC 8693).

Whoever administers a repo says which jobs may write to it. The token a job gets writes to that repo alone, for an
hour, as the person who trusted it, and never further than they may themselves at that moment.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import access
from catalog.actions import audit, tallies
from catalog.actions.people import accounts, identity_tokens
from catalog.actions.people.device_login import OAuthRefusal
from catalog.errors import BadInput, IdentityRefused, TooManyRequests
from catalog.models import AccessToken, Namespace, Repo, TrustedPublisher, UsedToken, User
from catalog.parsing import signed_tokens
from catalog.parsing.signed_tokens import Statement
from marketplace.networks import network_of

LIFETIME: Final = timedelta(hours=1)  # of what a job gets
LONGEST_VALID: Final = timedelta(days=1)  # of what it shows: it is remembered for so long
MOST_PUBLISHERS: Final = 50  # of one repo or namespace
MOST_CLAIMS: Final = 10
LONGEST_CLAIM: Final = 500
EXCHANGES: Final = 1_000  # from one network in `WINDOW_SECONDS`
WINDOW_SECONDS: Final = 900
# One of them has to be named: without it every customer of a public CI system would be trusted.
IDENTIFYING: Final = ("repository", "repository_id", "project_path", "project_id", "sub")
_OF_EVERY_TOKEN: Final = {"iss", "aud", "exp", "nbf", "iat", "jti"}  # looked at anyway
_CLAIM_NAME: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,100}", re.ASCII)

Place = Repo | Namespace


@dataclass(frozen=True)
class Exchanged:
    """What a job gets."""

    access_token: str
    expires_in: int  # seconds


@transaction.atomic
def add(*, place: Place, issuer: str, claims: Mapping[str, str], actor: User) -> TrustedPublisher:
    """Trust the jobs of which `issuer` says exactly these things.

    Raises:
        BadInput: with what is wrong.
    """
    if issuer not in settings.TRUSTED_PUBLISHER_ISSUERS:
        raise BadInput(_("This site takes no tokens of that issuer; its administrator can add it."))
    _check_claims(claims)
    if publishers_of(place).count() >= MOST_PUBLISHERS:
        raise BadInput(_("That is enough: remove one of them first."))
    if publishers_of(place).filter(issuer=issuer, claims=dict(claims)).exists():
        raise BadInput(_("These jobs are trusted already."))
    where = {"repo": place} if isinstance(place, Repo) else {"namespace": place}
    publisher = TrustedPublisher.objects.create(issuer=issuer, claims=dict(claims), created_by=actor, **where)
    audit.record(actor, "publisher.add", _name_of(place), issuer=issuer, claims=dict(claims))
    return publisher


@transaction.atomic
def remove(*, publisher: TrustedPublisher, actor: User) -> None:
    """Trust these jobs no longer; what they hold stops working at once."""
    place = publisher.repo or publisher.namespace
    assert place is not None  # a constraint
    audit.record(actor, "publisher.remove", _name_of(place), issuer=publisher.issuer, claims=publisher.claims)
    publisher.delete()  # and its tokens


def publishers_of(place: Place) -> QuerySet[TrustedPublisher]:
    """Those named for exactly this place, newest first."""
    return place.publishers.select_related("created_by", "repo__namespace", "namespace").order_by("-pk")


def exchange(*, token: str, kind: str, owner: str, name: str, audience: str, address: str) -> Exchanged:
    """Returns an access token for one repo in return for what a CI system signed about a job, once.

    Whether there is such a repo is told to nobody: each refusal after the checks of the token itself says the same.

    Args:
        audience: this site, as the job must have named it to its CI system.
        address: where the request comes from.

    Raises:
        OAuthRefusal
        TooManyRequests, UpstreamNotAllowed, UpstreamRefused, UpstreamUnavailable
    """
    if tallies.add_one(f"exchange:{network_of(address)}", window_seconds=WINDOW_SECONDS) > EXCHANGES:
        raise TooManyRequests(_("That was often enough for now. Try again later."), retry_after_seconds=WINDOW_SECONDS)
    try:
        issuer = signed_tokens.issuer_of(token)
        if issuer not in settings.TRUSTED_PUBLISHER_ISSUERS:
            raise IdentityRefused(_("this site takes no tokens of its issuer"))
        statement = identity_tokens.verified(token, issuer=issuer, audience=audience)
        expires_at = _end_of(statement)
    except IdentityRefused as problem:
        raise OAuthRefusal(
            "invalid_grant", _("the token is not accepted: %(why)s") % {"why": problem.message}
        ) from None
    repo = Repo.objects.live().select_related("namespace").filter(
        kind=kind, namespace__key=owner.casefold(), name_key=name.casefold()
    ).first()  # fmt: skip
    publisher = None if repo is None else _publisher_for(repo, issuer, statement)
    if repo is None or publisher is None:
        raise OAuthRefusal("invalid_grant", _("no trusted publisher of that repo fits this token"))
    return _mint(publisher, repo, statement, expires_at)


def clear() -> int:
    """Forget tokens that are over by themselves; returns how many."""
    now = timezone.now()
    over = AccessToken.objects.filter(publisher__isnull=False, expires_at__lt=now).delete()[0]
    return over + UsedToken.objects.filter(expires_at__lt=now).delete()[0]


@transaction.atomic
def _mint(publisher: TrustedPublisher, repo: Repo, statement: Statement, expires_at: datetime) -> Exchanged:
    digest = hashlib.sha256(f"{publisher.issuer}\0{statement.text('jti')}".encode()).hexdigest()
    try:
        with transaction.atomic():  # of two at once one stores the row
            UsedToken.objects.create(digest=digest, expires_at=expires_at)
    except IntegrityError:
        raise OAuthRefusal("invalid_grant", _("this token was exchanged already")) from None
    _token, secret = accounts.create_publisher_token(
        publisher=publisher, repo=repo, name=f"publisher {publisher.pk} {digest[:12]}", lifetime=LIFETIME
    )
    TrustedPublisher.objects.filter(pk=publisher.pk).update(last_used_at=timezone.now())
    audit.record(
        publisher.created_by, "publisher.exchange", audit.name_of(repo),
        publisher=publisher.pk, issuer=publisher.issuer, subject=statement.subject,
    )  # fmt: skip
    return Exchanged(secret, int(LIFETIME.total_seconds()))


def _publisher_for(repo: Repo, issuer: str, statement: Statement) -> TrustedPublisher | None:
    """The oldest whose every claim the token has, and whose person may still write there."""
    named = TrustedPublisher.objects.filter(
        Q(repo=repo) | Q(namespace=repo.namespace), issuer=issuer, created_by__is_active=True
    )
    for publisher in named.select_related("created_by").order_by("pk"):
        is_told = all(statement.claims.get(claim) == value for claim, value in publisher.claims.items())
        if is_told and access.can_write_to(publisher.created_by, repo):
            return publisher
    return None


def _end_of(statement: Statement) -> datetime:
    if not statement.text("jti"):
        raise IdentityRefused(_("it lacks %(claim)s") % {"claim": "jti"})
    ends = statement.seconds("exp")
    latest = timezone.now() + LONGEST_VALID
    if ends is None or ends > latest.timestamp():
        raise IdentityRefused(_("it is valid for too long"))
    # A minute more, since clocks are forgiven as much.
    return datetime.fromtimestamp(ends + signed_tokens.LEEWAY_SECONDS, UTC)


def _check_claims(claims: Mapping[str, str]) -> None:
    if not 0 < len(claims) <= MOST_CLAIMS:
        raise BadInput(_("Name between 1 and %(most)s claims.") % {"most": MOST_CLAIMS})
    for name, value in claims.items():
        if not _CLAIM_NAME.fullmatch(name) or name in _OF_EVERY_TOKEN:
            raise BadInput(_("%(name)r is no claim that can be asked for.") % {"name": name})
        if not 0 < len(value) <= LONGEST_CLAIM or not value.isprintable():
            raise BadInput(_("The claim %(name)s needs a value of one line.") % {"name": name})
    if not set(claims) & set(IDENTIFYING):
        raise BadInput(
            _("Without one of the claims %(names)s every project of that CI system would be trusted.")
            % {"names": ", ".join(IDENTIFYING)}
        )


def _name_of(place: Place) -> str:
    return audit.name_of(place) if isinstance(place, Repo) else f"namespace/{place}"
