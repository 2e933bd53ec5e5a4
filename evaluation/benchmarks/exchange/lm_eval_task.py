"""Task files of EleutherAI's lm-evaluation-harness, as far as they are data.

Source: lm_eval 0.4, docs/task_guide.md. Functions are refused, templates are taken as they are: our own check
decides whether they stay within what a template may do.
"""

import re
from typing import Any, Final

from evaluation.benchmarks.exchange.draft import UNKNOWN, Draft, Hints, list_of, mapping_at, mapping_of, slug, text_at
from evaluation.benchmarks.schema import Definition, Prompt
from evaluation.benchmarks.strict import bad
from evaluation.benchmarks.writing import dump
from evaluation.metrics.registry import REGISTRY

REQUESTS: Final = {
    "multiple_choice": "loglikelihood",
    "generate_until": "generate",
    "loglikelihood_rolling": "rolling",
}
KINDS: Final = {ours: theirs for theirs, ours in REQUESTS.items()}
METRICS: Final = {"loglikelihood": "acc", "generate": "exact_match", "rolling": "bits_per_byte"}
THEIRS: Final = frozenset(name for name, metric in REGISTRY.items() if metric.library == f"lm_eval {name}")
_FIELD: Final = re.compile(r"\s*(?:\{\{\s*)?([A-Za-z_][\w.]*)(?:\s*\}\})?\s*")
_READ: Final = {
    "task", "task_alias", "group", "tag", "dataset_path", "dataset_name", "dataset_kwargs", "test_split",
    "validation_split", "training_split", "fewshot_split", "doc_to_text", "doc_to_target", "doc_to_choice",
    "description", "target_delimiter", "fewshot_delimiter", "num_fewshot", "output_type", "generation_kwargs",
    "filter_list", "metric_list", "metadata", "repeats", "should_decontaminate", "doc_to_decontamination_query",
}  # fmt: skip


def read(text: str, hints: Hints) -> Draft:
    """A draft; whatever has no place in our schema is said in the notes."""
    found = mapping_of(text)
    if "include" in found:
        raise bad("include", "the file takes part of itself from another file; put both into one.")
    kind = text_at(found, "output_type", "generate_until")
    if kind not in REQUESTS:
        raise bad("output_type", f"{kind!r} has no counterpart here; those that have: {', '.join(REQUESTS)}.")
    notes = [f"{key}: left out, it has no place in a definition." for key in sorted(set(found) - _READ)]
    name = text_at(found, "task", "imported")
    request = REQUESTS[kind]
    body: dict[str, Any] = {
        "schema": 1,
        "id": slug(name),
        "version": 1,
        "title": name,
        "summary": f"Imported from the lm_eval task {name}, version {_version_of(found)}.",
        "task": "text-generation",
        "tasks": ["text-generation"],
        "status": "draft",
        "dataset": _dataset(found, hints, notes),
        "fields": _fields(found, request, notes),
        "request": request,
    }
    if request != "rolling":
        body["prompt"] = _prompt(found)
    if request == "generate":
        body["generation"] = _generation(found)
    if filters := _filters(found, notes):
        body["filters"] = filters
    body["metrics"] = _metrics(found, request, notes)
    return Draft(dump(body), tuple(notes))


def write(definition: Definition) -> str:
    """The task file that asks the same. Raises BadDefinition: lm_eval has no words for it."""
    _check_sayable(definition)
    prompt = definition.prompt
    body: dict[str, Any] = {
        "task": definition.id.replace("-", "_"),
        "dataset_path": definition.dataset.repo,
        "dataset_name": None if definition.dataset.config == "default" else definition.dataset.config,
        "dataset_kwargs": {"revision": definition.dataset.revision},
        "output_type": KINDS[definition.request],
        "test_split": definition.dataset.split,
        "fewshot_split": definition.dataset.fewshot_split,
        **(_their_prompt(definition, prompt) if prompt else _their_text(definition)),
    }
    if definition.generation is not None:
        made = definition.generation
        body["generation_kwargs"] = {
            "until": list(made.stop),
            "max_gen_toks": made.max_new_tokens,
            "do_sample": made.do_sample,
            "temperature": made.temperature if made.do_sample else 0.0,
        }
        body["repeats"] = made.repeats
    body["metric_list"] = [{"metric": use.name} for use in definition.metrics]
    body["metadata"] = {"version": definition.version}
    return dump({key: value for key, value in body.items() if value is not None})


def _check_sayable(definition: Definition) -> None:
    if definition.request not in KINDS:
        raise bad("request", f"lm_eval has no output_type for {definition.request!r}.")
    prompt = definition.prompt
    if definition.request != "rolling" and prompt is None:
        raise bad("prompt", "without a prompt there is no doc_to_text.")
    if definition.dataset.repo.startswith("builtin:"):
        raise bad("dataset.repo", "lm_eval cannot read data that comes with this program.")
    if definition.dataset.subset is not None:
        raise bad("dataset.subset", "lm_eval has no seeded subset; only the whole split can be said.")
    if definition.filters:
        raise bad("filters", "our filters are not lm_eval's; only a task without filters can be said.")
    if prompt is not None and prompt.shots:
        raise bad("prompt.shots", "lm_eval draws other examples than we do; only a task without examples can be said.")
    if prompt is not None and prompt.chat_template != "off":
        raise bad("prompt.chat_template", "lm_eval's command line decides about it, not its tasks.")
    for number, use in enumerate(definition.metrics):
        if use.name not in THEIRS:
            raise bad(
                f"metrics[{number}].name",
                f"lm_eval has nothing that means the same; it has {', '.join(sorted(THEIRS))}.",
            )


def _version_of(found: dict[str, Any]) -> str:
    """The version of the task; older files give a list of one mapping."""
    listed = [one for one in list_of(found.get("metadata")) if isinstance(one, dict)]
    return str(listed[0].get("version", "unknown")) if listed else "unknown"


def _dataset(found: dict[str, Any], hints: Hints, notes: list[str]) -> dict[str, Any]:
    repo = hints.dataset or text_at(found, "dataset_path")
    if "/" not in repo:
        notes.append(f"dataset_path {repo!r} has no owner: write it as owner/name.")
        repo = f"unknown/{repo or 'unknown'}"
    split = next((text_at(found, key) for key in ("test_split", "validation_split") if found.get(key)), "test")
    dataset = {
        "repo": repo,
        "revision": hints.revision or str(mapping_at(found, "dataset_kwargs").get("revision") or UNKNOWN),
        "config": text_at(found, "dataset_name", "default"),
        "split": split,
    }
    if dataset["revision"] == UNKNOWN:
        notes.append("The task pins no revision: give the commit of the dataset.")
    few = text_at(found, "fewshot_split") or text_at(found, "training_split")
    return dataset | ({"fewshot_split": few} if few and found.get("num_fewshot") else {})


def _fields(found: dict[str, Any], request: str, notes: list[str]) -> dict[str, str]:
    target = text_at(found, "doc_to_target")
    simple = _FIELD.fullmatch(target)
    if not target:
        notes.append("There is no doc_to_target: name the column of the answer in fields.target.")
        return {}
    # What is read through is lm_eval's target; a field may be a template, too.
    return {"text" if request == "rolling" else "target": simple[1] if simple else target}


def _prompt(found: dict[str, Any]) -> dict[str, Any]:
    template = text_at(found, "doc_to_text")
    bare = re.fullmatch(r"[A-Za-z_]\w*", template)  # lm_eval takes the bare name of a column, too
    prompt: dict[str, Any] = {"template": f"{{{{ {template} }}}}" if bare else template}
    choices = found.get("doc_to_choice")
    if isinstance(choices, list):
        prompt["choices"] = [str(choice) for choice in choices]
    elif isinstance(choices, str):
        simple = _FIELD.fullmatch(choices)
        prompt["choices"] = simple[1] if simple else choices
    for ours, theirs in (("description", "description"), ("target_delimiter", "target_delimiter"),
                         ("fewshot_delimiter", "fewshot_delimiter")):  # fmt: skip
        if theirs in found:
            prompt[ours] = text_at(found, theirs)
    shots = found.get("num_fewshot")
    return prompt | ({"shots": shots} if isinstance(shots, int) and shots > 0 else {})


def _generation(found: dict[str, Any]) -> dict[str, Any]:
    asked = mapping_at(found, "generation_kwargs")
    made: dict[str, Any] = {
        "max_new_tokens": asked.get("max_gen_toks") if isinstance(asked.get("max_gen_toks"), int) else 256,
        "stop": [str(one) for one in list_of(asked.get("until"))],
    }
    if asked.get("do_sample") is True:
        made |= {"do_sample": True, "temperature": float(asked.get("temperature") or 1.0)}
    repeats = found.get("repeats")
    return made | ({"repeats": repeats} if isinstance(repeats, int) and repeats > 1 else {})


def _filters(found: dict[str, Any], notes: list[str]) -> list[Any]:
    """The steps of the first filter that have a counterpart; `take_first` is what happens anyway."""
    listed = [one for one in list_of(found.get("filter_list")) if isinstance(one, dict)]
    if len(listed) > 1:
        notes.append(f"filter_list has {len(listed)} filters; this is {listed[0].get('name')}.")
    steps: list[Any] = []
    for step in [one for one in list_of(listed[0].get("filter")) if isinstance(one, dict)] if listed else []:
        name = step.get("function")
        if name == "regex" and isinstance(step.get("regex_pattern"), str) and step.get("group_select", 0) in (0, -1):
            last = {"which": "last"} if step.get("group_select") == -1 else {}
            steps.append({"name": "regex", "pattern": step["regex_pattern"], **last})
        elif name == "majority_vote":
            steps.append("majority")
        elif name == "remove_whitespace":
            steps.append("strip")
        elif name != "take_first":
            notes.append(f"filter {name}: left out; write it as one of ours.")
    return steps


def _metrics(found: dict[str, Any], request: str, notes: list[str]) -> list[dict[str, Any]]:
    listed = [one for one in list_of(found.get("metric_list")) if isinstance(one, dict)]
    named = [str(one["metric"]) for one in listed if isinstance(one.get("metric"), str)]
    for one in listed:
        more = sorted(set(one) - {"metric", "aggregation", "higher_is_better"})
        if more:
            notes.append(f"metric {one.get('metric')}: {', '.join(more)} left out.")
    metrics: list[dict[str, Any]] = [{"name": name} for name in named or [METRICS[request]]]
    metrics[0]["primary"] = True
    return metrics


def _their_prompt(definition: Definition, prompt: Prompt) -> dict[str, Any]:
    target = definition.fields.get("target")
    choices = prompt.choices
    return {
        "description": prompt.description or None,
        "doc_to_text": prompt.template,
        "doc_to_target": _braced(target) if target else "",
        "doc_to_choice": list(choices) if isinstance(choices, tuple) else _braced(choices) if choices else None,
        "target_delimiter": prompt.target_delimiter,
        "fewshot_delimiter": prompt.fewshot_delimiter,
        "num_fewshot": 0,
    }


def _their_text(definition: Definition) -> dict[str, Any]:
    return {"doc_to_text": "", "doc_to_target": _braced(definition.fields.get("text") or "text")}


def _braced(source: str) -> str:
    """A field as a template; what is one already stays as it is."""
    return source if "{{" in source or "{%" in source else f"{{{{{source}}}}}"
