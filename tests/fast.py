"""What `make test-fast` runs (loaded there with `-p`): tests of plain code, and those of what changed since main.

A test is one of plain code when neither it nor a fixture that it uses reaches for a database, another process, a
browser or torch. That is read off what their modules import, so that nobody has to mark a test, or can forget to.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATABASE = {"db", "transactional_db"}
# Packages behind which something starts that takes seconds.
HEAVY = (
    "subprocess", "multiprocessing", "playwright", "tests.processes", "tests.up", "tests.stores", "tests.chromium",
    "torch", "transformers", "evaluation.runner", "evaluation.node", "evaluation.harnesses.lm_eval", "lm_eval",
)  # fmt: skip
# Where the tests of a folder are that `tests/` does not mirror.
ELSEWHERE = {
    "marketplace": "tests/platform",
    "templates": "tests/pages",
    "static": "tests/pages",
    "catalog/pages": "tests/pages",
    "evaluation/pages": "tests/pages",
    "catalog/storage": "tests/storage",
}


def pytest_report_header() -> list[str]:
    return ["fast: plain code", *(f"fast: {place}, where files changed" for place in sorted(changed_places()))]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = {item: is_plain(item) or is_below(item.nodeid.partition("::")[0], changed_places()) for item in items}
    config.hook.pytest_deselected(items=[item for item in items if not wanted[item]])
    items[:] = [item for item in items if wanted[item]]


def is_plain(item: pytest.Item) -> bool:
    if item.get_closest_marker("django_db") or DATABASE & set(item.fixturenames):
        return False
    fixtures = [found[-1].func for found in item._fixtureinfo.name2fixturedefs.values() if found]
    return not any(reaches_far(function) for function in (item.obj, *fixtures))


@cache
def reaches_far(function: Callable) -> bool:
    function = getattr(function, "__func__", function)  # of a method
    if hasattr(function, "hypothesis"):
        function = function.hypothesis.inner_test
    code, known = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    if not code or not Path(code.co_filename).is_relative_to(ROOT / "tests"):
        return False  # pytest's own, and those of its plugins
    return any(is_heavy(name) for name in (*code.co_names, *map(origin, known.values())))


def origin(value: object) -> str:
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return name if isinstance(name, str) else ""


def is_heavy(module: str) -> bool:
    return any(module == heavy or module.startswith(f"{heavy}.") for heavy in HEAVY)


@cache
def changed_places() -> frozenset[str]:
    """Files and folders below `tests/` of all that differs from where this branch left main."""
    return frozenset(place for path in changed_files() if (place := place_of(path)))


def changed_files() -> Iterator[str]:
    """Committed since then, not committed yet, or not known to git yet; none outside a clone."""
    start = git("merge-base", "HEAD", "main") or git("merge-base", "HEAD", "origin/main") or ["HEAD"]
    yield from git("diff", "--name-only", start[0])
    yield from git("ls-files", "--others", "--exclude-standard")


def git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def place_of(path: str) -> str | None:
    """The test file of the same name in the folder that mirrors this one or one above, otherwise the nearest folder.

    Not a whole application's: that would be most tests.
    """
    file = PurePosixPath(path)
    above = [str(folder) for folder in file.parents][:-1]
    if above and above[-1] == "tests":
        return path if file.name.startswith("test_") else (above[0] if len(above) > 1 else None)
    mirrors = [ELSEWHERE.get(folder, f"tests/{folder}") for folder in above]
    named = [f"{folder}/test_{file.stem}.py" for folder in mirrors]
    broad = [mirror for folder, mirror in zip(above, mirrors, strict=True) if "/" in folder or folder in ELSEWHERE]
    return next((place for place in (*named, *broad) if (ROOT / place).exists()), None)


def is_below(path: str, places: frozenset[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)
