"""docs/coverage.md is made, complete and current."""

from __future__ import annotations

import json

import yaml

from tests.matrix.coverage import markdown
from tests.matrix.coverage.__main__ import DOCUMENT, PAGE_DATA, WRITTEN
from tests.matrix.coverage.routes import served_routes


def test_every_route_of_the_hub_has_a_line_and_every_line_a_route():
    written = yaml.safe_load(WRITTEN.read_text())["served"]

    assert sorted(written) == sorted(served_routes()), f"see {WRITTEN.name}"


def test_the_document_is_what_the_page_shows_and_is_not_edited_by_hand():
    data = json.loads(PAGE_DATA.read_text())

    assert DOCUMENT.read_text() == markdown.document(data)
    assert [one["route"] for one in data["routes"]] == served_routes()


def test_every_served_route_was_called_by_some_test():
    data = json.loads(PAGE_DATA.read_text())

    assert [one["route"] for one in data["routes"] if not one["tests"]] == []
