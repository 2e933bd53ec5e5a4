"""`python -m tests.matrix.coverage`: docs/coverage.md and the data of /docs/coverage, from what tests and matrix saw.

Before it: `make coverage` (routes seen by the tests) and `make matrix` (clients). Neither is run here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

from tests.matrix.__main__ import RECORDS
from tests.matrix.clients import CLIENTS
from tests.matrix.coverage import markdown
from tests.matrix.coverage.recording import SEEN
from tests.processes import ROOT

WRITTEN = Path(__file__).with_name("routes.yaml")
PAGE_DATA = ROOT / "catalog" / "pages" / "hub_coverage.json"
DOCUMENT = ROOT / "docs" / "coverage.md"


def main() -> None:
    for needed, target in ((SEEN, "coverage"), (RECORDS, "matrix")):
        if not needed.exists():
            sys.exit(f"{needed.relative_to(ROOT)} is missing: `make {target}` writes it")
    written = yaml.safe_load(WRITTEN.read_text())
    seen, records = json.loads(SEEN.read_text()), json.loads(RECORDS.read_text())
    undescribed = [route for route in seen if route not in written["served"]]
    if undescribed:
        sys.exit(f"routes.yaml says nothing of {undescribed}")
    found = {
        "routes": [_route(route, written["served"][route], answers) for route, answers in seen.items()],
        "not_served": written["not_served"],
        "clients": _clients(records),
    }
    PAGE_DATA.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    DOCUMENT.write_text(markdown.document(found))
    failed = sum(record["result"] == "fail" for record in records)
    print(f"{len(seen)} routes, {len(records)} results of clients, {failed} of them failures")


def _route(route: str, text: str, answers: dict[str, list[str]]) -> dict[str, object]:
    by_method: dict[str, list[str]] = {}
    for answer in answers:
        method, status = answer.split()
        by_method.setdefault(method, []).append(status)
    tests = sorted({Path(test).relative_to("tests").as_posix() for named in answers.values() for test in named})
    return {"route": route, "text": text, "answers": by_method, "tests": tests}


def _clients(records: list[dict[str, str]]) -> list[dict[str, object]]:
    """One table a client: its versions, and what each said to each feature, in the order of the scripts."""
    tables = []
    for name in dict.fromkeys(client.name for client in CLIENTS):
        mine = [record for record in records if record["client"] == name]
        versions = [
            client.version
            for client in CLIENTS
            if client.name == name and any(record["version"] == client.version for record in mine)
        ]
        features: dict[str, dict[str, dict[str, str]]] = {}
        for record in mine:
            told = {"result": record["result"], "reason": record["reason"]}
            features.setdefault(record["feature"], {})[record["version"]] = told
        rows = [
            {"feature": feature, "results": [told.get(version) for version in versions]}
            for feature, told in features.items()
        ]
        tables.append({"client": name, "versions": versions, "rows": rows})
    return tables


if __name__ == "__main__":
    main()
