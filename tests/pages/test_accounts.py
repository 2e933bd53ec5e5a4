import re

import pytest
from django.core import mail
from django.test import override_settings

from catalog.actions.people import accounts, sign_in
from catalog.errors import BadInput
from catalog.models import AccessToken, Membership, User
from tests.factories import OrganisationFactory, UserFactory, token_of
from tests.pages.looking import text_of
from tests.raw_client import RawClient
from tests.sessions import an_hour_ago

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-secret"


def is_signed_in(client) -> bool:
    return client.get("/settings/profile").status_code == 200


def test_a_one_time_link_sets_a_password_once_and_signs_in(client):
    # given
    link = accounts.password_link(UserFactory(name="ann"))

    # when
    response = client.post(link, {"new_password1": PASSWORD, "new_password2": PASSWORD})

    # then
    assert response.status_code == 302
    assert is_signed_in(client)
    assert RawClient().get(link).status_code == 404  # used up
    other = RawClient()
    other.post("/login", {"username": "Ann", "password": PASSWORD})  # in any case
    assert is_signed_in(other)


@pytest.mark.parametrize("link", ["/join/MQ/x-y", "/join/!!/x", "/join/zzzz/abc-def"])
def test_a_broken_link_says_so(client, link):
    response = client.get(link)

    assert response.status_code == 404
    assert "This link is over" in text_of(response)


def test_a_weak_password_is_refused_with_its_reason(client):
    link = accounts.password_link(UserFactory(name="ann"))

    response = client.post(link, {"new_password1": "12345", "new_password2": "12345"})

    assert response.status_code == 422
    assert "too short" in text_of(response)
    assert not is_signed_in(client)


def test_wrong_passwords_say_nothing_about_the_account_and_run_out(client):
    # given
    UserFactory(name="ann", password=PASSWORD)

    # when
    known = client.post("/login", {"username": "ann", "password": "wrong"})
    unknown = client.post("/login", {"username": "xyz", "password": "wrong"})

    # then
    assert known.status_code == unknown.status_code == 422
    assert text_of(known) == text_of(unknown)
    for _ in range(9):
        client.post("/login", {"username": "ann", "password": "wrong"})
    refused = client.post("/login", {"username": "ann", "password": PASSWORD})
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("target", "where"),
    [("/models?q=x", "/models?q=x"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("javascript:x", "/")],
)
def test_signing_in_leads_only_into_this_site(client, target, where):
    UserFactory(name="ann", password=PASSWORD)

    response = client.post("/login", {"username": "ann", "password": PASSWORD, "next": target})

    assert response["Location"] == where


def test_signing_out_needs_a_post(signed_in):
    person = signed_in(UserFactory())

    assert person.get("/logout").status_code == 405
    assert is_signed_in(person)
    person.post("/logout")
    assert not is_signed_in(person)


def test_forms_without_the_csrf_token_change_nothing():
    # given
    user = UserFactory()
    person = RawClient(enforce_csrf_checks=True)
    person.force_login(user)

    # when
    response = person.post("/settings/tokens", {"name": "x", "role": "write", "lifetime_days": 5})

    # then
    assert response.status_code == 403
    assert "This form has expired" in text_of(response)
    assert not user.tokens.exists()


def test_a_token_is_shown_once_and_works(signed_in):
    # given
    user = UserFactory()
    person = signed_in(user)

    # when
    answer = person.post("/settings/tokens", {"name": "laptop", "role": "write", "lifetime_days": 30})

    # then
    secret = re.search(r'id="secret">(hf_[A-Za-z0-9]{40})<', answer.content.decode())[1]
    whoami = RawClient().get("/api/whoami-v2", headers={"Authorization": f"Bearer {secret}"})
    assert whoami.json()["name"] == user.username
    assert secret not in person.get("/settings/tokens").content.decode()
    assert secret[-4:] in text_of(person.get("/settings/tokens"))


def test_nobody_revokes_the_token_of_somebody_else(signed_in):
    # given
    owner, other = UserFactory(), UserFactory()
    token_of(owner)
    token = AccessToken.objects.get(user=owner)

    # then
    assert signed_in(other).post(f"/settings/tokens/{token.pk}/revoke").status_code == 404
    signed_in(owner).post(f"/settings/tokens/{token.pk}/revoke")
    assert not AccessToken.objects.filter(pk=token.pk).exists()


def test_a_token_name_is_taken_once(signed_in):
    person = signed_in(UserFactory())
    asked = {"name": "laptop", "role": "read", "lifetime_days": 30}

    person.post("/settings/tokens", asked)
    again = person.post("/settings/tokens", asked)

    assert again.status_code == 422
    assert "laptop" in text_of(again)


def test_a_forgotten_password_answers_the_same_for_everybody(client):
    UserFactory(name="ann", email="ann@example.org")

    known = client.post("/reset", {"asked": "ann"})
    unknown = client.post("/reset", {"asked": "nobody"})

    assert text_of(known) == text_of(unknown)
    assert "console" in text_of(known)  # without mail, the page is honest about it


@override_settings(EMAIL_URL="smtp://localhost", EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_a_forgotten_password_is_mailed_as_a_link_that_works(client):
    # given
    UserFactory(name="ann", email="ann@example.org")

    # when
    client.post("/reset", {"asked": "ANN@example.org"})

    # then
    sign_in._letters.submit(lambda: None).result(timeout=30)  # letters leave in order
    (letter,) = mail.outbox
    assert letter.to == ["ann@example.org"]
    link = re.search(r"http://testserver(/join/\S+)", letter.body)[1]
    assert "Choose a password for ann" in text_of(client.get(link))


def test_only_administrators_make_links_for_others(signed_in):
    # given
    UserFactory(name="ann")

    # then
    assert signed_in(UserFactory()).post("/settings/link/ann").status_code == 403
    shown = signed_in(UserFactory(is_admin=True)).post("/settings/link/ann")
    assert "http://testserver/join/" in text_of(shown)


def test_the_theme_is_a_cookie_that_the_page_obeys(client):
    client.post("/settings/theme", {"theme": "dark", "next": "//evil.example"})

    assert client.cookies["theme"].value == "dark"
    assert 'data-theme="dark"' in client.get("/").content.decode()
    client.post("/settings/theme", {"theme": "system", "next": "/models"})
    assert "data-theme=" not in client.get("/").content.decode().split("<head>")[0]


def test_a_team_is_founded_and_run_by_its_administrator(signed_in):
    # given
    ann, bo = UserFactory(name="ann"), UserFactory(name="bo")
    founder = signed_in(ann)

    # when
    founder.post("/teams/new", {"name": "zespol", "full_name": "Zespół", "default_visibility": "private"})
    founder.post("/teams/zespol", {"username": "BO", "role": "write"})

    # then
    assert Membership.objects.get(user=bo).role == "write"
    assert signed_in(bo).post("/teams/zespol", {"username": "ann", "role": "read"}).status_code == 403
    founder.post("/teams/zespol/members/bo", {"role": "remove"})
    assert not Membership.objects.filter(user=bo).exists()


@pytest.mark.parametrize("role", ["read", "remove"])
def test_the_last_administrator_stays(signed_in, role):
    ann = UserFactory(name="ann")
    OrganisationFactory(name="zespol", admin=ann)

    answer = signed_in(ann).post("/teams/zespol/members/ann", {"role": role}, follow=True)

    assert "A team needs an administrator" in text_of(answer)
    assert Membership.objects.get(user=ann).role == "admin"


def test_a_reserved_or_taken_team_name_is_refused_in_the_form(signed_in):
    person = signed_in(UserFactory(name="ann"))

    for name in ("models", "ANN"):
        answer = person.post("/teams/new", {"name": name, "default_visibility": "public"})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.content.decode()


MINTING = [
    ("/settings/tokens", {"name": "x", "role": "write", "lifetime_days": 5}),
    ("/settings/tokens/fine-grained", {"name": "x", "lifetime_days": 5, "place-0-where": "victim"}),
    ("/settings/profile", {"full_name": "", "email": "mallory@example.org"}),
    ("/settings/link/victim", {}),
]


@pytest.mark.parametrize(("address", "fields"), MINTING)
def test_what_leads_to_new_credentials_needs_a_password_typed_lately(signed_in, address, fields):
    # given
    admin = UserFactory(is_admin=True, password=PASSWORD)
    UserFactory(name="victim")
    person = signed_in(admin)
    an_hour_ago(person)

    # when
    late = person.post(address, fields)

    # then
    assert late["Location"].startswith("/login?again=yes&next=%2F")
    assert not admin.tokens.exists()
    assert User.objects.get(pk=admin.pk).email == ""
    assert person.get(late["Location"]).status_code == 200  # the form, though somebody is signed in
    person.post("/login", {"username": admin.username, "password": PASSWORD})
    assert "/login" not in person.post(address, fields).get("Location", "")


@pytest.mark.parametrize(("address", "fields"), MINTING)
@pytest.mark.parametrize("role", ["read", "write"])
def test_a_token_never_leads_to_new_credentials(client, address, fields, role):
    admin = UserFactory(is_admin=True)
    UserFactory(name="victim")
    header = {"Authorization": f"Bearer {token_of(admin, role)}"}

    answer = client.post(address, fields, headers=header)

    assert answer.status_code == 403
    assert "/join/" not in answer.content.decode()
    assert admin.tokens.count() == 1
    assert User.objects.get(pk=admin.pk).email == ""


@override_settings(EMAIL_URL="smtp://localhost", EMAIL_BACKEND="tests.sessions.NoMailServer")
def test_a_mail_server_that_is_away_does_not_tell_who_has_an_account(client):
    UserFactory(name="ann", email="ann@example.org")

    known, unknown = (client.post("/reset", {"asked": name}) for name in ("ann", "nobody"))

    assert (known.status_code, text_of(known)) == (200, text_of(unknown))


def test_who_is_blocked_is_out_at_once_and_comes_back_with_what_they_had(signed_in):
    user = UserFactory(password=PASSWORD)
    person, header = signed_in(user), {"Authorization": f"Bearer {token_of(user)}"}

    accounts.block(user=user, actor=None)

    assert not is_signed_in(person)
    assert RawClient().get("/api/whoami-v2", headers=header).status_code == 401
    assert RawClient().post("/login", {"username": user.username, "password": PASSWORD}).status_code == 422
    accounts.unblock(user=user, actor=None)
    assert is_signed_in(person)
    assert RawClient().get("/api/whoami-v2", headers=header).status_code == 200


def test_the_last_administrator_cannot_be_blocked():
    admin = UserFactory(is_admin=True)

    with pytest.raises(BadInput):
        accounts.block(user=admin, actor=None)
    UserFactory(is_admin=True)
    accounts.block(user=admin, actor=None)
