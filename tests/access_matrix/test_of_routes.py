"""No route is outside the table, and those about no one repo answer strangers, people and administrators as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from tests.access_matrix import rows
from tests.access_matrix.rows import OtherRow
from tests.evaluation import arrangement
from tests.factories import OrganisationFactory, UserFactory, token_of
from tests.raw_client import RawClient

IN_A_FOLDER = re.compile(r"^(?:datasets|spaces)/(?=<)")
IN_A_LIST = re.compile(r"(^|^api/v1/)(?:datasets|spaces)(?=$|/)")


def routes() -> dict[str, URLPattern]:
    """Every route of the site; those of datasets and spaces stand for a model's, whose views they are."""
    found = walked(get_resolver())
    return {IN_A_LIST.sub(r"\1models", IN_A_FOLDER.sub("", route)): pattern for route, pattern in found}


def walked(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from walked(entry, before + str(entry.pattern))
        elif isinstance(entry.pattern, RoutePattern):
            yield before + str(entry.pattern), entry


def address(route: str) -> str:
    values = {
        "kind": "models", "owner": "ann", "user": "ann", "organisation": "acme", "person": "bob", "slug": "digits",
        "run_id": "1", "token_id": "987654321", "passkey_id": "1", "identity_id": "1",
        "publisher_id": "1", "num": "1", "mirror_id": "1",
        "number": "1", "index": "0",
    }  # fmt: skip
    if route.startswith("teams/"):
        values["name"] = "acme"
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values.get(found[1], "nothing"), route)


def test_every_route_of_the_site_is_in_the_access_matrix():
    listed = {row.route for row in rows.OF_REPOS} | {row.route for row in rows.OTHERS}

    assert set(routes()) - listed == set()
    assert listed - set(routes()) == set()


@pytest.mark.django_db
def test_every_method_of_an_api_route_is_in_the_access_matrix():
    listed: dict[str, set[str]] = {}
    for row in [*rows.OF_REPOS, *rows.OTHERS]:
        verb = row.verb if isinstance(row, rows.Row) else row.method
        listed.setdefault(row.route, set()).add(verb)

    missing = []
    for route in routes():
        answer = RawClient().generic("BREW", address(route))
        if answer.status_code == 405 and "Allow" in answer:
            served = {verb.strip() for verb in answer["Allow"].split(",")} - {"HEAD", "OPTIONS"}
            is_catch_all = served >= {"GET", "POST", "PUT", "PATCH", "DELETE"}
            missing += [] if is_catch_all else [f"{verb} {route}" for verb in served - listed[route]]

    assert not missing, "\n".join(["", *missing])


@pytest.fixture
def people(db):
    cache.clear()
    ann, bob = UserFactory(name="ann"), UserFactory(name="bob")
    OrganisationFactory(name="acme", admin=ann, members={"read": [bob]})
    arrangement.benchmark()
    return [None, UserFactory(name="carl"), UserFactory(name="root", is_admin=True)]


def test_an_administrator_without_the_second_factor_they_need_is_answered_as_anybody(people, settings):
    settings.ADMIN_SECOND_FACTOR = "required"
    root = people[-1]
    browser, headers = RawClient(), {"Authorization": f"Bearer {token_of(root)}"}
    browser.force_login(root)
    session = browser.cookies["sessionid"].value

    told_wrongly = []
    for row in rows.OTHERS:
        browser.cookies["sessionid"] = session
        with transaction.atomic():
            status = ask(row, browser, headers)
            transaction.set_rollback(True)
        if status != row.statuses[1]:
            told_wrongly.append(f"{row.method} {row.route}: {status}, not {row.statuses[1]}")

    assert not told_wrongly, "\n".join(["", *told_wrongly])


def test_everybody_is_answered_as_the_table_says(people):
    told_wrongly = []
    for index, user in enumerate(people):
        browser, headers = RawClient(), {}
        if user is not None:
            browser.force_login(user)
            headers = {"Authorization": f"Bearer {token_of(user)}"}
        session = browser.cookies.get("sessionid")
        for row in rows.OTHERS:
            if session is not None:
                browser.cookies["sessionid"] = session.value  # one row signs out
            with transaction.atomic():
                status = ask(row, browser, headers)
                transaction.set_rollback(True)
            if status != row.statuses[index]:
                told_wrongly.append(f"{user}: {row.method} {row.route}: {status}, not {row.statuses[index]}")

    assert not told_wrongly, "\n".join(["", *told_wrongly])


def ask(row: OtherRow, browser: RawClient, headers: dict[str, str]) -> int:
    if row.is_page:
        send = getattr(browser, row.method.lower())
        return send(address(row.route)).status_code
    options = {} if row.method == "GET" else {"data": json.dumps({}), "content_type": "application/json"}
    return getattr(RawClient(), row.method.lower())(address(row.route), headers=headers, **options).status_code
