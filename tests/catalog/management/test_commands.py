from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from catalog import tokens
from catalog.models import AccessToken, AuditEntry, Membership, Organisation, User
from tests.factories import UserFactory
from tests.factories.second_factors import enrolled

pytestmark = pytest.mark.django_db


def output_of(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_create_user_prints_the_password_link():
    printed = output_of("create_user", "Ann", "--full-name", "Ann Żółć", "--admin")

    user = User.objects.get(username="Ann")
    assert (user.full_name, user.is_admin) == ("Ann Żółć", True)
    assert printed.startswith("/join/")
    assert printed.count("\n") == 1


def test_the_link_is_absolute_where_the_address_is_known(settings):
    settings.PUBLIC_URL = "https://hub.example.org"

    assert output_of("create_user", "ann").startswith("https://hub.example.org/join/")


def test_the_link_leads_to_the_site_that_runs_in_the_data_directory(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "url").write_text("http://127.0.0.1:8123")

    assert output_of("create_user", "ann").startswith("http://127.0.0.1:8123/join/")


def test_create_org_makes_a_team_with_its_administrator():
    UserFactory(name="ann")

    output_of("create_org", "acme", "--admin", "ANN", "--full-name", "Acme", "--default-visibility", "private")

    team = Organisation.objects.get(namespace__name="acme")
    assert (team.full_name, team.default_visibility) == ("Acme", "private")
    assert Membership.objects.get(organisation=team).role == "admin"


@pytest.mark.parametrize("role", ["read", "write"])
def test_create_token_prints_only_the_token(role):
    UserFactory(name="ann")

    secret, again = output_of("create_token", "ann", "--role", role), output_of("create_token", "ann", "--role", role)

    token = AccessToken.objects.get(digest=tokens.digest(secret.strip()))
    assert (token.user.username, token.role) == ("ann", role)
    assert secret == f"{secret.strip()}\n" != again


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["create_user", "ann"], "taken"),
        (["create_user", "api"], "reserved"),
        (["create_org", "acme", "--admin", "nobody"], "no user named 'nobody'"),
        (["create_token", "nobody", "--role", "read"], "no user named 'nobody'"),
        (["create_token", "ann", "--role", "read", "--days", "999"], "365 days"),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(command, sentence):
    UserFactory(name="Ann")

    with pytest.raises(CommandError, match=sentence):
        call_command(*command)


def test_reset_second_factor_lets_somebody_in_who_lost_theirs():
    user = UserFactory(name="ann")
    enrolled(user)

    printed = output_of("reset_second_factor", "Ann")

    assert printed == "ann signs in with the password alone now.\n"
    assert not User.objects.get(pk=user.pk).has_second_factor
    assert AuditEntry.objects.filter(actor=None, action="user.second_factor_reset", target="user/ann").count() == 1


def test_reset_second_factor_of_nobody_says_so():
    with pytest.raises(CommandError, match="no user named"):
        output_of("reset_second_factor", "nobody")
