"""`eval.yaml`, with which a dataset of the Hub declares itself a benchmark.

Source: huggingface/hub-docs, docs/hub/eval-results.md: name, description, evaluation_framework, tasks with id,
config, split; in files for inspect-ai also field_spec, solvers, scorers.
"""

from typing import Any, Final

from evaluation.benchmarks.exchange.draft import UNKNOWN, Draft, Hints, list_of, mapping_at, mapping_of, slug, text_at
from evaluation.benchmarks.strict import bad
from evaluation.benchmarks.writing import dump

CHOICE_SOLVERS: Final = {"multiple_choice"}


def read(text: str, hints: Hints) -> Draft:
    """The draft of one task of the file; the first unless the hints name another."""
    found = mapping_of(text)
    tasks = [task for task in list_of(found.get("tasks")) if isinstance(task, dict)]
    if not tasks:
        raise bad("tasks", "an eval.yaml lists its tasks.")
    if not hints.dataset:
        raise bad("dataset", "an eval.yaml does not name the dataset it lies in; say which (owner/name).")
    task = _chosen(tasks, hints.task)
    notes = []
    if len(tasks) > 1:
        notes.append(f"The file has {len(tasks)} tasks: {', '.join(_id(one) for one in tasks)}; this is {_id(task)}.")
    if not hints.revision:
        notes.append("An eval.yaml pins no revision: give the commit of the dataset.")
    name = text_at(found, "name", hints.dataset)
    is_choice = bool(CHOICE_SOLVERS & {str(one.get("name")) for one in _named(task, "solvers")})
    body = {
        "schema": 1,
        "id": slug(f"{name} {_id(task)}" if len(tasks) > 1 else name),
        "version": 1,
        "title": name,
        "summary": " ".join(text_at(found, "description").split())[:500],
        "task": "text-generation",
        "tasks": ["text-generation"],
        "status": "draft",
        "dataset": {
            "repo": hints.dataset,
            "revision": hints.revision or UNKNOWN,
            "config": text_at(task, "config", "default"),
            "split": text_at(task, "split", "test"),
        },
        **_asked(task, is_choice=is_choice, notes=notes),
        "reference": f"https://huggingface.co/datasets/{hints.dataset}",
    }
    scorers = [str(one.get("name")) for one in _named(task, "scorers")]
    if scorers:
        notes.append(
            f"Its scorers ({', '.join(scorers)}) became {body['metrics'][0]['name']}; check that it means the same."
        )
    framework = text_at(found, "evaluation_framework")
    if framework and framework != "inspect-ai":
        notes.append(f"It was written for {framework}, whose prompts and rules are not in the file.")
    return Draft(dump(body), tuple(notes))


def _asked(task: dict[str, Any], *, is_choice: bool, notes: list[str]) -> dict[str, Any]:
    """Fields, prompt, request and metric."""
    spec = mapping_at(task, "field_spec")
    asked, target = text_at(spec, "input"), text_at(spec, "target")
    if not asked or not target:
        notes.append("The file does not say which columns hold question and answer: check fields and prompt.")
    asked, target = asked or "question", target or "answer"
    prompt: dict[str, Any] = {"template": f"{{{{ {asked} }}}}"}
    body: dict[str, Any] = {"fields": {"target": target}, "prompt": prompt}
    if is_choice:
        prompt["choices"] = text_at(spec, "choices", "choices")
        return {**body, "request": "loglikelihood", "metrics": [{"name": "acc", "primary": True}]}
    return {
        **body,
        "request": "generate",
        "generation": {"max_new_tokens": 1024},
        "metrics": [{"name": "exact_match", "primary": True}],
    }


def _chosen(tasks: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    if not wanted:
        return tasks[0]
    for task in tasks:
        if _id(task) == wanted:
            return task
    raise bad("tasks", f"there is no task {wanted!r}; the file has {', '.join(_id(one) for one in tasks)}.")


def _id(task: dict[str, Any]) -> str:
    return str(task.get("id", "default"))


def _named(task: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [one for one in list_of(task.get(key)) if isinstance(one, dict)]
