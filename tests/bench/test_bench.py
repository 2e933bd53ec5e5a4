"""`make bench` measures real processes; here only that it does, never how fast."""

import os
import subprocess
import sys

import pytest

from tests.bench.table import HEADINGS, at_least, at_most, markdown
from tests.processes import ROOT


def rows_of(printed: str) -> list[list[str]]:
    """The cells of the table, without its headings."""
    lines = [line for line in printed.splitlines() if line[:1] == "|"]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert rows[0] == list(HEADINGS)
    return rows[2:]


@pytest.mark.slow
def test_downloads_and_uploads_are_measured_beside_others_in_one_table():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "tests.bench", "--quick", "--only", "download,upload"]

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 0, done.stderr
    ratios = {(row[0], row[2].rsplit(" ", 2)[0]): float(row[3]) for row in rows_of(done.stdout)}
    assert all(ratio > 0 for ratio in ratios.values())
    assert ("download of 24 MB by curl", "bare sendfile view") in ratios
    assert len([beside for _measured, beside in ratios if beside.startswith("nginx, ")]) == 3
    for way in ("Xet", "plain LFS"):
        assert (f"upload of 16 MB, {way}: wall", "cp + sha256sum + sync") in ratios
        assert (f"upload of 16 MB, {way}: web CPU", "cp + sha256sum + sync") in ratios


def test_a_missed_promise_is_seen():
    table = markdown(
        [at_least("a", "8", "10", ratio=0.8, least=0.9), at_most("b", "8", "", value=8, most=10, unit="MB")]
    )

    missed, kept = table.splitlines()[2:]
    assert "0.80" in missed
    assert "≥ 0.9 (MISSED)" in missed
    assert "≤ 10 MB (kept)" in kept


@pytest.mark.slow
def test_large_uploads_are_measured_with_memory_and_disk():
    ratios = quick("large", "--large-mb", "20")

    assert ratios["disk after Xet upload of 20 MB"] < 1.05
    assert ratios["disk after Xet upload of 20 MB, once more into another repo"] < 1.05
    assert ratios["web memory, Xet upload of 20 MB"] > 0


@pytest.mark.slow
def test_reads_through_xet_are_measured_beside_plain_ones():
    ratios = quick("xet_reads")

    assert ratios["hf download of 16 MB, through Xet: wall"] > 0
    assert ratios["hf download of 16 MB, through Xet: web CPU a GB"] > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_runner_is_measured_beside_pipelines_and_lm_eval_and_answers_the_same():
    done = quick_run("runner")

    rows = [row for row in rows_of(done.stdout) if row[0].startswith(("runner", "likelihoods"))]
    assert [row[1] for row in rows if row[0].endswith(": answers")] == ["the same"] * 7
    assert all(float(row[3]) > 0 for row in rows if not row[0].endswith(": answers"))


@pytest.mark.slow
def test_scoring_is_measured_with_and_without_groups():
    ratios = quick("scoring")

    assert [title.endswith("wall") for title in ratios] == [True, False] * 2
    assert len([title for title in ratios if "4 groups compared" in title]) == 2


def quick(part: str, *more: str) -> dict[str, float]:
    """What was measured → ratio, of one part alone."""
    return {row[0]: float(row[3]) for row in rows_of(quick_run(part, *more).stdout) if row[3]}


def quick_run(part: str, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "tests.bench", "--quick", "--only", part, *more]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stderr
    return done
