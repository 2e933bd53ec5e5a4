import pytest

from catalog.actions import repos
from catalog.actions.history import commits
from catalog.errors import (
    BadInput,
    InvalidName,
    InvalidReference,
    NameTaken,
    RefExists,
    RefProtected,
    RevisionNotFound,
)
from catalog.models import AuditEntry, Repo
from catalog.parsing import gitattributes
from catalog.queries import trees
from catalog.stores import blob_store
from tests.factories import OrganisationFactory, RepoFactory, commit_content

pytestmark = pytest.mark.django_db


def test_a_new_repo_has_one_commit_with_its_attributes():
    repo = RepoFactory(name="Mixed-Case")

    (commit,) = trees.history(trees.resolve_revision(repo, "main"))

    assert commit.title == "initial commit"
    assert commit.author == repo.created_by
    blob = trees.file_at(commit, ".gitattributes").blob
    assert blob_store().read_range(blob.sha256, 0, 9999).decode() == gitattributes.DEFAULT_MODEL_ATTRIBUTES
    assert repo.facts.commit == commit
    assert AuditEntry.objects.get(action="repo.create").target == f"models/{repo.full_name}"


def test_models_and_datasets_of_one_name_live_side_by_side():
    model = RepoFactory(name="same")

    dataset = RepoFactory(name="same", actor=model.created_by, kind=Repo.Kind.DATASET)

    attributes = trees.file_at(trees.resolve_revision(dataset, "main"), ".gitattributes").blob
    assert attributes.size == len(gitattributes.DEFAULT_DATASET_ATTRIBUTES)


def test_a_name_is_taken_in_any_case():
    repo = RepoFactory(name="Model")

    with pytest.raises(NameTaken) as refused:
        RepoFactory(name="mODEL", actor=repo.created_by)

    assert refused.value.facts["repo"] == repo.full_name
    assert "You already created this model repo" in refused.value.message
    RepoFactory(name="mODEL")


def test_a_team_says_what_its_new_repos_are():
    team = OrganisationFactory(default_visibility="private")

    assert RepoFactory(namespace=team.namespace).is_private
    assert not RepoFactory(namespace=team.namespace, visibility="public").is_private
    assert not RepoFactory().is_private


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [({"name": "a/b"}, InvalidName), ({"kind": "kernel"}, BadInput), ({"visibility": "x"}, BadInput)],
)
def test_what_is_malformed_is_refused(wrong, problem):
    with pytest.raises(problem):
        RepoFactory(**wrong)
    assert not Repo.objects.exists()


def test_a_mirror_starts_without_history():
    repo = RepoFactory(initial_commit=False)

    assert trees.refs_of(repo) == []
    assert trees.head_of(repo) is None
    assert repo.facts.commit is None


def test_a_deleted_repo_is_out_of_sight_and_its_name_is_free():
    repo = RepoFactory(name="model")

    repos.delete_repo(repo=repo, actor=repo.created_by)

    assert not Repo.objects.visible_to(repo.created_by).exists()
    again = RepoFactory(name="model", actor=repo.created_by)
    assert again.public_id != repo.public_id
    assert AuditEntry.objects.filter(action="repo.delete", target=f"models/{repo.full_name}").exists()


def test_the_visibility_changes_and_the_log_says_so():
    repo = RepoFactory()

    repos.change_settings(repo=repo, visibility="private", actor=repo.created_by)

    repo.refresh_from_db()
    assert repo.is_private
    assert AuditEntry.objects.get(action="repo.settings").details == {"visibility": "private"}
    with pytest.raises(BadInput):
        repos.change_settings(repo=repo, visibility="secret", actor=repo.created_by)


def test_branches_and_tags_name_commits():
    repo = RepoFactory()
    first = trees.resolve_revision(repo, "main")
    second = commit_content(repo, {"a": b"a"})
    owner = repo.created_by

    commits.create_branch(repo=repo, name="dev", actor=owner)
    commits.create_branch(repo=repo, name="old", start=first.oid, actor=owner)
    commits.create_tag(repo=repo, name="dev", revision="old", message="a tag like a branch", actor=owner)

    assert trees.resolve_revision(repo, "dev") == second
    assert trees.resolve_revision(repo, "refs/tags/dev") == first
    assert [ref.full_ref for ref in trees.refs_of(repo)] == [
        "refs/heads/dev",
        "refs/heads/main",
        "refs/heads/old",
        "refs/tags/dev",
    ]


def test_a_name_of_a_branch_or_tag_is_given_once():
    repo = RepoFactory()
    commits.create_tag(repo=repo, name="v1", revision="main", actor=repo.created_by)

    with pytest.raises(RefExists, match="Reference refs/heads/main already exists"):
        commits.create_branch(repo=repo, name="main", actor=repo.created_by)
    with pytest.raises(RefExists, match="Reference refs/tags/v1 already exists"):
        commits.create_tag(repo=repo, name="v1", revision="main", actor=repo.created_by)


@pytest.mark.parametrize("name", ["refs/heads/x", "a b", "a..b", "0" * 40, "HEAD", "-x"])
def test_names_git_or_clients_would_misread_are_refused(name):
    repo = RepoFactory()

    with pytest.raises(InvalidReference, match="Invalid reference for a branch"):
        commits.create_branch(repo=repo, name=name, actor=repo.created_by)


def test_refs_start_at_revisions_that_exist():
    repo = RepoFactory()

    with pytest.raises(RevisionNotFound):
        commits.create_branch(repo=repo, name="dev", start="nope", actor=repo.created_by)
    with pytest.raises(RevisionNotFound):
        commits.create_tag(repo=repo, name="v1", revision="nope", actor=repo.created_by)
    with pytest.raises(RevisionNotFound):  # which the client tells apart, and which is wrong first
        commits.create_tag(repo=repo, name="not a name", revision="nope", actor=repo.created_by)


def test_refs_are_deleted_each_in_its_kind_but_never_the_default_branch():
    repo = RepoFactory()
    owner = repo.created_by
    commits.create_branch(repo=repo, name="dev", actor=owner)
    commits.create_tag(repo=repo, name="v1", revision="main", actor=owner)
    made = commit_content(repo, {"a": b"a"}, branch="dev")

    with pytest.raises(RefProtected, match="Cannot delete refs/heads/main"):
        commits.delete_branch(repo=repo, name="main", actor=owner)
    with pytest.raises(RevisionNotFound, match="Invalid rev id"):
        commits.delete_branch(repo=repo, name="v1", actor=owner)
    with pytest.raises(RevisionNotFound):
        commits.delete_tag(repo=repo, name="dev", actor=owner)
    commits.delete_branch(repo=repo, name="dev", actor=owner)
    commits.delete_tag(repo=repo, name="v1", actor=owner)

    assert [ref.name for ref in trees.refs_of(repo)] == ["main"]
    assert trees.resolve_revision(repo, made.oid) == made
