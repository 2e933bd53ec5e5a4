"""`/docs/coverage` shows what the tests made."""

from __future__ import annotations

import json

import pytest

from catalog.pages.coverage import MADE
from tests.pages.looking import text_of

pytestmark = pytest.mark.django_db


def test_everybody_sees_every_route_and_every_feature(client):
    made = json.loads(MADE.read_text())

    response = client.get("/docs/coverage")

    text = text_of(response)
    assert response.status_code == 200
    assert [one["route"] for one in made["routes"] if one["route"] not in text] == []
    assert made["suite"]["counts"]["passed"] > 0
    assert f"{made['suite']['counts']['passed']} tests that ask a hub passed" in text
    assert [one["why"] for one in made["suite"]["left_out"] if one["why"].replace("`", "") not in text] == []
    assert [row["feature"] for table in made["clients"] for row in table["rows"] if row["feature"] not in text] == []


def test_the_foot_of_every_page_leads_there(client):
    assert 'href="/docs/coverage"' in client.get("/").content.decode()
