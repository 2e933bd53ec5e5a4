"""Who brings deleted repos back, under which name, and within which quota: on the page and over the API."""

from __future__ import annotations

import json

import pytest

from catalog.actions import quotas, repos
from catalog.actions.upkeep import purge
from catalog.models import AuditEntry, Repo, RepoEvent
from catalog.queries import integrity
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content, token_of
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db

LIST = "/api/v1/deleted-repos"


def ask(method, path, user=None, body=None, role="write"):
    headers = {"Authorization": f"Bearer {token_of(user, role)}"} if user else {}
    return RawClient().generic(method, path, json.dumps(body or {}), content_type="application/json", headers=headers)


def listed(user, **query):
    answer = RawClient().get(LIST, query, headers={"Authorization": f"Bearer {token_of(user)}"})
    return [one["name"] for one in answer.json()["results"]]


@pytest.fixture
def people():
    reader, writer, stranger, team_admin = (UserFactory(name=name) for name in ("rea", "wri", "str", "adm"))
    team = OrganisationFactory(name="acme", admin=team_admin, members={"read": [reader], "write": [writer]})
    site_admin = UserFactory(name="root2", is_admin=True)
    return {"reader": reader, "writer": writer, "stranger": stranger, "team admin": team_admin,
            "site admin": site_admin, "anonymous": None, "team": team}  # fmt: skip


@pytest.fixture
def gone(people):
    """A private repo of the team, deleted."""
    repo = RepoFactory(namespace=people["team"].namespace, name="Gone", visibility="private", actor=people["writer"])
    commit_content(repo, {"w.bin": b"w" * 1000}, lfs=("w.bin",))
    repos.delete_repo(repo=repo, actor=people["writer"])
    return repo


MATRIX = [
    # who, list, restore, delete for good
    ("anonymous", 401, 401, 401),
    ("stranger", [], 404, 404),
    ("reader", [], 404, 404),
    ("writer", [], 404, 404),
    ("team admin", ["acme/Gone"], 200, 204),
    ("site admin", ["acme/Gone"], 200, 204),
]


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row[0])
def test_everybody_sees_what_they_may_restore(people, gone, row):
    who, seen, *expected = row
    user, address = people[who], f"{LIST}/{gone.public_id}"

    assert (listed(user) if user else ask("GET", LIST).status_code) == seen
    if expected[0] == 200:
        assert ask("POST", f"{address}/restore", user, role="read").status_code == 403
    restored = ask("POST", f"{address}/restore", user)
    Repo.objects.filter(pk=gone.pk, deleted_at=None).update(deleted_at=gone.deleted_at)
    given_up = ask("DELETE", f"{address}?confirm=acme/Gone", user)

    assert [restored.status_code, given_up.status_code] == expected
    absent = ask("POST", f"{LIST}/{'0' * 24}/restore", user)
    if expected[0] == 404:  # there, or not there: the same answer
        same = ("error", "error_code", "details")
        assert [absent.json()[key] for key in same] == [restored.json()[key] for key in same]


def test_a_restored_repo_is_as_it_was_and_its_story_is_told(people, gone):
    admin = people["team admin"]
    (row,) = RawClient().get(LIST, headers={"Authorization": f"Bearer {token_of(admin)}"}).json()["results"]

    answer = ask("POST", f"{LIST}/{row['id']}/restore", admin)

    assert (row["kind"], row["visibility"], row["name_is_taken"]) == ("model", "private", False)
    assert row["size_bytes"] >= 1000
    assert answer.json() == {"kind": "model", "name": "acme/Gone", "visibility": "private"}
    assert list(integrity.problems(with_data=True)) == []
    entry = AuditEntry.objects.get(action="repo.undelete")
    assert (entry.actor, entry.target, entry.details) == (admin, "models/acme/Gone", {"public_id": gone.public_id})
    assert RepoEvent.objects.filter(repo=gone, action="create", details={"restored": True}).exists()
    assert listed(admin) == []


def test_a_name_in_use_again_asks_for_another(people, gone):
    admin = people["team admin"]
    RepoFactory(namespace=people["team"].namespace, name="gone", actor=admin)

    taken = ask("POST", f"{LIST}/{gone.public_id}/restore", admin)
    other = ask("POST", f"{LIST}/{gone.public_id}/restore", admin, {"name": "Gone-2"})

    assert (taken.status_code, taken["X-Error-Code"]) == (409, "NameTaken")
    assert "another name" in taken.json()["error"]
    assert other.json()["name"] == "acme/Gone-2"
    assert AuditEntry.objects.get(action="repo.undelete").details["former"] == "models/acme/Gone"
    assert ask("GET", "/api/models/acme/Gone-2", admin).status_code == 200


@pytest.mark.parametrize("name", ["no good", "a..b", ".git"])
def test_another_name_follows_the_rules(people, gone, name):
    answer = ask("POST", f"{LIST}/{gone.public_id}/restore", people["team admin"], {"name": name})

    assert (answer.status_code, answer["X-Error-Code"]) == (400, "InvalidName")
    assert not Repo.objects.live().filter(pk=gone.pk).exists()


def test_what_comes_back_must_fit_the_quota(people, gone):
    admin, namespace = people["team admin"], people["team"].namespace
    quotas.set_limit(namespace=namespace, limit_bytes=500, actor=None)

    refused = ask("POST", f"{LIST}/{gone.public_id}/restore", admin)
    quotas.set_limit(namespace=namespace, limit_bytes=None, actor=None)

    assert (refused.status_code, refused["X-Error-Code"]) == (413, "QuotaExceeded")
    assert not Repo.objects.live().filter(pk=gone.pk).exists()
    assert ask("POST", f"{LIST}/{gone.public_id}/restore", admin).status_code == 200


def test_given_up_means_gone_at_the_next_collection(people, gone):
    admin = people["team admin"]
    unsure = ask("DELETE", f"{LIST}/{gone.public_id}?confirm=acme/other", admin)

    sure = ask("DELETE", f"{LIST}/{gone.public_id}?confirm=acme/Gone", admin)

    assert (unsure.status_code, sure.status_code) == (400, 204)
    assert ask("POST", f"{LIST}/{gone.public_id}/restore", admin).status_code == 404
    assert purge.purge_deleted() == 1
    assert not Repo.objects.filter(pk=gone.pk).exists()
    assert AuditEntry.objects.get(action="repo.give_up").actor == admin


def test_the_list_comes_in_pages_and_by_owner(people, gone):
    admin = people["team admin"]
    own = RepoFactory(actor=admin, name="mine", kind="dataset")
    repos.delete_repo(repo=own, actor=admin)
    headers = {"Authorization": f"Bearer {token_of(admin)}"}

    first = RawClient().get(LIST, {"limit": 1}, headers=headers).json()
    second = RawClient().get(first["next"].removeprefix("http://testserver"), headers=headers).json()

    assert [one["name"] for one in first["results"] + second["results"]] == ["adm/mine", "acme/Gone"]
    assert second["next"] is None
    assert listed(admin, owner="ACME") == ["acme/Gone"]
    assert RawClient().get(LIST, {"cursor": "x"}, headers=headers).status_code == 400


def test_the_page_restores_and_gives_up(people, gone):
    browser = RawClient()
    assert browser.get("/settings/deleted").status_code == 302
    browser.force_login(people["team admin"])
    RepoFactory(namespace=people["team"].namespace, name="gone", actor=people["writer"])
    address = f"/settings/deleted/{gone.public_id}"

    shown = browser.get("/settings/deleted?owner=acme").content.decode()
    refused = browser.post(f"{address}/restore", {"name": "gone"}, follow=True).content.decode()
    unsure = browser.post(f"{address}/give-up", {"typed_name": "acme/no"}, follow=True).content.decode()
    restored = browser.post(f"{address}/restore", {"name": "Gone-2"})

    assert 'value="Gone-restored"' in shown
    assert "\u00a0kB" in shown
    assert "restore this one under another name" in refused
    assert "Nothing was deleted" in unsure
    assert restored["Location"] == "/acme/Gone-2"
    repos.delete_repo(repo=Repo.objects.get(pk=gone.pk), actor=people["writer"])
    browser.post(f"{address}/give-up", {"typed_name": "acme/Gone-2"})
    assert "nothing to restore" in browser.get("/settings/deleted").content.decode()


def test_a_page_of_others_is_missing_to_a_stranger(people, gone):
    browser = RawClient()
    browser.force_login(people["stranger"])

    for path in (f"{gone.public_id}/restore", f"{gone.public_id}/give-up", f"{'0' * 24}/restore"):
        assert browser.post(f"/settings/deleted/{path}", {"typed_name": "acme/Gone"}).status_code == 404
    assert "acme" not in browser.get("/settings/deleted").content.decode()
