"""`make staging`: huggingface_hub's own tests, as PyPI has them, against one running site of ours.

Prints a table and writes build/staging.json. What is left out stands with its reason in tests/staging/ledger.yaml.
The exit code is 1 when a test failed, or when the ledger names a test that is not there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter

from tests.processes import ROOT
from tests.staging import ledger, site
from tests.staging.running import IN_PARALLEL, Result, as_json, run

RECORDS = ROOT / "build" / "staging.json"


def main() -> int:
    wanted = _arguments()
    if wanted.serve:
        return _serve()
    before, options = time.monotonic(), (*IN_PARALLEL, *wanted.option)
    if wanted.at:
        results = run(json.loads(wanted.at), chosen=wanted.chosen, options=options)
    else:
        with site.running() as constants:
            results = run(constants, chosen=wanted.chosen, options=options)
    is_whole = not wanted.chosen and not wanted.option
    if is_whole:
        RECORDS.write_text(as_json(results))
    stale = ledger.stale(ledger.entries(), [one.test for one in results]) if is_whole else []
    _tell(results, stale, time.monotonic() - before)
    return 1 if stale or any(one.outcome == "failed" for one in results) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.staging", description=__doc__)
    parser.add_argument("chosen", nargs="*", metavar="TEST", help="test_lfs.py, or test_lfs.py::TestX; all without")
    parser.add_argument("--option", action="append", default=[], help="one for their pytest, such as --option=-n0")
    parser.add_argument("--serve", action="store_true", help="start the site, print what --at takes, and wait")
    parser.add_argument("--at", metavar="JSON", help="a site that runs, as --serve printed it")
    return parser.parse_args()


def _serve() -> int:
    with site.running() as constants:
        print(json.dumps(constants), flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0


def _tell(results: list[Result], stale: list[str], seconds: float) -> None:
    by_module: dict[str, Counter[str]] = {}
    for one in results:
        by_module.setdefault(one.module, Counter())[one.kind] += 1
    total = sum(by_module.values(), Counter())
    width = max(map(len, by_module))
    for name, counts in [*by_module.items(), ("all", total)]:
        print(f"{name:{width}}  " + ", ".join(f"{number} {kind}" for kind, number in counts.most_common()))
    for one in results:
        if one.outcome == "failed":
            print(f"FAIL {one.test}: {one.reason.strip()[-300:]}")
    for start in stale:
        print(f"STALE {start} is in the ledger, but no test is called so")
    print(f"{len(results)} tests in {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
