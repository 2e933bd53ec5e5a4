import pytest

from catalog.models import RepoEvent, User, Webhook
from tests.factories import RepoFactory, UserFactory, token_of
from tests.factories.second_factors import enrolled
from tests.pages.looking import text_of
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-secret"
NEW = "/settings/second-factor/new"


@pytest.fixture(autouse=True)
def required(settings):
    settings.ADMIN_SECOND_FACTOR = "required"


@pytest.fixture
def root():
    return UserFactory(name="root", is_admin=True, password=PASSWORD)


@pytest.fixture
def secret_repo():
    return RepoFactory(actor=UserFactory(name="ann"), name="model", visibility="private")


def test_an_administrator_without_one_is_led_to_set_it_up(client, root):
    answer = client.post("/login", {"username": "root", "password": PASSWORD, "next": "/models"}, follow=True)

    assert answer.redirect_chain == [(NEW, 302)]
    assert "You administer this site" in text_of(answer)
    assert client.get("/models").status_code == 200


def test_until_then_nothing_is_administered_by_session_or_token(signed_in, root, secret_repo):
    person, header = signed_in(root), {"Authorization": f"Bearer {token_of(root)}"}

    assert person.get("/ann/model").status_code == 404
    refused = person.post("/settings/link/ann")
    assert refused.status_code == 403
    assert "need a second factor" in text_of(refused)
    assert RawClient().get("/api/models/ann/model", headers=header).status_code == 404
    assert RawClient().get("/api/whoami-v2", headers=header).status_code == 200


def test_with_one_they_administer_again_by_session_and_token(signed_in, root, secret_repo):
    header = {"Authorization": f"Bearer {token_of(root)}"}

    enrolled(root)

    person = signed_in(root)
    assert person.get("/ann/model").status_code == 200
    assert "/join/" in text_of(person.post("/settings/link/ann"))
    assert RawClient().get("/api/models/ann/model", headers=header).status_code == 200


def test_an_administrator_keeps_what_is_their_own(signed_in, root):
    RepoFactory(actor=root, name="mine", visibility="private")
    person, header = signed_in(root), {"Authorization": f"Bearer {token_of(root)}"}

    assert person.get("/root/mine").status_code == 200
    assert RawClient().get("/api/models/root/mine", headers=header).status_code == 200


def test_everybody_else_may_do_without(client):
    UserFactory(name="ann", password=PASSWORD)

    assert client.post("/login", {"username": "ann", "password": PASSWORD})["Location"] == "/"


def test_where_it_is_optional_administrators_may_do_without(settings, client, root, secret_repo):
    settings.ADMIN_SECOND_FACTOR = "optional"

    assert client.post("/login", {"username": "root", "password": PASSWORD})["Location"] == "/"
    assert client.get("/ann/model").status_code == 200


def test_the_list_of_those_who_administer_is_of_those_who_do(root):
    other = UserFactory(is_admin=True)
    enrolled(other)
    enrolled(UserFactory())

    assert list(User.objects.administering()) == [user for user in User.objects.all() if user.administers] == [other]


def test_webhooks_of_administrators_without_one_hear_of_nothing_private(root, secret_repo):
    hook = Webhook.objects.create(user=root, url="https://hooks.example/x", domains=["repo"])
    hook.watches.create(repo=secret_repo)
    event = RepoEvent.objects.filter(repo=secret_repo).latest("pk")

    assert not Webhook.objects.told_of(event).exists()
    enrolled(root)
    assert list(Webhook.objects.told_of(event)) == [hook]
