"""What an operator writes about identity providers, and what stops the start."""

from __future__ import annotations

import json

import pytest

from marketplace import identity_providers
from marketplace.env import SettingInvalid

CORP = {"id": "corp", "name": "Corp", "issuer": "https://login.example.org", "client_id": "us", "client_secret": "shh"}


@pytest.fixture(autouse=True)
def no_file(monkeypatch):
    monkeypatch.delenv("OIDC_PROVIDERS_FILE", raising=False)


def configured(monkeypatch, *entries: object):
    monkeypatch.setenv("OIDC_PROVIDERS", json.dumps(entries))
    return identity_providers.configured()


def test_without_the_setting_there_is_none(monkeypatch):
    monkeypatch.delenv("OIDC_PROVIDERS", raising=False)

    assert identity_providers.configured() == ()


def test_a_provider_makes_no_accounts_unless_it_is_told_to(monkeypatch):
    (corp,) = configured(monkeypatch, CORP)

    assert (corp.slug, corp.issuer, corp.client_secret) == ("corp", "https://login.example.org", "shh")
    assert corp.scopes == ("openid", "email", "profile")
    assert not corp.signs_up
    assert "shh" not in repr(corp)


def test_everything_may_stand_in_files(monkeypatch, tmp_path):
    secret, providers = tmp_path / "secret", tmp_path / "providers.json"
    secret.write_text("from a file\n")
    entry = {name: value for name, value in CORP.items() if name != "client_secret"}
    providers.write_text(json.dumps([{**entry, "client_secret_file": str(secret)}]))
    monkeypatch.setenv("OIDC_PROVIDERS_FILE", str(providers))

    (corp,) = identity_providers.configured()

    assert corp.client_secret == "from a file"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": "Corp!"}, "`id`"),
        ({"issuer": "login.example.org"}, "`issuer`"),
        ({"issuer": "https://user@login.example.org"}, "`issuer`"),
        ({"issuer": ""}, "`issuer`"),
        ({"sign_up": True}, "`email_domains`"),
        ({"sign_up": "yes"}, "`sign_up`"),
        ({"groups": ["ml"]}, "`groups_claim`"),
        ({"second_factor": {"acr": "phr"}}, "`acr`"),
        ({"second_factor": ["phr"]}, "`second_factor`"),
        ({"client_secret_file": "/nowhere"}, "`client_secret_file`"),
        ({"sing_up": True}, "'sing_up'"),
    ],
    ids=str,
)
def test_a_mistake_stops_the_start_and_is_named_without_the_secret(change, named, monkeypatch):
    with pytest.raises(SettingInvalid) as stopped:
        configured(monkeypatch, {**CORP, **change})

    assert named in str(stopped.value)
    assert "shh" not in str(stopped.value)


def test_two_providers_differ_in_id_and_issuer(monkeypatch):
    with pytest.raises(SettingInvalid):
        configured(monkeypatch, CORP, {**CORP, "id": "other"})


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        ("a@example.org", True),
        ("a@EXAMPLE.org", True),
        ("a@sub.example.org", False),
        ("a@badexample.org", False),
        ("", False),
    ],
)
def test_a_domain_is_itself_and_nothing_below_or_like_it(address, is_taken, monkeypatch):
    (corp,) = configured(monkeypatch, {**CORP, "sign_up": True, "email_domains": ["Example.org"]})

    assert corp.takes_address(address) is is_taken
