"""Models and datasets over REST: lists, one repo, its files."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.actions.community.ratings import rate_repo
from catalog.models import Repo, RepoFacts
from tests.catalog import rows
from tests.factories import RepoFactory, UserFactory, commit_content

pytestmark = pytest.mark.django_db


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [found["id"] for found in answer.json()["results"]]


def test_a_list_has_results_and_next_and_follows_to_the_end(api):
    for number in range(5):
        rows.repo(f"acme/bert-{number}", downloads=number, task="fill-mask")
    rows.repo("acme/other", task="translation")

    answer = api().get("models?task=fill-mask&limit=2")
    found = ids(answer)
    while (following := answer.json()["next"]) is not None:
        parts = urlsplit(following)
        assert (parts.scheme, parts.netloc) == ("http", "testserver")
        answer = api().client.get(f"{parts.path}?{parts.query}")
        found += ids(answer)

    assert found == [f"acme/bert-{number}" for number in (4, 3, 2, 1, 0)]


def test_every_parameter_of_the_list_filters(api):
    rows.repo(
        "acme/one", title="Łódzki model", task="translation", library="transformers", licence="mit", languages=["pl"]
    )
    rows.repo("acme/two", task="translation")

    for query in ("search=lodzki", "library=transformers", "license=mit", "language=pl", "task=translation&library=!"):
        assert "acme/one" in ids(api().get(f"models?{query}"))
    assert ids(api().get("models?search=lodz&task=translation&library=transformers&license=mit&language=pl")) == [
        "acme/one"
    ]
    assert ids(api().get("models?license=!mit")) == ["acme/two"]
    assert ids(api().get("datasets")) == []


@pytest.mark.parametrize(
    "query",
    [
        "sort=name",
        "params=lots",
        "rating=many",
        "limit=x",
        "cursor=abc",
        "search=" + "x" * 257,
        "task=%00",
        "author=a%0ab",
    ],
)
def test_a_parameter_that_makes_no_sense_is_400_in_the_one_shape(api, query):
    answer = api().get(f"models?{query}")

    body = answer.json()
    assert answer.status_code == 400
    assert set(body) == {"error", "error_code", "request_id", "details"}
    assert answer["X-Error-Code"] == body["error_code"] in {"BadInput", "InvalidCursor"}
    assert body["request_id"] == answer["X-Request-Id"]


def test_private_repos_are_listed_for_their_owner_only(api):
    owner = UserFactory()
    repo = RepoFactory(actor=owner, visibility="private")

    assert ids(api().get("models")) == []
    assert ids(api(UserFactory()).get("models")) == []
    assert ids(api(owner, "read").get("models")) == [repo.full_name]


def test_one_model_says_all_we_know(api):
    repo = RepoFactory()
    head = commit_content(repo, {"README.md": b"# Hello"})
    RepoFacts.objects.filter(repo=repo).update(
        title="Tiny", parameters=10, parameters_by_dtype={"F32": 10}, config={"architectures": ["BertModel"]}
    )
    rate_repo(repo=repo, actor=UserFactory(), stars=4)

    answer = api().get(f"models/{repo.full_name.upper()}")

    body = answer.json()
    assert answer.status_code == 200
    assert (body["id"], body["sha"], body["title"]) == (repo.full_name, head.oid, "Tiny")
    assert (body["parameters_by_dtype"], body["architectures"]) == ({"F32": 10}, ["BertModel"])
    assert (body["rating"]["count"], body["rating"]["histogram"]) == (1, [0, 0, 0, 1, 0])
    assert body["mirror"] is False
    assert body["mirror_of"] is None
    assert body["links"]["archive"] == f"http://testserver/api/v1/models/{repo.full_name}/archive/{head.oid}.tar"
    assert body["created_at"].endswith("Z")


@pytest.mark.parametrize("tail", ["", "/files", "/archive/main.tar", "/rating", "/reviews"])
def test_a_private_repo_and_a_missing_one_answer_the_same(api, tail):
    private, owner, stranger = RepoFactory(visibility="private"), None, UserFactory()
    owner = private.created_by

    for actor, status in ((None, 401), (stranger, 404)):
        hidden = api(actor).get(f"models/{private.full_name}{tail}")
        missing = api(actor).get(f"models/{private.namespace.name}/nothing{tail}")
        assert hidden.status_code == missing.status_code == status
        assert hidden["X-Error-Code"] == missing["X-Error-Code"] == "RepoNotFound"
        assert hidden.json() | {"request_id": ""} == missing.json() | {"request_id": ""}
    assert api(owner).get(f"models/{private.full_name}{tail}").status_code == 200


def test_a_dataset_is_no_model(api):
    repo = RepoFactory(kind=Repo.Kind.DATASET)

    assert api(UserFactory()).get(f"models/{repo.full_name}").status_code == 404
    assert api().get(f"datasets/{repo.full_name}").json()["kind"] == "dataset"


def test_files_are_listed_for_a_revision_in_pages(api):
    repo = RepoFactory()
    old = commit_content(repo, {"a/one.txt": b"1", "a/two.txt": b"22", "b.safetensors": b"333"}, lfs=("b.safetensors",))
    commit_content(repo, {"c.txt": b"4"})

    answer = api().get(f"models/{repo.full_name}/files?revision={old.oid[:10]}&limit=3")
    second = urlsplit(answer.json()["next"])
    rest = api().client.get(f"{second.path}?{second.query}").json()

    first = answer.json()
    assert answer["X-Repo-Commit"] == first["sha"] == old.oid
    assert [file["path"] for file in first["results"]] == [".gitattributes", "a", "a/one.txt"]
    assert [file["path"] for file in rest["results"]] == ["a/two.txt", "b.safetensors"]
    assert [file["type"] for file in first["results"]] == ["file", "folder", "file"]
    assert rest["results"][1] | {"oid": "", "sha256": "", "changed_in": ""} == {
        "path": "b.safetensors", "type": "file", "size": 3, "oid": "", "sha256": "", "lfs": True, "changed_in": "",
    }  # fmt: skip
    assert rest["next"] is None
    folder = api().get(f"models/{repo.full_name}/files?folder=a&recursive=false").json()
    assert [file["path"] for file in folder["results"]] == ["a/one.txt", "a/two.txt"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("revision=nope", "RevisionNotFound"),
        ("revision=refs%2Fpr%2F1", "RevisionNotFound"),
        ("folder=nope", "EntryNotFound"),
    ],
)
def test_what_is_not_there_is_named(api, query, code):
    repo = RepoFactory()

    answer = api().get(f"models/{repo.full_name}/files?{query}")

    assert answer.status_code == 404
    assert answer.json()["error_code"] == code


NAMES = st.sampled_from(
    [
        "search",
        "task",
        "library",
        "license",
        "language",
        "format",
        "filter",
        "author",
        "params",
        "rating",
        "sort",
        "limit",
        "cursor",
    ]
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["!x", "min:1B,max:2", "a/b", "'", "\\", "x:*", "%", "é ł 情感", "-1", "1e9", "\0"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_no_query_string_breaks_the_list(api, query):
    answer = api().client.get(f"/api/v1/models?{urlencode(query)}")

    assert answer.status_code in {200, 400}


def test_the_number_of_queries_does_not_grow_with_the_page(api, django_assert_max_num_queries):
    for _ in range(30):
        rows.repo()

    with django_assert_max_num_queries(2):
        found = ids(api().get("models"))

    assert len(found) == 30
