"""What a team measures for itself: every route that could tell of it, asked by everybody.

The model is public; benchmark, data, run and scores are the team's alone. Whoever is not in the team is answered as
if there were nothing, and finds its words in no list.
"""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import transaction

from tests.access_matrix import world
from tests.evaluation import arrangement, teams
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db

# A writer and the owner of the team see what its reader sees.
NAMES = [
    *("anonymous", "stranger", "reader", "admin", "blocked", "read token of the writer"),
    *("token of the owner to read here", "token of the admin for elsewhere"),
]
WORD = "quoll"  # in the benchmark's id, title and data, and nowhere else on the site
SLUG = f"acme--{WORD}"

# Routes about the benchmark, a run or what rests on them: read by the team, absent for all others.
_OF_IT = """
benchmarks/{slug}
leaderboards/{slug}
runs/{run}
runs/{run}/status
runs/{run}/attributions
runs?benchmark={slug}
api/v1/benchmarks/{slug}
api/v1/benchmarks/{slug}/export
api/v1/leaderboards/{slug}
api/v1/leaderboards/{slug}.csv
api/v1/runs/{run}
api/v1/runs/{run}/record
api/v1/runs/{run}/records
api/v1/runs/{run}/diagnostics
api/v1/runs/{run}/attributions
api/v1/runs/{run}/items
api/v1/runs/{run}/outputs/predictions.jsonl
api/v1/runs?benchmark={slug}
datasets/acme/{word}
"""

# Lists that tell the team of it, and nobody else.
_LISTS = """
activity/acme
benchmarks
leaderboards
runs
{model}/scores
{model}/evaluate
api/v1/benchmarks
api/v1/runs
api/v1/models/{model}/runs
api/v1/models/{model}/scores
"""

# Pages and answers that everybody reads: they tell nobody.
_SILENT = """
activity/{owner}
models
{model}
{owner}
api/v1/models/{model}
api/v1/models
api/models/{model}?expand=evalResults
api/v1/models/{model}/results/model-index.yaml
"""
OF_IT, LISTS, SILENT = (text.split() for text in (_OF_IT, _LISTS, _SILENT))


@pytest.fixture(scope="module")
def measured(django_db_setup, django_db_blocker):
    """Built once; what reading changes is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        _world, people = world.build()
        team = people["owner"].memberships.get().organisation.namespace
        repo, commit = teams.dataset(team, people["owner"], name=WORD)
        text = teams.definition_text(repo.full_name, commit.oid, id=WORD).replace("title: Mine", f"title: {WORD}")
        found, _ = teams.team_benchmarks.upload_definition(text=text, namespace=team, actor=people["owner"])
        model = teams.model(name="bilby")
        run = teams.scored(model, found, people["owner"])
        names = {"slug": SLUG, "word": WORD, "run": run.pk, "model": model.full_name, "owner": model.namespace.name}
        yield names, {asker.name: asker for asker in world.askers(people)}
        transaction.set_rollback(True)


def ask(asker, path: str):
    """With the session of a person on pages, with their token elsewhere."""
    if path.startswith("api/"):
        return RawClient().get(f"/{path}", headers=world.with_token(asker))
    return asker.with_session().get(f"/{path}")


def is_told(asker) -> bool:
    in_team = asker.belongs and not asker.is_blocked and not asker.is_elsewhere
    return in_team or (asker.is_admin and asker.is_whole)


def asked_by(asker, path: str) -> bool:
    """Pages are for sessions, which tokens do not have."""
    return path.startswith("api/") or asker.has_session or asker.user is None


@pytest.mark.parametrize("name", NAMES)
def test_what_a_team_measures_is_told_to_the_team_alone(measured, name):
    names, askers = measured
    asker = askers[name]
    wrong = []

    for path in [*OF_IT, *LISTS, *SILENT]:
        if not asked_by(asker, path):
            continue
        with transaction.atomic():
            answer = ask(asker, path.format(**names))
            content = (b"".join(answer) if answer.streaming else answer.content).decode()
            transaction.set_rollback(True)
        status, knows = answer.status_code, WORD in content.replace(path.format(**names), "")
        expected = path not in SILENT and is_told(asker)
        if path in OF_IT and (status == 200) != expected:
            wrong.append(f"{path}: {status}")
        if path not in OF_IT and (knows != expected or (status != 200 and not asker.is_blocked)):
            wrong.append(f"{path}: {status}, {'told' if knows else 'silent'}")
        if path in OF_IT and not expected and status not in (401, 404):
            wrong.append(f"{path}: {status}")

    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize("path", [path for path in OF_IT if "{slug}" in path])
def test_a_hidden_benchmark_answers_as_one_that_is_not_there(measured, path):
    names, askers = measured

    here = ask(askers["stranger"], path.format(**names))
    absent = ask(askers["stranger"], path.format(**{**names, "slug": "acme--potoroo"}))

    assert here.status_code == absent.status_code == 404
    assert told(here, SLUG) == told(absent, "acme--potoroo")


def told(answer, slug: str) -> str:
    text = answer.content.decode().replace(slug, "…")
    for line in ("request_id", "csrf", "nonce", "Request"):
        text = "\n".join(one for one in text.splitlines() if line not in one)
    return text if len(text) < 2000 else ""


def test_a_stranger_cannot_have_a_model_measured_on_it(measured):
    names, askers = measured
    arrangement.benchmark()

    with transaction.atomic():
        answer = RawClient().post(
            f"/api/v1/models/{names['model']}/runs",
            {"benchmark": SLUG},
            content_type="application/json",
            headers=world.with_token(askers["stranger"]),
        )
        transaction.set_rollback(True)

    assert answer.status_code == 404
