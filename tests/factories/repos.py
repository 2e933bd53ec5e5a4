import factory
from factory.django import DjangoModelFactory

from catalog.actions import repos
from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.models import Commit, Repo, User
from catalog.types import AddFile
from tests.factories.accounts import UserFactory


class RepoFactory(DjangoModelFactory):
    """A repo with its initial commit, in its creator's namespace unless `namespace` says otherwise."""

    class Meta:
        model = Repo

    actor = factory.SubFactory(UserFactory)
    namespace = factory.LazyAttribute(lambda made: made.actor.namespace)
    kind = Repo.Kind.MODEL
    name = factory.Sequence(lambda number: f"repo{number}")

    @classmethod
    def _create(cls, _model_class, *_args, **fields):
        return repos.create_repo(**fields)


def store(repo: Repo, content: bytes, actor: User | None = None) -> str:
    """Send bytes to a repo; returns their sha256."""
    return uploads.store_bytes(repo=repo, actor=actor or repo.created_by, chunks=[content]).sha256


def add(repo: Repo, path: str, content: bytes, **fields: object) -> AddFile:
    """The change that puts this content there; its bytes are sent."""
    return AddFile(path=path, sha256=store(repo, content), **fields)


def commit_content(
    repo: Repo, files: dict[str, bytes], *, lfs: tuple[str, ...] = (), branch: str = "main", actor: User | None = None
) -> Commit:
    """Commit these files; the paths in `lfs` as pointers."""
    blobs = uploads.store_many(repo=repo, contents=list(files.values()))
    changes = [
        AddFile(path=path, sha256=blob.sha256, as_lfs=path in lfs) for path, blob in zip(files, blobs, strict=True)
    ]
    return commits.commit_files(
        repo=repo, branch=branch, changes=changes, title="Add files", actor=actor or repo.created_by
    )
