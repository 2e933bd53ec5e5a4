"""`/docs/coverage`: what of the Hub's API is served, and which clients were seen to work; made by the tests."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog.pages.errors import page

MADE = Path(__file__).with_name("hub_coverage.json")


@page
def coverage(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/coverage.html", _shown())


@cache
def _shown() -> dict[str, Any]:
    """The file of this release, its texts cut into words and code."""
    made = json.loads(MADE.read_text())
    for one in made["routes"]:
        one["parts"] = _parts(one["text"])
        one["answers"] = [(method, " ".join(statuses)) for method, statuses in one["answers"].items()]
        one["tests"] = len(one["tests"])
    for one in made["not_served"]:
        one["parts"] = _parts(one["reason"])
    for one in made["suite"]["left_out"]:
        one["parts"] = _parts(one["why"])
    made["suite"]["passed"] = made["suite"]["counts"].get("passed", 0)
    results = [told for table in made["clients"] for row in table["rows"] for told in row["results"] if told]
    passed = sum(told["result"] == "pass" for told in results)
    offered = sum(told["result"] != "not offered" for told in results)
    return {**made, "passed": passed, "offered": offered}


def _parts(text: str) -> list[tuple[bool, str]]:
    """Pieces of a text with `code` in it: whether it is code, and the piece."""
    return [(number % 2 == 1, piece) for number, piece in enumerate(text.split("`")) if piece]
