"""Runs as a program beside lm_eval, the only place that imports it; of our own code it imports nothing.

    python lm_eval_process.py job.json answer.json

job: {"task", "include": folder or null, "data": {split: JSON lines}, "answers": null to record, else per document,
      "filter": one of the task's, or null for its first}.
Recorded: {"version", "task_version", "kind", "documents": [[{"arguments", "repeats"}, …], …]}.
Replayed: {"version", "task_version", "filter", "documents": [id, …], "metrics": {name: {"value", "per_item"}}}.
"""

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lm_eval
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager

FEWSHOT_SEED = 1234  # lm_eval's own default


class Answering(LM):  # type: ignore[misc]  # lm_eval is not here when types are checked
    """A model that computes nothing: it notes what is asked, and says what somebody else answered."""

    def __init__(self, answers: list[list[list[Any]]] | None) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[Instance] = []

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        return [tuple(answer) for answer in self._answers(requests, [0.0, False])]

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        return self._answers(requests, 0.0)

    def generate_until(self, requests: list[Instance]) -> list[str]:
        return self._answers(requests, "")

    def _answers(self, requests: list[Instance], nothing: Any) -> list[Any]:  # noqa: ANN401 (any answer)
        self.asked = requests
        if self.answers is None:
            return [nothing] * len(requests)
        given: dict[tuple[int, int], int] = {}
        found = []
        for request in requests:  # a request that is to be repeated stands there as often
            key = (request.doc_id, request.idx)
            found.append(self.answers[request.doc_id][request.idx][given.get(key, 0)])
            given[key] = given.get(key, 0) + 1
        return found


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    model = Answering(job["answers"])
    task, results = perform(job, model)
    facts: dict[str, Any] = {
        "version": version("lm_eval"),
        "task_version": str(task.VERSION if task.VERSION is not None else ""),
    }
    if job["answers"] is None:
        facts |= {"kind": model.asked[0].request_type, "documents": recorded(model.asked)}
    else:
        facts |= judged(results, job["task"], job["filter"])
    Path(sys.argv[2]).write_text(json.dumps(facts, allow_nan=False), encoding="utf-8")


def perform(job: dict[str, Any], model: Answering) -> tuple[Any, dict[str, Any]]:
    """The task, and what lm_eval makes of the model's answers."""
    manager = TaskManager(include_path=job["include"] or folder_of(job["task"]), include_defaults=False)
    local = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": job["data"]}}
    # No public door builds a known task with other data; the version is pinned.
    build = manager._factory.build  # noqa: SLF001
    task = build(manager.task_index[job["task"]], overrides=local, registry=manager.task_index)
    # As lm_eval's own command line does before it evaluates.
    if task.get_config("num_fewshot") is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=FEWSHOT_SEED)
    loaded = {"tasks": {job["task"]: task}, "groups": {}}
    return task, evaluate(lm=model, task_dict=loaded, bootstrap_iters=0, log_samples=True)


def folder_of(name: str) -> str:
    """Where lm_eval keeps a task of its own; to index all of its thousands would take longer than to run one."""
    stated = re.compile(rf"^task:\s*[\"']?{re.escape(name)}[\"']?\s*$", re.MULTILINE)
    for path in sorted((Path(lm_eval.__file__).parent / "tasks").rglob("*.yaml")):
        if stated.search(path.read_text(encoding="utf-8", errors="replace")):
            return str(path.parent)
    raise SystemExit(f"lm_eval has no task {name!r}")


def recorded(asked: list[Instance]) -> list[list[dict[str, Any]]]:
    """Per document its requests in order; a repeated one once."""
    documents: dict[int, dict[int, dict[str, Any]]] = {}
    for request in asked:
        own = documents.setdefault(request.doc_id, {})
        own.setdefault(request.idx, {"arguments": list(request.args), "repeats": request.repeats})
    return [[own[idx] for idx in sorted(own)] for _, own in sorted(documents.items())]


def judged(results: dict[str, Any], name: str, wanted_filter: str | None) -> dict[str, Any]:
    """Each metric as lm_eval aggregated it, and as it saw each document."""
    samples = results["samples"][name]
    chosen = wanted_filter or samples[0]["filter"]
    own = sorted((sample for sample in samples if sample["filter"] == chosen), key=lambda sample: sample["doc_id"])
    if not own:
        raise SystemExit(f"the task has no filter {chosen!r}")
    metrics = {
        metric: {
            "value": float(results["results"][name][f"{metric},{chosen}"]),
            "per_item": [plain(sample[metric]) for sample in own],
        }
        for metric in own[0]["metrics"]
        if isinstance(results["results"][name].get(f"{metric},{chosen}"), int | float)
    }
    return {"documents": [sample["doc_id"] for sample in own], "filter": chosen, "metrics": metrics}


def plain(value: Any) -> Any:  # noqa: ANN401 (whatever a metric is of one document)
    """A number, or a pair of numbers that is summed before it is divided."""
    return [float(part) for part in value] if isinstance(value, list | tuple) else float(value)


if __name__ == "__main__":
    main()
