from datetime import timedelta

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone
from django.utils.http import urlsafe_base64_decode

from catalog import tokens
from catalog.actions.people import accounts
from catalog.errors import BadInput, InvalidName, NameTaken
from catalog.models import AccessToken, AuditEntry, Membership, Namespace, User
from tests.factories import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_people_and_teams_share_their_names_in_any_case():
    ann = accounts.create_user(name="Ann", full_name="Ann Example")
    accounts.create_organisation(name="Acme", admin=ann)

    for name in ("ann", "ANN", "acme", "ACME"):
        with pytest.raises(NameTaken):
            accounts.create_user(name=name)
        with pytest.raises(NameTaken):
            accounts.create_organisation(name=name, admin=ann)

    assert User.objects.get_by_natural_key("aNN") == ann
    assert Namespace.objects.get(key="acme").is_organisation


@pytest.mark.parametrize("name", ["api", "Models", "-x", "a..b", "ą", "a" * 97, "0" * 40, ""])
def test_names_that_urls_need_or_cannot_hold_are_refused(name):
    with pytest.raises(InvalidName):
        accounts.create_user(name=name)


def test_a_new_person_has_no_password_until_they_follow_their_link():
    user = accounts.create_user(name="ann")

    _, _, code, token = accounts.password_link(user).split("/")

    assert not user.has_usable_password()
    assert urlsafe_base64_decode(code).decode() == str(user.pk)
    assert default_token_generator.check_token(user, token)
    user.set_password("correct horse battery")
    assert not default_token_generator.check_token(user, token)


def test_a_link_lives_a_day(settings, monkeypatch):
    user = UserFactory()
    token = accounts.password_link(user).split("/")[3]
    later = default_token_generator._now() + timedelta(hours=25)
    monkeypatch.setattr(default_token_generator, "_now", lambda: later)

    assert not default_token_generator.check_token(user, token)


def test_the_first_administrator_gets_a_link_until_one_has_a_password():
    first, again = accounts.ensure_admin_link(), accounts.ensure_admin_link()

    admin = User.objects.get(is_admin=True)
    assert admin.username == "admin"
    assert first.split("/")[2] == again.split("/")[2]
    admin.set_password("correct horse battery")
    admin.save()
    assert accounts.ensure_admin_link() is None


def test_an_administrator_made_by_hand_counts():
    UserFactory(name="boss", is_admin=True)

    link = accounts.ensure_admin_link()

    assert User.objects.filter(is_admin=True).count() == 1
    assert link.startswith("/join/")


def test_a_token_works_by_its_digest_and_is_never_stored():
    user = UserFactory()

    token, secret = accounts.create_token(user=user, name=" laptop ", role="read", lifetime_days=7)

    assert tokens.is_well_formed(secret)
    assert AccessToken.objects.usable().get(digest=tokens.digest(secret)) == token
    assert (token.name, token.last_four) == ("laptop", secret[-4:])
    assert abs(token.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    assert secret not in str(AuditEntry.objects.values_list("details"))


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": "x" * 101}, {"role": "admin"}, {"lifetime_days": 0}, {"lifetime_days": 366}]
)
def test_tokens_have_a_name_a_role_and_an_end(wrong):
    with pytest.raises(BadInput):
        accounts.create_token(**{"user": UserFactory(), "name": "a", "role": "read", **wrong})


def test_a_tokens_name_is_unique_for_its_owner():
    user = UserFactory()
    accounts.create_token(user=user, name="laptop", role="read")

    with pytest.raises(NameTaken):
        accounts.create_token(user=user, name="laptop", role="write")
    accounts.create_token(user=UserFactory(), name="laptop", role="write")


def test_a_revoked_token_is_gone_and_the_log_remembers():
    user = UserFactory()
    token, secret = accounts.create_token(user=user, name="laptop", role="read")

    accounts.revoke_token(token=token, actor=user)

    assert not AccessToken.objects.filter(digest=tokens.digest(secret)).exists()
    assert AuditEntry.objects.filter(action="token.revoke", actor=user, target=f"user/{user}").exists()


def test_a_members_role_can_change():
    team, user = OrganisationFactory(), UserFactory()

    accounts.add_member(organisation=team, user=user, role="read", actor=None)
    accounts.add_member(organisation=team, user=user, role="write", actor=None)

    assert Membership.objects.get(organisation=team, user=user).role == "write"
    with pytest.raises(BadInput):
        accounts.add_member(organisation=team, user=user, role="owner", actor=None)
