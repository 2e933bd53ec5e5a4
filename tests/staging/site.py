"""The site under test: one `up`, with the people, the teams and the public repos that their tests expect."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.processes import ROOT
from tests.staging import sdist
from tests.up import Up, clean_environment

# Their own names and tokens do not fit our rules (names start with a letter or digit; decision 7).
USER, OTHER_USER, ENTERPRISE_USER = "DUMMY_HUB_USER", "DVUser", "EnterpriseAdmin"
ENTERPRISE_ORG = "EnterpriseOrgPrivate"
FULL_NAME = "Dummy User"
KEEPER = "julien-c"  # owns everything public; an administrator, whose pace nobody limits
PUBLIC_TEAMS = """
    HuggingFaceBR4 HuggingFaceFW HuggingFaceH4 LiquidAI Qwen albert allenai bigscience black-forest-labs celinah
    facebook gaia-benchmark google gradio hf-internal-testing huggingface huggingface-hub-ci lhoestq microsoft
    mteb muellerzr multimodalart open-llm-leaderboard openai openai-community openchat rajpurkar teknium zai-org
"""
MANY = "100000000"
WITHOUT_LIMITS = {"RATE_LIMIT_API": MANY, "RATE_LIMIT_RESOLVERS": MANY, "RATE_LIMIT_PAGES": MANY}
# One process for all: each start of Django takes seconds.
POPULATE = """
import json
from catalog.actions.people import accounts
people, teams = json.loads({told!r})
found = {{}}
for name, full_name in people.items():
    found[name] = accounts.create_user(name=name, full_name=full_name, is_admin=name == {keeper!r})
for name, full_name, admin, visibility in teams:
    accounts.create_organisation(name=name, admin=found[admin], full_name=full_name, default_visibility=visibility)
tokens = {{name: accounts.create_token(user=user, name="tests", role="write")[1] for name, user in found.items()}}
print(json.dumps(tokens))
"""


@contextlib.contextmanager
def running() -> Iterator[dict[str, str]]:
    """A fresh site; yields the values of their `testing_constants`. Afterwards nothing runs or lies on the disk."""
    home = Path(tempfile.mkdtemp(prefix="mm-staging-"))
    home.chmod(0o755)  # as root, the account of PostgreSQL must get through
    up = Up(home / "data", **WITHOUT_LIMITS)
    try:
        up.wait_for_line("ready ")
        url = f"http://127.0.0.1:{up.port}"
        tokens = _populated(home / "data")
        yield _names(tokens) | _addresses(url) | _world(home, url, tokens[KEEPER])
    finally:
        if up.process.poll() is None:
            up.stop()
        shutil.rmtree(home, ignore_errors=True)


def _names(tokens: dict[str, str]) -> dict[str, str]:
    return {
        "USER": USER,
        "FULL_NAME": FULL_NAME,
        "TOKEN": tokens[USER],
        "OTHER_USER": OTHER_USER,
        "OTHER_TOKEN": tokens[OTHER_USER],
        "ENTERPRISE_USER": ENTERPRISE_USER,
        "ENTERPRISE_ORG": ENTERPRISE_ORG,
        "ENTERPRISE_TOKEN": tokens[ENTERPRISE_USER],
    }


def _addresses(url: str) -> dict[str, str]:
    scheme = url + "/{repo_id}/resolve/{revision}/{filename}"
    return {"ENDPOINT_STAGING": url, "ENDPOINT_PRODUCTION": url, "ENDPOINT_PRODUCTION_URL_SCHEME": scheme}


def _populated(data_dir: Path) -> dict[str, str]:
    """Returns name → token."""
    people = {USER: FULL_NAME, OTHER_USER: "", ENTERPRISE_USER: "", KEEPER: "Julien"}
    teams = [
        ("valid_org_hub", "Dummy Hub Org", USER, "public"),
        (ENTERPRISE_ORG, "", ENTERPRISE_USER, "private"),
        *((name, "", KEEPER, "public") for name in PUBLIC_TEAMS.split()),
    ]
    script = POPULATE.format(told=json.dumps([people, teams]), keeper=KEEPER)
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", script]
    environment = clean_environment() | {"MARKETPLACE_DATA_DIR": str(data_dir)}
    tokens: dict[str, str] = json.loads(_output(command, environment).splitlines()[-1])
    return tokens


def _world(home: Path, url: str, token: str) -> dict[str, str]:
    client = home / "client"
    client.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HF_HOME": str(client),
        "HF_ENDPOINT": url,
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [str(sdist.python()), "-P", str(Path(__file__).with_name("world.py"))]
    told = json.dumps({"endpoint": url, "token": token})
    found: dict[str, str] = json.loads(_output(command, environment, told).splitlines()[-1])
    return found


def _output(command: list[str], environment: dict[str, str], told: str = "") -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, input=told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[:3]}: {done.stdout}\n{done.stderr}")
    return done.stdout
