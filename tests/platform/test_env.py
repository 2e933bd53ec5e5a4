import pytest

from marketplace import env


def test_a_missing_required_variable_is_named_with_its_reason(monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)

    with pytest.raises(env.SettingMissing, match="REDIS_URL is not set: jobs need it"):
        env.required("REDIS_URL", "jobs need it")


def test_a_blank_variable_counts_as_absent(monkeypatch):
    monkeypatch.setenv("SITE_NAME", "  ")

    assert env.text("SITE_NAME", "Model Marketplace") == "Model Marketplace"


@pytest.mark.parametrize(("written", "meant"), [("1", True), ("Yes", True), ("off", False), ("FALSE", False)])
def test_flags_are_read_in_their_usual_spellings(monkeypatch, written, meant):
    monkeypatch.setenv("AUTO_EVALUATE", written)

    assert env.flag("AUTO_EVALUATE", default=not meant) is meant


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("AUTO_EVALUATE", "maybe", lambda: env.flag("AUTO_EVALUATE", default=True)),
        ("NODE_CACHE_GB", "-1", lambda: env.number("NODE_CACHE_GB", 20)),
        ("NODE_CACHE_GB", "٣", lambda: env.number("NODE_CACHE_GB", 20)),
        ("NODE_CACHE_GB", "0", lambda: env.number("NODE_CACHE_GB", 20, least=1)),
        ("SENDFILE", "nginx", lambda: env.choice("SENDFILE", "wsgi", among=("wsgi", "x-accel"))),
        ("PUBLIC_URL", "hub.example.org", lambda: env.site_url("PUBLIC_URL")),
        ("PUBLIC_URL", "https://hub.example.org/hub", lambda: env.site_url("PUBLIC_URL")),
        ("TRUSTED_PROXIES", "10.0.0.0/8, proxy", lambda: env.networks("TRUSTED_PROXIES")),
        ("EXTRA_CA_FILE", "/nowhere/ca.pem", lambda: env.certificates("EXTRA_CA_FILE")),
        ("EXTRA_CA_FILE", __file__, lambda: env.certificates("EXTRA_CA_FILE")),
        ("DATABASE_URL", "sqlite:///x", lambda: env.url("DATABASE_URL", "", schemes=("postgres",))),
        ("SECRET_KEY", "short", lambda: env.secret("SECRET_KEY", "sessions", shortest=32)),
    ],
)
def test_an_unreadable_value_stops_the_start_and_names_the_variable(monkeypatch, name, value, read):
    monkeypatch.setenv(name, value)

    with pytest.raises(env.SettingInvalid, match=f"^{name} is "):
        read()


def test_a_wrong_secret_is_never_shown(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hunter2")

    with pytest.raises(env.SettingInvalid) as refused:
        env.secret("SECRET_KEY", "sessions", shortest=32)

    assert "hunter2" not in str(refused.value)


def test_the_broker_uses_the_database_after_the_cache():
    assert env.broker_url("unix://:pw@/run/redis.sock?db=4") == "redis+socket://:pw@/run/redis.sock?virtual_host=5"
    assert env.broker_url("redis://:pw@cache:6379/2") == "redis://:pw@cache:6379/3"
    assert env.broker_url("rediss://cache:6379") == "rediss://cache:6379/1"


def test_a_mail_url_is_taken_apart():
    assert env.mail_server("smtp://me:p%40ss@mail.example:2525") == ("mail.example", 2525, "me", "p@ss")
    assert env.mail_server("smtps://mail.example") == ("mail.example", 465, "", "")
