"""Connections to PostgreSQL: looked at rather than asked, and with statements planned once."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from catalog.models import Repo
from catalog.queries.prepared import Prepared
from tests.factories import RepoFactory


def by_name() -> Prepared:
    return Prepared(lambda name: Repo.objects.filter(name=name, kind="model").order_by(), ["pk", "name"], name=str)


def prepared_statements() -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements ORDER BY 1")
        return cursor.fetchall()


@pytest.fixture
def fresh_connection(transactional_db):
    """Nothing is prepared on it yet."""
    connection.close()
    yield connection
    connection.close()


def test_a_statement_is_planned_once_for_each_connection_however_often_it_runs(fresh_connection):
    repos, query = RepoFactory.create_batch(3), by_name()

    found = [query.first(name=repo.name) for repo in repos * 2]

    assert found == [(repo.pk, repo.name) for repo in repos * 2]
    assert [runs for statement, runs in prepared_statements()] == [6]


def test_constants_are_part_of_the_statement_and_keep_their_percent_signs(fresh_connection):
    repo = RepoFactory()
    query = Prepared(lambda name: Repo.objects.filter(name=name).exclude(sdk="100%s 'of' it"), ["pk"], name=str)

    assert query.first(name=repo.name) == (repo.pk,)
    assert "100%s ''of'' it" in prepared_statements()[0][0]


def test_what_psycopg_prepares_is_told_alone(fresh_connection):
    for _ in range(20):
        Repo.objects.filter(name="x").exists()

    assert prepared_statements() == []


def test_a_connection_that_the_server_closed_is_replaced_before_the_next_request_uses_it(fresh_connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        own = cursor.fetchone()[0]
    with psycopg.connect(**{**connection.get_connection_params(), "cursor_factory": None}) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [own])

    connection.close_if_unusable_or_obsolete()  # as at the start of a request
    connection.health_check_enabled = True

    assert by_name().first(name="nothing") is None


def test_a_healthy_connection_is_not_asked_whether_it_is(fresh_connection, django_assert_num_queries):
    by_name().first(name="nothing")
    before = connection.connection

    connection.close_if_unusable_or_obsolete()

    assert connection.is_usable()
    assert connection.connection is before
    assert before.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
