import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.models import Repo
from catalog.queries import trees
from tests.factories import OrganisationFactory, RepoFactory, UserFactory
from tests.pages.looking import text_of

pytestmark = pytest.mark.django_db


def asked(**changed):
    return {"kind": "model", "namespace": "ann", "name": "herbert", "visibility": "public", **changed}


def file(name: str, content: bytes = b"hello") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_a_new_model_leads_to_its_page(signed_in):
    response = signed_in(UserFactory(name="ann")).post("/new", asked(visibility="private"))

    assert response["Location"] == "/ann/herbert"
    assert Repo.objects.get().visibility == "private"


def test_strangers_are_asked_to_sign_in_first(client):
    assert client.get("/new")["Location"] == "/login?next=%2Fnew"
    assert client.post("/new", asked()).status_code == 401
    assert not Repo.objects.exists()


@pytest.mark.parametrize("name", ["HERBERT", "bad name", "..", "x.git"])
def test_a_name_that_is_taken_or_breaks_the_rules_is_refused_in_the_form(signed_in, name):
    # given
    person = signed_in(UserFactory(name="ann"))
    person.post("/new", asked())

    # when
    answer = person.post("/new", asked(name=name))

    # then
    assert answer.status_code == 422
    assert 'href="#id_name"' in answer.content.decode()
    assert Repo.objects.count() == 1


def test_nobody_creates_in_a_namespace_of_others(signed_in):
    UserFactory(name="ann")

    answer = signed_in(UserFactory(name="bo")).post("/new", asked())

    assert answer.status_code == 422
    assert not Repo.objects.exists()


def test_teams_one_may_write_to_are_offered(signed_in):
    # given
    bo = UserFactory(name="bo")
    OrganisationFactory(name="writers", members={"write": [bo]})
    OrganisationFactory(name="readers", members={"read": [bo]})

    # when
    page = signed_in(bo).get("/new").content.decode()

    # then
    assert '<option value="writers">' in page
    assert '<option value="readers">' not in page


def test_files_of_one_form_are_one_commit(signed_in):
    # given
    repo = RepoFactory(actor=UserFactory(name="ann"), name="herbert")
    files = [file("README.md", b"# Karta"), file("model.safetensors", b"weights"), file("noise.bin", b"\0\1")]

    # when
    signed_in(repo.created_by).post(
        "/ann/herbert/upload/main", {"files": files, "folder": "v1", "title": "Pierwsze pliki"}
    )

    # then
    head = trees.head_of(repo)
    assert head.title == "Pierwsze pliki"
    assert len(trees.history(head)) == 2
    kept = {entry.path: entry.is_lfs for entry in trees.entries_of(head, folder="v1")}
    assert kept == {"v1/README.md": False, "v1/model.safetensors": True, "v1/noise.bin": True}


@pytest.mark.parametrize("folder", ["../up", ".git", "a//b", "CON"])
def test_a_hostile_path_is_refused_and_nothing_is_written(signed_in, folder):
    # given
    repo = RepoFactory(actor=UserFactory(name="ann"), name="herbert")
    before = repo.repo_blobs.count()

    # when
    answer = signed_in(repo.created_by).post("/ann/herbert/upload/main", {"files": [file("x")], "folder": folder})

    # then
    assert answer.status_code == 400
    assert "This did not work yet" in text_of(answer)
    assert len(trees.history(trees.head_of(repo))) == 1
    assert repo.repo_blobs.count() == before


def test_a_form_without_files_says_what_is_missing(signed_in):
    repo = RepoFactory(actor=UserFactory(name="ann"), name="herbert")

    answer = signed_in(repo.created_by).post("/ann/herbert/upload/main", {"title": "x"})

    assert "Choose at least one file" in text_of(answer)


def test_only_writers_upload(client, signed_in):
    RepoFactory(actor=UserFactory(name="ann"), name="herbert")

    assert client.post("/ann/herbert/upload/main", {"files": [file("x")]}).status_code == 401
    assert signed_in(UserFactory()).post("/ann/herbert/upload/main", {"files": [file("x")]}).status_code == 403
