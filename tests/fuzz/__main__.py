"""`python -m tests.fuzz [TARGET …] [--seconds 60]`: each target in turn, by atheris where it is installed."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
os.environ.setdefault("MARKETPLACE_DATA_DIR", tempfile.mkdtemp(prefix="fuzz-"))  # settings keep secrets there
django.setup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description="Looks for bytes that our parsers do not survive.")
    parser.add_argument("targets", nargs="*", help="all unless named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--guided", help=argparse.SUPPRESS)  # one target, in a process of its own
    asked = parser.parse_args()
    if asked.guided:
        _guided(asked.guided, asked.seconds)
        return
    from tests.fuzz.targets import TARGETS

    unknown = set(asked.targets) - set(TARGETS)
    if unknown:
        raise SystemExit(f"There is no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}.")
    for name in asked.targets or TARGETS:
        print(f"{name}: {asked.seconds} s", flush=True)
        if _has_atheris():
            command = [sys.executable, "-m", "tests.fuzz", "--guided", name, "--seconds", str(asked.seconds)]
            subprocess.run(command, check=True)
        else:
            _random(name, asked.seconds)


def _has_atheris() -> bool:
    import importlib.util

    return importlib.util.find_spec("atheris") is not None


def _guided(name: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["catalog.parsing", "catalog.hub_api"]):
        from tests.fuzz.targets import feed
    limits = [f"-max_total_time={seconds}", "-timeout=1", "-rss_limit_mb=512", "-max_len=4096", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *limits], lambda data: feed(name, data))
    atheris.Fuzz()


def _random(name: str, seconds: int) -> None:
    from tests.fuzz.targets import OPENINGS, feed

    source, end = random.Random(0), time.monotonic() + seconds
    while time.monotonic() < end:
        data = bytearray(source.choice(OPENINGS[name]) + source.randbytes(source.randrange(200)))
        for _ in range(source.randrange(8)):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            feed(name, bytes(data))
        except Exception:
            print(f"{name}: {bytes(data)!r}", flush=True)
            raise


if __name__ == "__main__":
    main()
