"""Fixtures every test may use; the servers behind them are started by tests/session.py."""

from __future__ import annotations

import pytest

from tests.order import rank
from tests.raw_client import RawClient

pytest_plugins = ["tests.stores"]


@pytest.hookimpl(trylast=True)  # after pytest-django, which orders by what a test does to the database
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=rank)


@pytest.fixture
def raw_client() -> RawClient:
    """Django's test client with paths as gunicorn delivers them: still percent-encoded."""
    return RawClient()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """The database of a test process is a copy of one that was migrated once for the session."""
    from django.db import connection

    from tests import template

    connection.settings_dict["TEST"]["TEMPLATE"] = template.migrated()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Tests that commit are cleaned up by TRUNCATE, which the audit record refuses everywhere else."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in ("catalog_auditentry", "catalog_auditseal"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only_whole")


@pytest.fixture(scope="session")
def data_dir():
    """This session's MARKETPLACE_DATA_DIR."""
    from django.conf import settings

    return settings.DATA_DIR


@pytest.fixture(scope="session")
def hub():
    """A whole second site: its own database and data directory, gunicorn as `up` runs it. See tests/processes.py."""
    from tests.processes import Hub

    with Hub.started() as site:
        yield site


@pytest.fixture(scope="session")
def gunicorn_server(hub) -> str:
    """Base URL of a real gunicorn, such as `http://127.0.0.1:40123`."""
    return hub.url


@pytest.fixture(scope="session")
def celery_worker_process(hub):
    """A real worker (with Beat) for the site of `gunicorn_server`."""
    hub.start_worker()
    return hub
