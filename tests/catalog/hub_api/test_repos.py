"""Who am I, and the life of a repo: create, describe, change, delete."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from huggingface_hub.hf_api import ExpandDatasetProperty_T, ExpandModelProperty_T, ExpandSpaceProperty_T

from catalog.models import Mirror, Repo
from tests.catalog.hub_api.conftest import Caller, file_line
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content, token_of

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
INTERNAL = {"gitalyUid", "xetEnabled"}  # of the public Hub, and in no list of the client


def test_whoami_tells_name_teams_and_token(ann, owner):
    OrganisationFactory(name="acme", full_name="Acme Ltd", admin=ann)

    me = owner.get("/api/whoami-v2").json()

    assert (me["type"], me["name"], me["fullname"]) == ("user", "ann", "Ann Example")
    assert [(team["name"], team["fullname"], team["roleInOrg"]) for team in me["orgs"]] == [
        ("acme", "Acme Ltd", "admin")
    ]
    assert me["auth"]["accessToken"]["role"] == "write"
    assert INSTANT.fullmatch(me["auth"]["accessToken"]["createdAt"])


def test_whoami_wants_a_token(stranger):
    assert stranger.get("/api/whoami-v2").status_code == 401


def test_every_answer_carries_the_id_the_client_sent(owner):
    response = owner.get("/api/whoami-v2", headers={"X-Amzn-Trace-Id": "trace-1"})

    assert "trace-1" in response["X-Request-Id"]


def test_a_new_repo_has_an_address_on_the_host_the_client_used(owner):
    response = owner.json("POST", "/api/repos/create", {"name": "new"}, SERVER_NAME="localhost", SERVER_PORT="8000")

    assert response.status_code == 200
    assert response.json()["url"] == "http://localhost:8000/ann/new"
    assert owner.get("/api/models/ann/new").json()["siblings"] == [{"rfilename": ".gitattributes"}]


def test_a_dataset_lives_below_datasets(owner):
    response = owner.json("POST", "/api/repos/create", {"name": "data", "type": "dataset", "organization": "ann"})

    assert response.json()["url"].endswith("/datasets/ann/data")


@pytest.mark.parametrize(
    ("asked", "is_private"),
    [({}, True), ({"visibility": "public"}, False), ({"private": False}, False), ({"private": True}, True)],
)
def test_a_team_decides_on_the_visibility_nobody_asked_for(asked, is_private, ann, owner):
    OrganisationFactory(name="acme", admin=ann, default_visibility="private")

    owner.json("POST", "/api/repos/create", {"name": "new", "organization": "acme", **asked})

    assert owner.get("/api/models/acme/new").json()["private"] is is_private


def test_a_taken_name_answers_409_with_the_address_in_any_case(repo, owner):
    response = owner.json("POST", "/api/repos/create", {"name": "MODEL"})

    assert response.status_code == 409
    assert response.json()["url"].endswith("/ann/model")
    assert response.json()["error"] == "You already created this model repo"


@pytest.mark.parametrize("namespace", ["bob", "nobody", "acme"])
def test_foreign_namespaces_are_403_whether_they_exist_or_not(namespace, owner, other):
    response = owner.json("POST", "/api/repos/create", {"name": "new", "organization": namespace})

    assert response.status_code == 403


def test_a_member_who_reads_cannot_create(ann, owner):
    OrganisationFactory(name="acme", members={"read": [ann]})

    response = owner.json("POST", "/api/repos/create", {"name": "new", "organization": "acme"})

    assert response.status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"name": ""}, 400),
        ({"name": 5}, 400),
        ({"name": "a..b"}, 400),
        ({"name": "model.git"}, 400),
        ({"name": "-model"}, 400),
        ({"name": "n" * 97}, 400),
        ({"name": "new", "visibility": "protected"}, 400),
        ({"name": "new", "private": "yes"}, 400),
        ({"name": "new", "type": "notebook"}, 400),
        ({"name": "new", "type": "kernel"}, 501),
        ({"name": "new", "organization": "api"}, 403),
    ],
)
def test_bad_repos_are_not_created(body, status, owner):
    assert owner.json("POST", "/api/repos/create", body).status_code == status
    assert Repo.objects.count() == 0


def test_creating_needs_a_token_that_writes(reader, stranger):
    assert stranger.json("POST", "/api/repos/create", {"name": "new"}).status_code == 401
    assert reader.json("POST", "/api/repos/create", {"name": "new"}).status_code == 403


def test_a_deleted_repo_is_gone_and_its_name_free(repo, owner):
    deleted = owner.json("DELETE", "/api/repos/delete", {"name": "model", "organization": "ann"})
    missing = owner.json("DELETE", "/api/repos/delete", {"name": "model", "organization": "ann"})

    assert (deleted.status_code, missing.status_code) == (200, 404)
    assert missing["X-Error-Code"] == "RepoNotFound"
    assert owner.json("POST", "/api/repos/create", {"name": "model"}).status_code == 200


def test_others_cannot_delete(repo, other, stranger):
    body = {"name": "model", "organization": "ann"}

    assert other.json("DELETE", "/api/repos/delete", body).status_code == 403
    assert stranger.json("DELETE", "/api/repos/delete", body).status_code == 401


@pytest.mark.parametrize("body", [{"visibility": "private"}, {"private": True}])
def test_settings_hide_a_repo(body, repo, owner, stranger):
    assert owner.json("PUT", "/api/models/ann/model/settings", body).status_code == 200
    assert stranger.get("/api/models/ann/model").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"gated": "auto"}, 200),
        ({"gated": False}, 200),
        ({"visibility": "secret"}, 400),
        ({"discussionsDisabled": "no"}, 400),
    ],
)
def test_settings_take_what_they_know_and_refuse_the_rest(body, status, repo, owner):
    assert owner.json("PUT", "/api/models/ann/model/settings", body).status_code == status


def test_info_is_complete_and_dated_as_clients_read(repo, owner):
    card = (
        b"---\npipeline_tag: text-classification\nlibrary_name: transformers\nlicense: mit\nlanguage: pl\n---\n# Hi\n"
    )
    commit = commit_content(repo, {"README.md": card, "weights.bin": b"\0\1\2"}, lfs=("weights.bin",))

    info = owner.get("/api/models/ANN/Model?blobs=true").json()

    assert (info["id"], info["sha"], info["author"], info["private"]) == ("ann/model", commit.oid, "ann", False)
    assert (info["pipeline_tag"], info["library_name"]) == ("text-classification", "transformers")
    assert {"text-classification", "transformers", "license:mit", "pl"} <= set(info["tags"])
    assert info["cardData"]["license"] == "mit"
    assert INSTANT.fullmatch(info["lastModified"])
    assert INSTANT.fullmatch(info["createdAt"])
    weights = next(one for one in info["siblings"] if one["rfilename"] == "weights.bin")
    assert weights["size"] == 3
    assert set(weights["lfs"]) == {"size", "sha256", "pointerSize"}


def test_info_of_an_older_revision_lists_its_files_and_claims_no_facts(repo, owner):
    first = commit_content(repo, {"README.md": b"---\nlicense: mit\n---\n"})
    commit_content(repo, {"a.txt": b"a"})

    info = owner.get(f"/api/models/ann/model/revision/{first.oid}").json()

    assert info["sha"] == first.oid
    assert [one["rfilename"] for one in info["siblings"]] == [".gitattributes", "README.md"]
    assert "cardData" not in info


def test_expand_returns_what_was_asked_and_refuses_the_unknown(repo, owner):
    asked = owner.get("/api/models/ann/model?expand=private&expand=downloads&expand[]=gguf").json()
    unknown = owner.get("/api/models/ann/model?expand=everything")

    assert set(asked) == {"_id", "id", "private", "downloads"}
    assert unknown.status_code == 400
    assert 'expected one of "' in unknown["X-Error-Message"]


@pytest.mark.parametrize(
    ("kind", "known"),
    [("model", ExpandModelProperty_T), ("dataset", ExpandDatasetProperty_T), ("space", ExpandSpaceProperty_T)],
)
def test_expand_names_exactly_what_the_client_may_ask_for(ann, owner, kind, known):
    RepoFactory(actor=ann, kind=kind, name="any")

    told = owner.get(f"/api/{kind}s/ann/any?expand=everything")["X-Error-Message"]

    assert set(re.findall(r'"([^"]+)"', told.split("expected one of ")[1])) - INTERNAL == set(get_args(known))


def test_front_matter_cannot_break_the_clients_parsing(repo, owner):
    card = b"---\nself: 1\nignore_metadata_errors: false\ntags: 5\nmodel-index: oops\nlicense: mit\n1: one\n---\n"
    commit_content(repo, {"README.md": card})

    data = owner.get("/api/models/ann/model").json().get("cardData") or {}

    assert not {"self", "ignore_metadata_errors", "tags", "model-index"} & set(data)
    assert all(isinstance(key, str) for key in data)


def test_an_unknown_revision_is_told(repo, owner):
    response = owner.get("/api/models/ann/model/revision/nothing")

    assert response.status_code == 404
    assert response["X-Error-Code"] == "RevisionNotFound"


def test_lists_show_what_the_reader_may_see(private_repo, repo, owner, stranger):
    to_owner = [one["id"] for one in owner.get("/api/models").json()]
    to_stranger = [one["id"] for one in stranger.get("/api/models").json()]

    assert sorted(to_owner) == ["ann/model", "ann/secret"]
    assert to_stranger == ["ann/model"]


def test_lists_filter_by_all_tags_author_and_task(ann, owner):
    for name, card in {
        "one": b"---\npipeline_tag: text-classification\nlanguage: pl\nlicense: mit\n---\n",
        "two": b"---\npipeline_tag: text-classification\nlanguage: de\nlicense: mit\n---\n",
    }.items():
        commit_content(RepoFactory(actor=ann, name=name), {"README.md": card})

    def ids(query: str) -> list[str]:
        return sorted(one["id"] for one in owner.get(f"/api/models?{query}").json())

    assert ids("filter=license:mit&filter=pl") == ["ann/one"]
    assert ids("pipeline_tag=text-classification") == ["ann/one", "ann/two"]
    assert ids("author=ANN&filter=de") == ["ann/two"]
    assert ids("author=nobody") == []
    assert ids("inference=warm") == []


def test_pages_are_linked_by_absolute_addresses_that_keep_the_filters(ann, owner):
    for number in range(5):
        RepoFactory(actor=ann, name=f"model-{number}")
    seen, path = [], "/api/models?author=ann&limit=2&sort=createdAt&direction=-1"

    while path:
        response = owner.get(path, SERVER_NAME="localhost", SERVER_PORT="8000")
        seen += [one["id"] for one in response.json()]
        link = re.fullmatch(r'<http://localhost:8000(/api/models\?[^>]+)>; rel="next"', response.get("Link", ""))
        path = link[1] if link else ""

    assert seen == [f"ann/model-{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "query", ["sort=name", "direction=1", "limit=x", "expand=nope", "cursor=abc", "num_parameters=many"]
)
def test_bad_lists_are_400(query, repo, owner):
    assert owner.get(f"/api/models?{query}").status_code == 400


def test_full_lists_have_files_and_cost_a_fixed_number_of_queries(ann, owner, django_assert_max_num_queries):
    for number in range(4):
        commit_content(RepoFactory(actor=ann, name=f"model-{number}"), {"a.txt": b"a", "dir/b.txt": b"b"})
    owner.get("/api/models")  # the token's last use is noted now and then

    with django_assert_max_num_queries(4):
        found = owner.get("/api/models?full=true&cardData=true&config=true").json()

    assert [[file["rfilename"] for file in one["siblings"]] for one in found] == [
        [".gitattributes", "a.txt", "dir/b.txt"]
    ] * 4


def test_datasets_are_listed_apart(ann, owner, repo):
    RepoFactory(actor=ann, name="data", kind="dataset")

    assert [one["id"] for one in owner.get("/api/datasets?full=true").json()] == ["ann/data"]


def test_a_team_member_reads_private_repos_of_the_team(ann):
    carl = UserFactory(name="carl")
    team = OrganisationFactory(name="acme", admin=ann, members={"read": [carl]})
    RepoFactory(actor=ann, namespace=team.namespace, name="inner", visibility="private")
    member = Caller(token_of(carl))

    assert member.get("/api/models/acme/inner").status_code == 200
    assert member.commit("acme/inner", file_line("a.txt", b"a")).status_code == 403


@pytest.mark.parametrize("path", ["/api/agent-harnesses", "/api/telemetry/transformers"])
def test_small_questions_are_answered_at_once(path, stranger):
    assert stranger.get(path).status_code == 200
    assert stranger.head(path).status_code == 200


def test_validation_answers_uploads_in_json_and_cards_in_text(stranger):
    def ask(content, accept):
        return stranger.json(
            "POST", "/api/validate-yaml", {"content": content, "repoType": "model"}, headers={"Accept": accept}
        )

    good = ask("---\nlicense: mit\n---\n", "*/*")
    empty = ask("# Hello", "*/*")
    broken = ask("---\nlicense: [mit\n---\n", "*/*")
    scores = ask("---\nlicense: mit\nmodel-index: foo\n---\n", "*/*")
    odd = ask("---\nlicense: my-own\n---\n", "text/plain")

    assert (good.status_code, good.json()) == (200, {"errors": [], "warnings": []})
    assert empty.json()["warnings"] == [{"message": "empty or missing yaml metadata in repo card"}]
    assert broken.status_code == 400
    assert broken.json()["errors"][0]["message"]
    assert (scores.status_code, scores.json()["errors"]) == (400, [{"message": '"model-index": It must be a list.'}])
    assert odd.status_code == 400
    assert odd.content.startswith(b'- Error: "license" must be one of [')


def test_rights_are_checked_without_doing_anything(*, repo, private_repo, owner, reader, other, stranger):
    def statuses(path: str) -> list[int]:
        return [caller.get(f"/api/models/ann/{path}").status_code for caller in (owner, reader, other, stranger)]

    assert statuses("model/auth-check") == [200, 200, 200, 200]
    assert statuses("model/auth-check/write") == [200, 403, 403, 401]
    assert statuses("secret/auth-check") == [200, 200, 404, 401]


def test_a_mirror_is_read_only_and_says_so(repo, ann, owner):
    Mirror.objects.create(repo=repo, source="huggingface", endpoint="https://example.org", upstream_name="x/y")

    response = owner.commit("ann/model", file_line("a.txt", b"a"))

    assert response.status_code == 403
    assert "mirror" in response.json()["error"]
