"""Tokens that are for some repos only: no more than they name, never more than their owner may."""

from __future__ import annotations

import pytest

from catalog.actions import repos
from catalog.models import AccessToken, Membership
from tests.catalog.hub_api.conftest import Caller, body_of, file_line
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, token_of
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return UserFactory(name="ann")


@pytest.fixture
def secret_repo(ann):
    return RepoFactory(actor=ann, name="secret", visibility="private")


@pytest.fixture
def other_repo(ann):
    return RepoFactory(actor=ann, name="other", visibility="private")


def status(caller, path):
    return caller.get(path).status_code


def write(caller, name):
    return caller.commit(f"ann/{name}", file_line("a.txt", b"a")).status_code


@pytest.mark.parametrize("on_repo", [True, False], ids=["one repo", "the namespace"])
@pytest.mark.parametrize(
    "answers", [("read", 403, 403), ("write", 200, 403), ("admin", 200, 200)], ids=lambda one: one[0]
)
def test_a_grant_gives_its_role_where_it_says(answers, on_repo, ann, secret_repo):
    role, written, changed = answers
    caller = Caller(token_of(ann, grants=[(secret_repo if on_repo else "ann", role)]))

    assert status(caller, "/api/models/ann/secret") == 200
    assert write(caller, "secret") == written
    assert caller.json("PUT", "/api/models/ann/secret/settings", {"gated": "auto"}).status_code == changed


def test_what_it_does_not_name_is_not_there(ann, secret_repo, other_repo):
    caller = Caller(token_of(ann, grants=[(secret_repo, "write")]))

    missing, hidden = caller.get("/api/models/ann/nothing"), caller.get("/api/models/ann/other")

    assert (hidden.status_code, hidden["X-Error-Code"]) == (missing.status_code, missing["X-Error-Code"])
    assert write(caller, "other") == 404
    listed = {one["id"] for one in caller.get("/api/models?author=ann").json()}
    assert listed == {"ann/secret"}
    assert caller.get("/api/users/ann/overview").json()["numModels"] == 1
    assert {one["id"] for one in caller.get("/api/v1/models?author=ann").json()["results"]} == {"ann/secret"}


def test_public_repos_are_read_and_not_written(ann, secret_repo):
    RepoFactory(actor=ann, name="open")
    caller = Caller(token_of(ann, grants=[(secret_repo, "write")]))

    assert status(caller, "/api/models/ann/open") == 200
    assert write(caller, "open") == 403


def test_it_makes_repos_in_namespaces_it_writes_to_and_nowhere_else(ann):
    OrganisationFactory(name="acme", admin=ann)
    caller = Caller(token_of(ann, grants=[("acme", "write")]))

    inside = caller.json("POST", "/api/repos/create", {"name": "new", "organization": "acme"})
    outside = caller.json("POST", "/api/repos/create", {"name": "new"})

    assert (inside.status_code, outside.status_code) == (200, 403)


def test_it_never_exceeds_what_its_owner_may_now(ann):
    team = OrganisationFactory(name="acme", members={"write": [ann]})
    RepoFactory(actor=team.memberships.get(role="admin").user, namespace=team.namespace, name="m", visibility="private")
    caller = Caller(token_of(ann, grants=[("acme", "admin")]))
    assert caller.commit("acme/m", file_line("a.txt", b"a")).status_code == 200

    Membership.objects.filter(user=ann).update(role="read")
    assert caller.commit("acme/m", file_line("a.txt", b"b")).status_code == 403
    Membership.objects.filter(user=ann).delete()
    assert status(caller, "/api/models/acme/m") == 404


def test_an_administrators_token_reaches_no_further_than_it_names(ann, secret_repo, other_repo):
    caller = Caller(token_of(UserFactory(is_admin=True), grants=[(secret_repo, "read")]))

    assert [status(caller, f"/api/models/ann/{name}") for name in ("secret", "other")] == [200, 404]
    assert write(caller, "secret") == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/settings/webhooks"), ("GET", "/api/settings/repositories"), ("GET", "/api/v1/tokens"),
        ("POST", "/api/models/ann/open/like"), ("POST", "/api/settings/webhooks"), ("POST", "/api/collections"),
        ("PUT", "/api/v1/models/ann/open/rating"), ("POST", "/api/v1/tokens"),
        ("POST", "/api/models/ann/open/discussions"), ("POST", "/settings/tokens"), ("POST", "/settings/profile"),
        ("GET", "/settings/tokens"), ("GET", "/settings/webhooks"), ("POST", "/teams/new"),
    ],
)  # fmt: skip
def test_it_does_nothing_in_its_owners_name_elsewhere(method, path, ann, secret_repo):
    RepoFactory(actor=UserFactory(name="bob"), name="open")
    secret = token_of(ann, grants=[(secret_repo, "admin")])
    headers = {"Authorization": f"Bearer {secret}"}

    options = {} if method == "GET" else {"data": "{}", "content_type": "application/json"}
    answer = getattr(RawClient(), method.lower())(path.replace("ann/open", "bob/open"), headers=headers, **options)

    assert answer.status_code == 403


def test_a_gate_opens_only_for_what_it_names(ann, secret_repo):
    repos.change_settings(repo=secret_repo, visibility="public", gate="manual", actor=ann)
    inside, outside = (
        Caller(token_of(ann, grants=[(place, "read")])) for place in (secret_repo, RepoFactory(actor=ann))
    )

    assert body_of(inside.get("/ann/secret/resolve/main/.gitattributes"))
    assert outside.get("/ann/secret/resolve/main/.gitattributes")["X-Error-Code"] == "GatedRepo"


def test_the_store_of_xet_and_signed_addresses_reach_no_further(ann, secret_repo, other_repo):
    whole, narrow = Caller(token_of(ann)), Caller(token_of(ann, grants=[(secret_repo, "write")]))

    assert whole.get("/api/models/ann/other/xet-write-token/main").status_code == 200
    assert narrow.get("/api/models/ann/other/xet-write-token/main").status_code == 404
    assert narrow.get("/api/models/ann/secret/xet-write-token/main").status_code == 200


def test_who_asks_for_one_names_what_they_may_see(ann, secret_repo):
    stranger = UserFactory()
    browser = RawClient()
    browser.force_login(stranger)

    def ask(**fields):
        body = {"name": "x", "role": "fineGrained", **fields}
        return browser.post("/api/v1/tokens", body, content_type="application/json")

    hidden = ask(grants=[{"on": "models/ann/secret", "role": "read"}])
    absent = ask(grants=[{"on": "models/ann/nothing", "role": "read"}])
    empty, plain = ask(), ask(role="read", grants=[{"on": "ann", "role": "read"}])
    made = ask(grants=[{"on": "ann", "role": "write"}])

    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert (empty.status_code, plain.status_code, made.status_code) == (400, 400, 201)
    me = Caller(made.json()["token"]).get("/api/whoami-v2").json()["auth"]["accessToken"]
    assert me["role"] == "fineGrained"
    assert me["fineGrained"]["scoped"][0]["entity"]["name"] == "ann"
    assert write(Caller(made.json()["token"]), "secret") == 404
    assert AccessToken.objects.get(user=stranger).grants.count() == 1
