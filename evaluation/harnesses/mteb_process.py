"""Runs as a program beside mteb, the only place that imports it; of our own code it imports nothing.

    python mteb_process.py job.json answer.json

job: {"task", "own": file of a task that is not mteb's or null, "revision": commit of the dataset or null,
      "subset", "split", "data": folder of the dataset,
      "answers": null to record, else a file of one embedding per text that was asked, in that order}.
Recorded: {…facts, "asked": [{"text", "role", "prompts"}, …]}.
Replayed: {…facts, "values": {metric: what mteb says}, "columns": {name: one number per document}}.
facts: {"version", "type", "main_score", "revision", "documents": how many are judged}.
"""

import json
import math
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import yaml
from mteb import abstasks
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models.model_meta import ModelMeta
from mteb.similarity_functions import cos_sim, pairwise_cos_sim
from mteb.types import PromptType

DEFAULT_SEED = 42  # mteb's own
RECORDING_WIDTH = 4  # of the vectors that stand for answers while nothing is known
RANKS = {"ndcg_at_": "ndcg_cut_", "map_at_": "map_cut_", "recall_at_": "recall_", "precision_at_": "P_"}


class Answering:
    """An encoder that computes nothing: it notes what is asked, and says what somebody else answered."""

    def __init__(self, answers: Any) -> None:  # noqa: ANN401 (a numpy array, or None)
        self.answers = answers
        self.asked: dict[tuple[str, str], int] = {}  # (role, text) → its place
        self.mteb_model_meta = ModelMeta.create_empty({"name": "recorded/answers", "revision": "1"})

    def encode(self, inputs: Any, *, prompt_type: Any = None, **_about: Any) -> Any:  # noqa: ANN401 (mteb's protocol)
        """mteb's protocol; a text that is asked again is the same text."""
        role = PromptType(prompt_type).value if prompt_type else ""
        keys = [(role, str(text)) for batch in inputs for text in batch["text"]]
        places = [self.asked.setdefault(key, len(self.asked)) for key in keys]
        if self.answers is None:
            return np.random.default_rng(0).standard_normal((len(places), RECORDING_WIDTH), dtype=np.float32)
        if len(self.asked) > len(self.answers):
            raise SystemExit("the task asks for more texts than it did when it was recorded")
        return np.array(self.answers[places])

    def similarity(self, one: Any, other: Any) -> Any:  # noqa: ANN401
        return cos_sim(one, other)

    def similarity_pairwise(self, one: Any, other: Any) -> Any:  # noqa: ANN401
        return pairwise_cos_sim(one, other)


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    task = task_of(job)
    model = Answering(np.load(job["answers"], mmap_mode="r", allow_pickle=False) if job["answers"] else None)
    watch = Watch(task)
    scores = perform(task, model, job)
    facts: dict[str, Any] = {
        "version": version("mteb"),
        "type": task.metadata.type,
        "main_score": task.metadata.main_score,
        "revision": task.metadata.revision,
        "documents": len(watch.documents()),
    }
    if job["answers"] is None:
        facts["asked"] = [
            {"text": text, "role": role, "prompts": prompt_names(task, role, is_own=bool(job["own"]))}
            for role, text in model.asked
        ]
    else:
        if len(model.asked) != len(model.answers):
            raise SystemExit("the task asks for fewer texts than it did when it was recorded")
        facts |= {"values": plain(scores), "columns": watch.columns()}
    Path(sys.argv[2]).write_text(json.dumps(facts, allow_nan=False), encoding="utf-8")


def task_of(job: dict[str, Any]) -> Any:  # noqa: ANN401 (a task of mteb)
    """The task with its data in a folder instead of on the Hub."""
    if job["own"]:
        body = yaml.safe_load(Path(job["own"]).read_text(encoding="utf-8"))
        metadata = TaskMetadata(**body["metadata"] | {"dataset": {"path": job["data"], "revision": "1"}})
        settings = body.get("settings") or {}
        kind = getattr(abstasks, f"AbsTask{metadata.type}")
        return type(metadata.name, (kind,), {"metadata": metadata, **settings})(seed=DEFAULT_SEED)
    try:
        task = mteb.get_task(job["task"], eval_splits=[job["split"]])
    except KeyError as error:
        raise SystemExit(f"mteb has no task {job['task']!r}") from error
    if task.metadata.revision != job["revision"]:
        raise SystemExit(f"mteb's task is on {task.metadata.dataset['path']}@{task.metadata.revision}")
    local = {**task.metadata.dataset, "path": job["data"]}
    task.metadata = task.metadata.model_copy(update={"dataset": local})
    return task


def perform(task: Any, model: Answering, job: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """What mteb makes of the model's answers, unrounded by its reports."""
    if job["subset"] not in task.hf_subsets:
        raise SystemExit(f"the task has no subset {job['subset']!r}; it has {', '.join(task.hf_subsets)}")
    task.hf_subsets = [job["subset"]]
    found = task.evaluate(model, job["split"], encode_kwargs={"batch_size": 32, "show_progress_bar": False})
    return dict(found[job["subset"]])


class Watch:
    """What a task says of each document, caught where mteb averages it."""

    def __init__(self, task: Any) -> None:  # noqa: ANN401
        self.found: dict[str, dict[str, float]] = {}
        for kind, begin in (
            (abstasks.AbsTaskRetrieval, self._watch_retrieval),
            (abstasks.AbsTaskSTS, self._watch_sts),
            (abstasks.AbsTaskClassification, self._watch_classification),
        ):
            if isinstance(task, kind) and not getattr(task, "is_cross_validation", False):
                begin(task)
                return
        raise SystemExit(f"tasks of mteb's type {task.metadata.type} are not taken apart into documents here")

    def documents(self) -> list[str]:
        return sorted(self.found)

    def columns(self) -> dict[str, list[float]]:
        order = self.documents()
        return {name: [self.found[document][name] for document in order] for name in self.found[order[0]]}

    def _watch_retrieval(self, task: Any) -> None:  # noqa: ANN401
        inner = task.task_specific_scores

        def watched(scores: Any, qrels: Any, results: Any, **about: Any) -> Any:  # noqa: ANN401
            for query, own in scores.items():
                self.found[query] = {
                    f"{name}{cutoff}": float(own[f"{theirs}{cutoff}"])
                    for name, theirs in RANKS.items()
                    for cutoff in task.k_values
                }
            return inner(scores, qrels, results, **about)

        task.task_specific_scores = watched

    def _watch_sts(self, task: Any) -> None:  # noqa: ANN401
        inner = task._calculate_scores  # noqa: SLF001 (no public door; the version is pinned)

        def watched(scores: Any, gold: Any) -> Any:  # noqa: ANN401
            for number, (near, right) in enumerate(zip(scores["cosine_scores"], gold, strict=True)):
                self.found[f"{number:09}"] = {"cosine": float(near), "gold": float(right)}
            return inner(scores, gold)

        task._calculate_scores = watched  # noqa: SLF001

    def _watch_classification(self, task: Any) -> None:  # noqa: ANN401
        inner = task._run_experiment  # noqa: SLF001
        share = 1 / task.n_experiments

        def watched(train: Any, test: Any, *args: Any, **named: Any) -> Any:  # noqa: ANN401
            scores, predicted = inner(train, test, *args, **named)
            for number, (said, right) in enumerate(zip(predicted, test[task.label_column_name], strict=True)):
                own = self.found.setdefault(f"{number:09}", {"accuracy": 0.0})
                own["accuracy"] += share * (said == right)
            return scores, predicted

        task._run_experiment = watched  # noqa: SLF001


def prompt_names(task: Any, role: str, *, is_own: bool) -> list[str]:  # noqa: ANN401
    """Names under which a model may keep a prompt for this task, in the order in which mteb looks.

    It knows the names of its own tasks only.
    """
    names = [task.metadata.type] if is_own else [task.metadata.name, task.metadata.type]
    return [name for known in names for name in (f"{known}-{role}", known)] + [role] if role else names


def plain(scores: dict[str, Any]) -> dict[str, float]:
    """The numbers among them; what is not defined is not one."""
    numbers = {name: float(value) for name, value in scores.items() if isinstance(value, int | float)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


if __name__ == "__main__":
    main()
