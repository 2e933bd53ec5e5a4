"""One team with a repo of each state, each with everything a route may name, and everybody who may ask."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.actions import repos
from catalog.actions.community import curation, discussions, gating, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import refs
from catalog.actions.people import accounts
from catalog.models import Mirror, Repo, SyncRun, User
from tests.evaluation import arrangement
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content, token_of
from tests.raw_client import RawClient

TEAM = "acme"
# Names that occur in no text of ours, so that an answer about one can be compared with an answer about another.
NAMES = {"public": "quokka", "gated": "wombat", "private": "numbat", "deleted": "bettong"}
ABSENT = "potoroo"
ABSENT_NUMBER = 987654321
WEIGHTS = b"\0weights of the matrix"
SECRET = b"tucotuco"  # what a file of each repo holds, and nothing else on the site


@dataclass(frozen=True)
class Place:
    """One repo, and the ids of what hangs on it."""

    state: str
    name: str
    ids: dict[str, str]

    @property
    def is_hidden_from_strangers(self) -> bool:
        return self.state in ("private", "deleted")


@dataclass(frozen=True)
class Asker:
    """Somebody with one credential."""

    name: str
    user: User | None = None
    role: str = "write"  # of their token
    belongs: bool = False  # to the team, in any role
    writes: bool = False
    is_blocked: bool = False
    grants: tuple[tuple[str, str], ...] = ()  # of a fine-grained token: (namespace, role)

    def sees(self, place: Place) -> bool:
        if place.state == "deleted":
            return False
        if self.is_elsewhere:
            return place.state != "private"
        return place.state != "private" or self.belongs or self.is_admin

    @property
    def is_whole(self) -> bool:
        return not self.grants

    @property
    def is_elsewhere(self) -> bool:
        """Whether their token names other places only."""
        return bool(self.grants) and TEAM not in dict(self.grants)

    @property
    def has_session(self) -> bool:
        return self.user is not None and self.role == "write" and self.is_whole and not self.is_blocked

    @property
    def is_admin(self) -> bool:
        return self.user is not None and self.user.is_admin

    @property
    def may_write(self) -> bool:
        return self.user is not None and self.role == "write"

    def with_session(self) -> RawClient:
        client = RawClient()
        if self.user is not None:
            client.force_login(self.user)
        return client


@dataclass(frozen=True)
class World:
    places: list[Place]
    absent: Place


def build() -> tuple[World, dict[str, User]]:
    people = {name: UserFactory(name=name) for name in ("stranger", "reader", "writer", "owner", "ousted")}
    people["admin"] = UserFactory(name="siteadmin", is_admin=True)
    members = {"read": [people["reader"]], "write": [people["writer"], people["ousted"]]}
    OrganisationFactory(name=TEAM, admin=people["owner"], members=members)
    places = [_place(state, name, people["owner"]) for state, name in NAMES.items()]
    numbers = dict.fromkeys(("run", "mirror"), str(ABSENT_NUMBER))
    absent = Place("absent", ABSENT, {**places[0].ids, **numbers, "slug": f"x-{'0' * 24}"})
    accounts.block(user=people["ousted"], actor=None)
    return World(places, absent), people


def askers(people: dict[str, User]) -> list[Asker]:
    return [
        Asker("anonymous"),
        Asker("stranger", people["stranger"]),
        Asker("reader", people["reader"], belongs=True),
        Asker("writer", people["writer"], belongs=True, writes=True),
        Asker("owner", people["owner"], belongs=True, writes=True),
        Asker("admin", people["admin"], writes=True),
        Asker("read token of the writer", people["writer"], role="read", belongs=True),
        Asker("blocked", people["ousted"], is_blocked=True),
        Asker("token of the owner to read here", people["owner"], role="fine", belongs=True, grants=((TEAM, "read"),)),
        Asker(
            "token of the owner to write here",
            people["owner"],
            belongs=True,
            writes=True,
            grants=((TEAM, "write"), ("owner", "read")),
        ),
        Asker("token of the admin for elsewhere", people["admin"], grants=(("stranger", "admin"),)),
    ]


def with_token(asker: Asker) -> dict[str, str]:
    if asker.user is None:
        return {}
    secret = token_of(asker.user, grants=asker.grants) if asker.grants else token_of(asker.user, asker.role)
    return {"Authorization": f"Bearer {secret}"}


def _place(state: str, name: str, owner: User) -> Place:
    namespace = owner.memberships.get().organisation.namespace
    repo = arrangement.model(namespace=namespace, name=name, actor=owner)
    files = {"w.bin": WEIGHTS + SECRET + state.encode(), "notes.txt": SECRET + b"\n"}
    commit = commit_content(repo, files, lfs=("w.bin",), actor=owner)
    thread = discussions.open_discussion(repo=repo, title="A thread", text="words", actor=owner)
    comment = discussions.comment(discussion=thread, text="more words", actor=owner)
    proposal = pull_requests.open_pull_request(repo=repo, proposal=Proposal(title="A proposal"), actor=owner)
    refs.create_tag(repo=repo, name="v1", revision="main", actor=owner)
    run = arrangement.queued(repo, actor=owner)
    mirror = _mirror(namespace, f"{name}-mirror", owner)
    collection = curation.create_collection(namespace=namespace, title=name, is_private=state == "private", actor=owner)
    curation.add_item(collection=collection, thing=repo, note="")
    _put_in(state, [repo, mirror.repo], owner)
    if state == "deleted":
        curation.delete_collection(collection=collection, actor=owner)
    return Place(
        state,
        name,
        {
            "oid": commit.oid,
            "num": str(thread.num),
            "pr": str(proposal.num),
            "comment": comment.public_id,
            "run": str(run.pk),
            "mirror": str(mirror.pk),
            "slug": collection.slug.partition("/")[2],
        },
    )


def _mirror(namespace, name: str, owner: User) -> Mirror:
    repo = RepoFactory(namespace=namespace, name=name, actor=owner, initial_commit=False)
    mirror = Mirror.objects.create(repo=repo, source="huggingface", endpoint="http://hub.example", upstream_name="a/b")
    SyncRun.objects.create(mirror=mirror, state=SyncRun.State.SUCCEEDED)
    return mirror


def _put_in(state: str, found: list[Repo], owner: User) -> None:
    for repo in found:
        if state == "private":
            repos.change_settings(repo=repo, visibility="private", actor=owner)
        elif state == "gated":
            repos.change_settings(repo=repo, gate="manual", actor=owner)
            gating.ask_access(repo=repo, actor=owner)
        elif state == "deleted":
            repos.delete_repo(repo=repo, actor=owner)
