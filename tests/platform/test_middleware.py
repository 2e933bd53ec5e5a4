import psycopg
import pytest
from django.db import OperationalError
from django.http import HttpResponse
from psycopg import errors as pg

from marketplace import logs
from marketplace.env import networks
from marketplace.middleware import BusyDatabase, ForwardedHeaders


@pytest.fixture
def proxied(rf, settings, monkeypatch):
    """Returns the request as the views see it behind the proxy 10.0.0.1."""
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/24")
    settings.TRUSTED_PROXIES = networks("TRUSTED_PROXIES")

    def send(peer, **headers):
        seen = []
        middleware = ForwardedHeaders(lambda request: seen.append(request) or HttpResponse())
        middleware(rf.get("/", REMOTE_ADDR=peer, **headers))
        return seen[0]

    return send


def test_a_trusted_proxy_names_the_client(proxied):
    request = proxied("10.0.0.1", HTTP_X_FORWARDED_FOR="1.1.1.1, 2.2.2.2, 10.0.0.7", HTTP_X_FORWARDED_PROTO="https")

    assert request.META["REMOTE_ADDR"] == "2.2.2.2"  # 1.1.1.1 is only what 2.2.2.2 said
    assert request.META["HTTP_X_FORWARDED_PROTO"] == "https"


def test_nobody_else_names_anything(proxied):
    request = proxied(
        "8.8.8.8", HTTP_X_FORWARDED_FOR="1.1.1.1", HTTP_X_FORWARDED_HOST="evil.example", HTTP_X_FORWARDED_PROTO="https"
    )

    assert request.META["REMOTE_ADDR"] == "8.8.8.8"
    assert not [name for name in request.META if name.startswith("HTTP_X_FORWARDED_")]


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_takes_too_long_is_an_answer_to_try_again(rf):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 20")
    try:
        with pytest.raises(OperationalError) as slow, connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1)")
    finally:
        connection.close()
    answer = BusyDatabase(HttpResponse).process_exception(rf.get("/"), slow.value)

    assert isinstance(slow.value.__cause__, pg.QueryCanceled)
    assert (answer.status_code, answer["Retry-After"], answer["X-Error-Code"]) == (503, "2", "Busy")


def test_a_database_that_is_away_asks_to_come_back(rf):
    gone = OperationalError("the connection is closed")
    gone.__cause__ = psycopg.OperationalError("the connection is closed")

    answer = BusyDatabase(HttpResponse).process_exception(rf.get("/"), gone)

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


def test_other_errors_are_not_called_busy(rf):
    assert BusyDatabase(HttpResponse).process_exception(rf.get("/"), OperationalError("gone")) is None


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("bearer hf_abcdefghijKLMN1234", "bearer hf_…"),
        ("GET /x?token=abc&y=1", "GET /x?token=…&y=1"),
        ("postgres://me:word@host/db", "postgres://me:…@host/db"),
        ("/api/models/a/hf_x", "/api/models/a/hf_x"),
    ],
)
def test_logs_hold_no_tokens(said, logged):
    assert logs.redacted(said) == logged


def test_a_hostile_path_cannot_forge_a_line_of_the_log():
    import logging

    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "GET %s", ('/a\n{"level": "error"}',), None)

    assert "\n" not in logs.JsonLines().format(record)
