"""What a run costs besides its computing, and how much of a queue's time passes in runners.

A site with web, worker, one node and tiny text classifiers. Of each run the runner itself says what it spent:
interpreter and imports (once per process), loading, computing. The rest is overhead: claim, files, walls, scoring.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from tests.bench.site import Site, progress
from tests.bench.table import Row, at_least, at_most
from tests.processes import ROOT

Facts = dict[str, Any]
TOGETHER = 4
OF_A_PROCESS = 8  # runs that a node takes at once at most


def measure(site: Site, *, runs: int, rounds: int) -> list[Row]:
    models = [f"ann/tiny-{number}" for number in range(max(1, runs // OF_A_PROCESS))]
    _begin(site, models)
    progress("runs: the first, which fetches the model")
    _timed(site, models[:1], 1, "first")
    progress("runs: alone and together")
    alone = [_timed(site, models[:1], 1, f"alone{number}") for number in range(rounds)]
    together = [_timed(site, models[:1], TOGETHER, f"together{number}") for number in range(rounds)]
    progress(f"runs: a queue of {runs}")
    many = _timed(site, models, OF_A_PROCESS, "many")
    return [*_overhead("one run", alone), *_overhead(f"{TOGETHER} runs of one model", together), _share(many)]


def _begin(site: Site, models: list[str]) -> None:
    hub = site.hub
    hub.extra["AUTO_EVALUATE"] = "0"
    _, token = hub.commands(("sync_benchmarks",), ("create_node", "machine"))
    kept = hub.home / "node-token"
    kept.write_text(token)
    folder = site.files / "tiny"
    made = "from pathlib import Path; from tests.evaluation.runner.models import save_text_classifier as save; "
    made += "from evaluation.benchmarks.definitions import builtin_definitions as known; "
    made += f"save(Path({str(folder)!r}), next(one for one in known() if one.id == 'langid').label_names)"
    subprocess.run([sys.executable, "-c", made], cwd=ROOT, check=True, capture_output=True)
    (folder / "README.md").write_text("---\npipeline_tag: text-classification\n---\n# Tiny\n")
    api = HfApi(hub.url, site.token)
    for name in models:
        api.create_repo(name)
        api.upload_folder(repo_id=name, folder_path=folder)
    hub.start_worker()
    command = ("manage.py", "node", "--embedded", "--hub", hub.url, "--token-file", str(kept))
    hub.start("node", *command, "--data-dir", str(hub.home / "node"))


def _timed(site: Site, models: list[str], definitions: int, tag: str) -> list[Facts]:
    """What became of the runs, in the order of their ends."""
    command = [sys.executable, "-m", "tests.bench.queueing", "--models", ",".join(models), "--tag", tag]
    command += ["--definitions", str(definitions)]
    done = subprocess.run(
        command, cwd=ROOT, env=site.hub.environment, capture_output=True, text=True, check=False, timeout=7200
    )
    if done.returncode:
        raise RuntimeError(f"tests.bench.queueing: {done.stdout}\n{done.stderr}\n{site.hub.logs()}")
    found: list[Facts] = json.loads(done.stdout.splitlines()[-1])
    kept = Path(site.files / f"runs-{tag}.json")
    kept.write_text(json.dumps(found))
    return found


def _overhead(title: str, rounds: list[list[Facts]]) -> list[Row]:
    """Of the median round; per run, where there are several."""
    walls = sorted(rounds, key=lambda runs: _wall(runs) - _inside(runs))
    runs = walls[len(walls) // 2]
    start, rest = _start(runs), _inside(runs) - _start(runs)
    each = (_wall(runs) - _inside(runs)) / len(runs)
    split = f"wall {_wall(runs):.1f} s: interpreter and imports {start:.1f}, load and compute {rest:.1f}"
    worst = max((_wall(one) - _inside(one)) / len(one) for one in rounds)
    detail = f"{split}; {_parts(runs)}; {len(rounds)} rounds, worst {worst:.1f} s"
    return [at_most(f"overhead of {title}, each", f"{each:.2f} s", detail, value=each, most=3, unit="s")]


def _parts(runs: list[Facts]) -> str:
    """Where the overhead of all of them lies: before the claim, on the node beside the runner, after handing in."""
    claimed, handed_in = min(run["claimed_at"] for run in runs), max(run["handed_in_at"] for run in runs)
    waited = claimed - min(run["created_at"] for run in runs)
    node = handed_in - claimed - _inside(runs)
    scored = max(run["finished_at"] for run in runs) - handed_in
    return f"until claimed {waited:.2f}, files, walls and reports {node:.2f}, scored after the last {scored:.2f}"


def _share(runs: list[Facts]) -> Row:
    wall, inside = _wall(runs), _inside(runs)
    processes = sum(run["process"]["runs_before"] == 0 for run in runs)
    scored = statistics.median(run["finished_at"] - run["handed_in_at"] for run in runs)
    detail = f"of {wall:.0f} s until all are scored; {processes} processes, scored {scored:.1f} s after handing in"
    return at_least(
        f"{len(runs)} runs in a queue: time in runners", f"{inside:.0f} s", detail, ratio=inside / wall, least=0.8
    )


def _wall(runs: list[Facts]) -> float:
    return float(max(run["finished_at"] for run in runs) - min(run["created_at"] for run in runs))


def _start(runs: list[Facts]) -> float:
    return float(sum(run["process"]["start_seconds"] for run in runs if run["process"]["runs_before"] == 0))


def _inside(runs: list[Facts]) -> float:
    """Seconds that the runners account for; between them they did nothing for these runs."""
    return _start(runs) + float(sum(sum(run["phases"].values()) for run in runs))
