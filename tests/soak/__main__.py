"""`make soak`: crashes, the collector under load, and racing committers, with their figures.

`python -m tests.soak --seconds 60 --injections 50` is the short form that test-slow runs.
"""

from __future__ import annotations

import argparse
import sys

from tests.soak.site import own_site


def main() -> int:
    options = _options()
    with own_site():
        from tests.soak import collecting, committing, crashing

        scenarios = tuple(options.scenarios.split(",")) if options.scenarios else tuple(crashing.SCENARIOS)
        crashes = crashing.crash(injections=options.injections, seed=options.seed, only=scenarios)
        _show("crashes", vars(crashes))
        if options.crashes_only:
            return int(bool(crashes.lost or crashes.failures))
        races = committing.race(committers=options.committers)
        _show("committers", {k: v for k, v in vars(races).items() if k != "lock"})
        collected = collecting.soak(seconds=options.seconds, threads=options.threads, seed=options.seed)
        _show("collection", {"events": collected.events} | {k: v for k, v in vars(collected).items() if k != "lock"})
    bad = [crashes.lost, crashes.failures, races.lost, races.failures, races.parents_with_two_children]
    bad += [collected.lost, collected.failures]
    return 1 if any(bad) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=660, help="of the collection soak")
    parser.add_argument("--injections", type=int, default=520, help="faults to inject")
    parser.add_argument("--crashes-only", action="store_true")
    parser.add_argument("--scenarios", default="", help="of the crashes; all: see tests/soak/scenarios.py")
    parser.add_argument("--committers", type=int, default=32)
    parser.add_argument("--threads", type=int, default=4, help="that upload, commit and delete")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _show(title: str, figures: dict[str, object]) -> None:
    print(title, *(f"{name}={value}" for name, value in figures.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
