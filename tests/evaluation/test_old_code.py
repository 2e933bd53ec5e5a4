"""Code of before a column knows nothing of it and writes on, while machines are updated one after another."""

import pytest
from django.db import connection

from evaluation.models import Node, Run, Score
from tests.evaluation import arrangement

pytestmark = pytest.mark.django_db


def written_without(one, *newer):
    """The row that an INSERT makes which names none of these fields."""
    fields = [field for field in one._meta.concrete_fields if field.name not in newer and not field.primary_key]
    values = [field.get_db_prep_save(getattr(one, field.attname), connection) for field in fields]
    columns, places = ", ".join(f'"{field.column}"' for field in fields), ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {one._meta.db_table} ({columns}) VALUES ({places}) RETURNING id", values)
        return type(one).objects.get(pk=cursor.fetchone()[0])


def test_a_run_without_the_columns_of_records_and_sentinels_is_an_ordinary_one():
    run = Run(repo=arrangement.model(), benchmark=arrangement.benchmark(), commit_oid="c" * 40, run_key="k")

    found = written_without(run, "kind", "files_digest", "runner_version", "integrity_problem", "withdrawn_reason")

    assert (found.kind, found.files_digest, found.runner_version) == (Run.Kind.FULL, "", "")
    assert (found.integrity_problem, found.withdrawn_reason) == ("", "")


def test_a_score_that_does_not_say_so_is_not_superseded():
    run = arrangement.queued()
    score = Score(run=run, repo=run.repo, benchmark=run.benchmark, commit_oid="c" * 40, metric="accuracy", value=1, n=9)

    assert written_without(score, "is_superseded").is_superseded is False


def test_a_node_that_does_not_say_so_is_not_paused():
    assert written_without(Node(name="old", digest="d"), "paused_at", "paused_reason").paused_reason == ""
