"""`python -m tests.matrix.coverage`: docs/coverage.md and the data of /docs/coverage, from what the tests saw.

Before it: `make coverage` (routes seen by the tests), `make matrix` (clients), `make staging` (the client's own suite).
None is run here, and what was not run anew keeps what it said before.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

from tests.matrix.__main__ import RECORDS as MATRIX
from tests.matrix.clients import CLIENTS
from tests.matrix.coverage import markdown
from tests.matrix.coverage.recording import SEEN
from tests.processes import ROOT
from tests.staging import ledger, summary
from tests.staging.__main__ import RECORDS as STAGING
from tests.staging.running import Result

WRITTEN = Path(__file__).with_name("routes.yaml")
PAGE_DATA = ROOT / "catalog" / "pages" / "hub_coverage.json"
DOCUMENT = ROOT / "docs" / "coverage.md"


def main() -> None:
    written = yaml.safe_load(WRITTEN.read_text())
    found = json.loads(PAGE_DATA.read_text())
    found["not_served"] = written["not_served"]
    if SEEN.exists():
        found["routes"] = _routes(written["served"], json.loads(SEEN.read_text()))
    for one in found["routes"]:
        one["text"] = written["served"].get(one["route"], one["text"])
    if MATRIX.exists():
        found["clients"] = _clients(json.loads(MATRIX.read_text()))
    if STAGING.exists():
        found["suite"] = summary.of([Result(**one) for one in json.loads(STAGING.read_text())], ledger.entries())
    PAGE_DATA.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    DOCUMENT.write_text(markdown.document(found))
    new = [source.name for source in (SEEN, MATRIX, STAGING) if source.exists()]
    print(f"made from {', '.join(new) or 'the texts alone'}; the rest is as it was")


def _routes(texts: dict[str, str], seen: dict[str, dict[str, list[str]]]) -> list[dict[str, object]]:
    undescribed = [route for route in seen if route not in texts]
    if undescribed:
        sys.exit(f"routes.yaml says nothing of {undescribed}")
    return [_route(route, texts[route], answers) for route, answers in seen.items()]


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
