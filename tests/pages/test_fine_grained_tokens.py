"""The form for a token that reaches some places only; it works without scripts."""

from __future__ import annotations

import re

import pytest

from catalog.models import AccessToken, TokenGrant
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, token_of
from tests.pages.looking import text_of
from tests.raw_client import RawClient
from tests.sessions import an_hour_ago

pytestmark = pytest.mark.django_db
HERE = "/settings/tokens/fine-grained"


@pytest.fixture
def ann():
    return UserFactory(name="ann")


@pytest.fixture
def person(ann, signed_in):
    return signed_in(ann)


def filled(*places, name="CI", days=30, rows=3, **more):
    """The form with these (where, role) in its rows."""
    typed = {f"place-{number}-where": "" for number in range(rows)} | {f"place-{n}-role": "read" for n in range(rows)}
    for number, (where, role) in enumerate(places):
        typed |= {f"place-{number}-where": where, f"place-{number}-role": role}
    return {"name": name, "lifetime_days": days, "rows": rows, **typed, **more}


def values_of(answer, name):
    return re.findall(rf'name="{name}" value="([^"]*)"', answer.content.decode())


def test_a_token_for_some_places_is_made_shown_once_and_reaches_those_alone(ann, person):
    RepoFactory(actor=ann, name="open", visibility="private")
    RepoFactory(actor=ann, name="closed", visibility="private")
    OrganisationFactory(name="acme", admin=ann)

    answer = person.post(HERE, filled(("ann/open", "write"), ("acme", "read")))

    secret = re.search(r'id="secret">(hf_[A-Za-z0-9]{40})<', answer.content.decode())[1]
    headers = {"Authorization": f"Bearer {secret}"}
    assert RawClient().get("/api/models/ann/open", headers=headers).status_code == 200
    assert RawClient().get("/api/models/ann/closed", headers=headers).status_code == 404
    token = AccessToken.objects.get(name="CI")
    assert {(one.place, one.role) for one in token.grants.all()} == {("models/ann/open", "write"), ("acme", "read")}
    listed = text_of(person.get("/settings/tokens"))
    assert "write: models/ann/open" in listed
    assert "read: acme" in listed
    assert secret not in listed


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_each_kind_of_repo_is_named_as_its_address_says(kind, ann, person):
    repo = RepoFactory(actor=ann, name="x", kind=kind)

    person.post(HERE, filled((f"/{kind}s/ann/x/", "admin")))

    assert TokenGrant.objects.get().repo == repo


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([], "Name at least one place."),
        ([("nobody", "read")], "there is nobody named"),
        ([("ann/missing", "read")], "Repository not found"),
        ([("bob/secret", "read")], "Repository not found"),
        ([("things/ann/x", "read")], "A grant is about a user, a team, or models"),
        ([("ann", "read"), ("ANN", "write")], "This place is named above already."),
        ([("ann", "owner")], "owner is not one of the available choices"),
    ],
)
def test_what_is_wrong_is_told_beside_its_row_and_nothing_is_lost(places, said, ann, person):
    RepoFactory(actor=UserFactory(name="bob"), name="secret", visibility="private")

    answer = person.post(HERE, filled(*places))

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert values_of(answer, "name") == ["CI"]
    assert [where for number in range(3) for where in values_of(answer, f"place-{number}-where")] == [
        where for where, _role in places
    ]
    assert not AccessToken.objects.exists()


def test_a_name_that_is_taken_and_a_time_too_long_are_told(ann, person):
    token_of(ann)

    taken = person.post(HERE, filled(("ann", "read"), name="token 0"))
    long = person.post(HERE, filled(("ann", "read"), days=400))

    assert (taken.status_code, long.status_code) == (422, 422)
    assert "There is a token named" in text_of(taken)
    assert "less than or equal to 365" in text_of(long)


def test_more_rows_come_without_scripts_and_keep_what_was_typed(ann, person):
    answer = person.post(HERE, filled(("ann", "write"), ("acme", "admin"), name="", more="yes"))

    assert answer.status_code == 200
    assert values_of(answer, "rows") == ["6"]
    assert values_of(answer, "place-1-where") == ["acme"]
    assert re.search(r'<select name="place-1-role".*?value="admin" selected', answer.content.decode(), re.DOTALL)
    assert 'class="errors"' not in answer.content.decode()
    many = person.post(HERE, filled(rows=100, more="yes"))
    assert values_of(many, "rows") == ["100"]
    assert values_of(person.post(HERE, {"rows": "x", "more": "yes"}), "rows") == ["4"]


def test_own_namespaces_and_repos_are_offered_and_nobody_elses(ann, person):
    RepoFactory(actor=ann, name="mine")
    OrganisationFactory(name="acme", admin=UserFactory(), members={"read": [ann]})
    RepoFactory(actor=UserFactory(name="bob"), name="theirs")

    shown = person.get(HERE).content.decode()

    assert re.findall(r'<option value="([^"]+)"></option>', shown) == ["acme", "ann", "models/ann/mine"]


def test_it_needs_a_password_typed_lately_before_anything_is_typed(ann, person):
    an_hour_ago(person)

    for answer in (person.get(HERE), person.post(HERE, filled(("ann", "write")))):
        assert answer["Location"] == "/login?again=yes&next=%2Fsettings%2Ftokens%2Ffine-grained"
    assert not AccessToken.objects.exists()
