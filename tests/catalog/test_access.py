"""The one door: who gets which repo, and what everybody else is told."""

import base64
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone

from catalog import access
from catalog.access import ANONYMOUS, Actor
from catalog.actions import moving, repos
from catalog.actions.community import gating
from catalog.errors import BadCredentials, MirrorIsReadOnly, NotAllowed, NotFound, NotSignedIn, RepoNotFound
from catalog.models import AccessToken, Mirror, Repo, User
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    reader, writer, stranger = UserFactory.create_batch(3)
    admin = UserFactory(is_admin=True)
    team_admin = UserFactory()
    team = OrganisationFactory(name="acme", admin=team_admin, members={"read": [reader], "write": [writer]})
    return {
        "anonymous": None,
        "stranger": stranger,
        "reader": reader,
        "writer": writer,
        "team admin": team_admin,
        "site admin": admin,
        "team": team,
    }


def actor_for(people, who):
    name, _, credential = who.partition(" with ")
    user = people[name]
    if not credential:
        return Actor(user=user)
    token = AccessToken.objects.create(user=user, name="x", role=credential, digest=who, last_four="abcd")
    return Actor(user=user, token=token)


def outcome(door, actor):
    try:
        return door(actor, Repo.Kind.MODEL, "acme", "model").name
    except (RepoNotFound, NotAllowed, NotSignedIn) as refused:
        return type(refused).__name__


MATRIX = [
    # who, reads public, writes public, reads private, writes private
    ("anonymous", "Model", "NotSignedIn", "RepoNotFound", "RepoNotFound"),
    ("stranger", "Model", "NotAllowed", "RepoNotFound", "RepoNotFound"),
    ("stranger with write", "Model", "NotAllowed", "RepoNotFound", "RepoNotFound"),
    ("reader", "Model", "NotAllowed", "Model", "NotAllowed"),
    ("reader with write", "Model", "NotAllowed", "Model", "NotAllowed"),
    ("writer", "Model", "Model", "Model", "Model"),
    ("writer with read", "Model", "NotAllowed", "Model", "NotAllowed"),
    ("writer with write", "Model", "Model", "Model", "Model"),
    ("team admin", "Model", "Model", "Model", "Model"),
    ("site admin", "Model", "Model", "Model", "Model"),
    ("site admin with read", "Model", "NotAllowed", "Model", "NotAllowed"),
]


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row[0])
def test_everybody_gets_what_their_role_and_token_allow(people, row):
    who, *expected = row
    actor = actor_for(people, who)
    repo = RepoFactory(namespace=people["team"].namespace, name="Model", actor=people["writer"])
    doors = (access.repo_to_read, access.repo_to_write)

    public = [outcome(door, actor) for door in doors]
    repos.change_settings(repo=repo, visibility="private", actor=people["writer"])
    private = [outcome(door, actor) for door in doors]

    assert public + private == expected
    assert outcome(access.repo_to_administer, actor) == private[1]


GATE_MATRIX = [
    # who, downloads public, downloads gated, downloads private
    ("anonymous", "Model", "GatedRepo", "RepoNotFound"),
    ("stranger", "Model", "GatedRepo", "RepoNotFound"),
    ("stranger with write", "Model", "GatedRepo", "RepoNotFound"),
    ("reader", "Model", "Model", "Model"),
    ("writer with read", "Model", "Model", "Model"),
    ("site admin", "Model", "Model", "Model"),
]


@pytest.mark.parametrize("row", GATE_MATRIX, ids=lambda row: row[0])
def test_files_pass_the_gate_or_stay(people, row):
    who, *expected = row
    actor = actor_for(people, who)
    repo = RepoFactory(namespace=people["team"].namespace, name="Model", actor=people["writer"])

    seen = [outcome(access.repo_to_download, actor)]
    repos.change_settings(repo=repo, gate="manual", actor=people["writer"])
    seen.append(outcome(access.repo_to_download, actor))
    assert outcome(access.repo_to_read, actor) == "Model"
    repos.change_settings(repo=repo, visibility="private", actor=people["writer"])
    seen.append(outcome(access.repo_to_download, actor))

    assert seen == expected


def test_who_was_accepted_passes_the_gate_until_that_ends(people):
    actor = actor_for(people, "stranger")
    repo = RepoFactory(namespace=people["team"].namespace, name="Model", actor=people["writer"])
    repos.change_settings(repo=repo, gate="auto", actor=people["writer"])

    asked = gating.ask_access(repo=repo, actor=people["stranger"])
    opened = outcome(access.repo_to_download, actor)
    gating.decide(request=asked, state="rejected", actor=people["writer"])

    assert (opened, outcome(access.repo_to_download, actor)) == ("Model", "GatedRepo")


def test_a_former_name_leads_only_those_who_may_read_the_repo(people):
    repo = RepoFactory(namespace=people["team"].namespace, name="Model", actor=people["writer"])
    moving.move_repo(repo=repo, namespace=people["team"].namespace, name="other", actor=people["writer"])

    assert outcome(access.repo_to_read, actor_for(people, "anonymous")) == "RepoMoved"
    repos.change_settings(repo=repo, visibility="private", actor=people["writer"])
    assert outcome(access.repo_to_read, actor_for(people, "stranger")) == "RepoNotFound"
    assert outcome(access.repo_to_read, actor_for(people, "reader")) == "RepoMoved"


def test_a_deleted_repo_is_absent_for_all(people):
    repo = RepoFactory(namespace=people["team"].namespace, name="Model", actor=people["writer"])
    repos.delete_repo(repo=repo, actor=people["writer"])

    for who in ("anonymous", "writer", "site admin"):
        assert outcome(access.repo_to_read, actor_for(people, who)) == "RepoNotFound"


def test_absent_and_hidden_answer_alike(people):
    RepoFactory(namespace=people["team"].namespace, name="model", actor=people["writer"], visibility="private")
    answers = []
    for name in ("model", "no-such-model"):
        with pytest.raises(RepoNotFound) as refused:
            access.repo_to_read(actor_for(people, "stranger"), Repo.Kind.MODEL, "acme", name)
        answers.append((type(refused.value), refused.value.message, refused.value.facts))

    assert answers[0] == answers[1]


def test_ids_are_found_in_any_case_and_kinds_are_kept_apart():
    repo = RepoFactory(name="Model-X")

    found = access.repo_to_read(ANONYMOUS, Repo.Kind.MODEL, repo.namespace.name.upper(), "mODEL-x")

    assert found == repo
    with pytest.raises(RepoNotFound):
        access.repo_to_read(ANONYMOUS, Repo.Kind.DATASET, repo.namespace.name, repo.name)


def test_a_mirror_is_administered_but_not_written():
    repo = RepoFactory(initial_commit=False)
    Mirror.objects.create(repo=repo, source="huggingface", endpoint="http://hub.example", upstream_name="a/b")
    actor = Actor(user=repo.created_by)

    with pytest.raises(MirrorIsReadOnly):
        access.repo_to_write(actor, repo.kind, repo.namespace.name, repo.name)
    assert access.repo_to_administer(actor, repo.kind, repo.namespace.name, repo.name) == repo


def test_new_repos_go_where_one_may_write_and_nothing_is_told_of_the_rest(people):
    writer = actor_for(people, "writer")

    assert access.namespace_to_create_in(writer, None) == people["writer"].namespace
    assert access.namespace_to_create_in(writer, "ACME") == people["team"].namespace
    told = set()
    for name in ("nobody", people["stranger"].username):
        with pytest.raises(NotAllowed) as refused:
            access.namespace_to_create_in(writer, name)
        told.add(refused.value.message.replace(name, "…"))
    assert len(told) == 1
    for who, problem in (("anonymous", NotSignedIn), ("reader", NotAllowed), ("writer with read", NotAllowed)):
        with pytest.raises(problem):
            access.namespace_to_create_in(actor_for(people, who), "acme")


def request_with(authorization=None, user=None):
    headers = {"Authorization": authorization} if authorization is not None else {}
    request = RequestFactory().get("/", headers=headers)
    request.user = user or AnonymousUser()
    return request


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_token_is_taken_from_bearer_and_from_the_password_of_basic():
    user = UserFactory()
    secret = token_of(user, "read")

    for header in (f"Bearer {secret}", f"bearer  {secret}", basic(f"anything:{secret}")):
        actor = access.actor_of(request_with(header))
        assert (actor.user, actor.may_write) == (user, False)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer hf_short", "Bearer hf_" + "a" * 40, "Basic !!!", basic("no-colon"), "Digest x", "x"]
)
def test_a_header_without_a_usable_token_is_an_error_and_never_ignored(header):
    with pytest.raises(BadCredentials):
        access.actor_of(request_with(header, user=UserFactory()))


def test_a_token_wins_over_the_cookie():
    user, other = UserFactory.create_batch(2)

    assert access.actor_of(request_with(f"Bearer {token_of(user)}", user=other)).user == user
    assert access.actor_of(request_with(user=other)).user == other
    assert access.token_actor_of(request_with(user=other)) == ANONYMOUS


@pytest.mark.parametrize("end", ["expired", "revoked", "blocked"])
def test_a_token_ends_with_its_time_its_row_or_its_owner(end):
    user = UserFactory()
    secret = token_of(user)
    tokens = AccessToken.objects.filter(user=user)
    if end == "expired":
        tokens.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "revoked":
        tokens.delete()
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)

    with pytest.raises(BadCredentials):
        access.actor_of(request_with(f"Bearer {secret}"))


def test_the_last_use_of_a_token_is_noted_once_in_a_while(django_assert_num_queries):
    user = UserFactory()
    header = f"Bearer {token_of(user)}"
    access.actor_of(request_with(header))

    with django_assert_num_queries(1):
        access.actor_of(request_with(header))
    assert user.tokens.get().last_used_at is not None


def test_profiles_are_found_in_any_case(people):
    assert access.namespace_named("ACME").owner == people["team"]
    assert access.organisation_named("Acme") == people["team"]
    for door in (access.namespace_named, access.organisation_named):
        with pytest.raises(NotFound):
            door("nobody")
