"""`make matrix`: every client at every version against one running site; see `tests/matrix/clients.py`.

Writes build/matrix.json and prints a table. The exit code is 1 when a feature failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from tests.matrix import site
from tests.matrix.clients import CLIENTS, Client
from tests.matrix.running import Record, as_json, run_client
from tests.processes import ROOT

RECORDS = ROOT / "build" / "matrix.json"


def main() -> int:
    wanted = _arguments()
    chosen = [client for client in CLIENTS if wanted.only in client.label and (client.is_newest or not wanted.newest)]
    if not chosen:
        sys.exit(f"no client matches {wanted.only!r}: {', '.join(client.label for client in CLIENTS)}")
    records: list[Record] = []
    is_part = bool(wanted.only or wanted.feature or wanted.newest)
    with site.running() as running:
        for number, client in enumerate(chosen):
            before = time.monotonic()
            found = run_client(client, site=running, prefix=f"m{number}", feature=wanted.feature)
            _tell(client, found, time.monotonic() - before)
            records += found
            _write(found, keep_others=number > 0 or is_part, one_feature=bool(wanted.feature))
    return 1 if any(record.result == "fail" for record in records) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="clients whose name and version contain this")
    parser.add_argument("--feature", default="", metavar="TEXT", help="features whose name contains this")
    parser.add_argument("--newest", action="store_true", help="the newest version of each client alone")
    return parser.parse_args()


def _tell(client: Client, records: list[Record], seconds: float) -> None:
    counts = Counter(record.result for record in records)
    told = ", ".join(f"{number} {result}" for result, number in sorted(counts.items()))
    print(f"{client.label}: {told} in {seconds:.0f} s", flush=True)
    for record in records:
        if record.result == "fail":
            print(f"  FAIL {record.feature}: {record.reason[:300]}", flush=True)


def _write(records: list[Record], *, keep_others: bool, one_feature: bool) -> None:
    """A partial run replaces its own clients' records alone, or those of its own features."""
    RECORDS.parent.mkdir(exist_ok=True)
    new = json.loads(as_json(records))
    if keep_others and RECORDS.exists():
        mine = {(one["client"], one["version"], one["feature"] if one_feature else "") for one in new}
        kept = json.loads(RECORDS.read_text())
        same = [(one["client"], one["version"], one["feature"] if one_feature else "") for one in kept]
        new = [one for one, key in zip(kept, same, strict=True) if key not in mine] + new
    Path(RECORDS).write_text(json.dumps(new, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
