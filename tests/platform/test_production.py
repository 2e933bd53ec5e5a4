"""With DATABASE_URL nothing is generated: what is missing is named, and nothing starts."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

COMPLETE = {
    "DATABASE_URL": "postgres://me:word@database.example/hub?sslmode=require",
    "REDIS_URL": "redis://cache.example/2",
    "SECRET_KEY": "s" * 40,
    "TOKEN_PEPPER": "p" * 40,
    "SIGNING_KEY": "a" * 44,
}


def settings_in(environment, expression, home):
    """Returns what `expression` is with these variables alone, or the complaint."""
    code = (
        "from django.core.exceptions import ImproperlyConfigured\n"
        f"try:\n    from marketplace import settings\n    print({expression})\n"
        "except ImproperlyConfigured as problem:\n    print(problem)"
    )
    base = {"PATH": os.environ["PATH"], "MARKETPLACE_DATA_DIR": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**base, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["REDIS_URL", "SECRET_KEY", "TOKEN_PEPPER", "SIGNING_KEY"])
def test_a_production_site_without_it_does_not_start(tmp_path, name):
    environment = {key: value for key, value in COMPLETE.items() if key != name}

    complaint = settings_in(environment, "'started'", tmp_path)

    assert complaint.startswith(f"{name} is not set: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "told"),
    [(COMPLETE, "required"), ({}, "optional"), ({"ADMIN_SECOND_FACTOR": "required"}, "required")],
)
def test_administrators_need_a_second_factor_where_the_database_is_not_embedded(tmp_path, environment, told):
    assert settings_in(environment, "settings.ADMIN_SECOND_FACTOR", tmp_path) == told


def test_a_complete_environment_starts_and_generates_nothing(tmp_path):
    expression = "settings.DATABASES['default']['HOST'], settings.DATABASES['default']['OPTIONS']['sslmode']"

    answer = settings_in(COMPLETE, expression, tmp_path)

    assert answer == "database.example require"
    assert list(tmp_path.iterdir()) == []


def test_https_makes_cookies_secure(tmp_path):
    environment = COMPLETE | {"PUBLIC_URL": "https://hub.example.org/"}

    answer = settings_in(environment, "settings.SESSION_COOKIE_SECURE, settings.ALLOWED_HOSTS[-1]", tmp_path)

    assert answer == "True hub.example.org"


def test_a_command_says_what_is_wrong_in_one_line(tmp_path):
    environment = {"PATH": os.environ["PATH"], "MARKETPLACE_DATA_DIR": str(tmp_path), "SENDFILE": "apache"}

    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == "Configuration: SENDFILE is 'apache', but must be one of wsgi, x-accel\n"
