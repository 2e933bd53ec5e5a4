"""The one door: who gets which repo, and what everybody else is told."""

import pytest

from catalog import access
from catalog.actions import moving, repos
from catalog.actions.community import gating
from catalog.actors import ANONYMOUS, Actor
from catalog.errors import MirrorIsReadOnly, NotAllowed, NotFound, NotSignedIn, RepoNotFound
from catalog.models import AccessToken, Mirror, Repo
from tests.factories import OrganisationFactory, RepoFactory, UserFactory

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


def test_profiles_are_found_in_any_case(people):
    assert access.namespace_named("ACME").owner == people["team"]
    assert access.organisation_named("Acme") == people["team"]
    for door in (access.namespace_named, access.organisation_named):
        with pytest.raises(NotFound):
            door("nobody")
