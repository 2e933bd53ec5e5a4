"""Which way to keep the files of 1 000 commits in PostgreSQL? Prints the tables of ADR 0004.

    .venv/bin/python -m tests.bench.tree_representation [--files 10000] [--commits 1000]

Starts a PostgreSQL of its own (durable settings) and removes it. The three candidates do the same work on
the same changes: compute git's tree ids, keep what a listing shows, answer for any commit.
"""

import argparse
import os
import random
import statistics
import time

from tests import session
from tests.bench.tree_candidates import FolderRows, Intervals, PackedTrees

RECORDS_PER_COMMIT = 3


def paths(layout, count):
    if layout == "flat":
        return [f"data/part-{number:05}.bin" for number in range(count)]
    side = round(count**0.5)
    return [f"data/{number // side:03}/part-{number % side:05}.bin" for number in range(count)]


def changes(layout, count, commits):
    """The first commit adds everything; each later one changes a few files at random."""
    from catalog.actions.history.changesets import NewFile

    dice = random.Random(4)
    everything = paths(layout, count)

    def new():
        return NewFile(mode=0o100644, oid=f"{dice.getrandbits(160):040x}", size=1, blob_id=None, is_lfs=False)

    yield {path: new() for path in everything}
    for _number in range(commits):
        yield {path: new() for path in dice.sample(everything, RECORDS_PER_COMMIT)}


def timed(calls):
    spent = []
    for call in calls:
        start = time.perf_counter()
        call()
        spent.append((time.perf_counter() - start) * 1000)
    return lower_quartile(spent)


def lower_quartile(values):
    """What it takes while nobody else uses the machine much; medians of a shared one measure the others."""
    return statistics.quantiles(values, n=4)[0]


def size_of(tables):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name", [list(tables)]
        )
        return int(cursor.fetchone()[0])


def measure(candidate, layout, count, commits):
    from django.db import connection

    before = size_of(candidate.tables)
    roots, writes, started = [], [], time.perf_counter()
    for files in changes(layout, count, commits):
        start = time.perf_counter()
        roots.append(candidate.commit(files))
        writes.append((time.perf_counter() - start) * 1000)
        if len(writes) == 1:
            first = size_of(candidate.tables)
    with connection.cursor() as cursor:
        for table in candidate.tables:
            cursor.execute(f"VACUUM ANALYZE {table}")  # what autovacuum does soon enough
    everything, folder = paths(layout, count), os.path.dirname(paths(layout, count)[count // 2])
    some = random.Random(5).sample(everything, 200)
    row = {
        "candidate": candidate.name,
        "first commit s": writes[0] / 1000,
        "commit ms": lower_quartile(writes[1:]),
        "disk of first MB": (first - before) / 1e6,
        "kB per commit": (size_of(candidate.tables) - first) / commits / 1e3,
    }
    for name, number in (("head", -1), ("old", commits // 2)):
        row[f"file_at {name} ms"] = timed([lambda path=path, at=number: candidate.file_at(at, path) for path in some])
        row[f"page {name} ms"] = timed([lambda at=number: candidate.listing(at, folder) for _time in range(40)])
        row[f"root {name} ms"] = timed([lambda at=number: candidate.listing(at, "") for _time in range(40)])
    answers = [candidate.file_at(commits // 2, path) for path in some], candidate.listing(-1, folder)
    print(f"  {candidate.name}: {time.perf_counter() - started:.0f} s", flush=True)
    return row, roots, answers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--commits", type=int, default=1_000)
    arguments = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings"
    from marketplace.embedded import servers

    servers.prepare(session.DATA_DIR)
    held = session.Servers()
    try:
        held.children = servers.start(session.DATA_DIR)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        run(arguments.files, arguments.commits)
    finally:
        held.stop()


def run(count, commits):
    from django.db import connection

    from tests.factories import RepoFactory

    with connection.cursor() as cursor:
        for candidate in (PackedTrees, FolderRows):
            candidate.create(cursor)
    for layout in ("flat", "nested"):
        print(f"{layout}: {count} files, {commits} commits of {RECORDS_PER_COMMIT} changed files", flush=True)
        results = [
            measure(kind(RepoFactory(initial_commit=False)), layout, count, commits)
            for kind in (Intervals, PackedTrees, FolderRows)
        ]
        for _row, roots, answers in results[1:]:
            assert roots == results[0][1], "the candidates disagree about git's ids"
            assert answers == results[0][2], "the candidates disagree about the files"
        rows = [row for row, _roots, _answers in results]
        print("\n| | " + " | ".join(row["candidate"] for row in rows) + " |\n|---|" + "---:|" * len(rows))
        for name in rows[0]:
            if name != "candidate":
                print(f"| {name} | " + " | ".join(f"{row[name]:.2f}" for row in rows) + " |")
        print(flush=True)


if __name__ == "__main__":
    main()
