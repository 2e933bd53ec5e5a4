"""What must hold of a definition beyond its shape."""

import re

from evaluation.benchmarks.media_checks import NORMALISED, check_media
from evaluation.benchmarks.perturbing.checking import check_perturbations
from evaluation.benchmarks.prompts import check_prompt
from evaluation.benchmarks.schema import Definition, Generation, Subset
from evaluation.benchmarks.strict import bad
from evaluation.benchmarks.vocabulary import WHOLE
from evaluation.metrics.formulas.entities import is_iob2
from evaluation.metrics.registry import REGISTRY, metrics_of
from evaluation.metrics.texts.filters import BadFilter, check_filter

NEED_LABELS = frozenset(
    {"classify", "image-classify", "audio-classify", "token-classify", "detect", "segment", "zero-shot", "features"}
)

# Requests of which a single answer can be taken apart, and whether their items are texts.
EXPLAINED = {"classify": True, "image-classify": False}

ONE_LABEL = frozenset({"classify", "image-classify", "audio-classify", "zero-shot", "loglikelihood"})


def check(definition: Definition) -> None:
    """Raises BadDefinition: with the path of the key and a sentence."""
    for part in (_check_identity, _check_dataset, _check_labels, _check_metrics, _check_slices, _check_numbers):
        part(definition)
    _check_engine(definition)
    _check_efficiency(definition)
    if definition.engine.name == "native":
        check_prompt(definition)
    check_media(definition)
    check_perturbations(definition)
    _check_interpret(definition)
    _check_filters(definition)


def _check_identity(definition: Definition) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", definition.id) or len(definition.id) > 80:
        raise bad("id", "use at most 80 lower case letters, digits and single hyphens.")
    if definition.version < 1:
        raise bad("version", "versions count from 1.")
    if definition.supersedes is not None and not re.fullmatch(r"[a-z0-9-]+@[1-9][0-9]*", definition.supersedes):
        raise bad("supersedes", "write it as id@version.")
    if not definition.tasks:
        raise bad("tasks", "name at least one pipeline tag that this benchmark takes.")


def _check_dataset(definition: Definition) -> None:
    dataset = definition.dataset
    if dataset.repo.startswith("builtin:"):
        if not re.fullmatch(r"[a-z0-9_.-]+(==[0-9][A-Za-z0-9.]*)?", dataset.revision):
            raise bad("dataset.revision", "name the package that carries the data, as package==version.")
    elif not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", dataset.repo, re.ASCII):
        raise bad("dataset.repo", "name a dataset as owner/name.")
    elif not re.fullmatch(r"[0-9a-f]{40}|unknown", dataset.revision):
        raise bad("dataset.revision", "give a commit of 40 hex digits, never a branch or a tag.")
    if dataset.subset is not None:
        _check_subset(definition, dataset.subset)
    if dataset.expect_rows is not None and dataset.expect_rows < 1:
        raise bad("dataset.expect_rows", "at least one row is expected.")


def _check_subset(definition: Definition, subset: Subset) -> None:
    if subset.n < 1:
        raise bad("dataset.subset.n", "a subset has at least one row.")
    if definition.request in WHOLE:
        raise bad(
            "dataset.subset", f"of {definition.request!r} no subset is defined: it would change what is compared."
        )
    if subset.stratify not in (None, "label"):
        raise bad("dataset.subset.stratify", "a subset is drawn by `label`, or without.")
    if subset.stratify is not None and definition.request not in ONE_LABEL:
        raise bad("dataset.subset.stratify", f"items of {definition.request!r} have no label to be drawn by.")
    if subset.stratify is not None and definition.multi_label:
        raise bad("dataset.subset.stratify", "items with several labels have none to be drawn by.")


def _check_labels(definition: Definition) -> None:
    needed = definition.request in NEED_LABELS
    if needed and not definition.labels:
        raise bad("labels", "this benchmark has to list its labels.")
    if definition.multi_label and definition.request not in ("classify", "image-classify", "audio-classify"):
        raise bad("multi_label", f"the request {definition.request!r} knows no items with several labels.")
    if definition.labels:
        if sorted(definition.labels) != list(range(len(definition.labels))):
            raise bad("labels", "number the labels 0, 1, 2, … without gaps.")
        if len(set(definition.labels.values())) != len(definition.labels):
            raise bad("labels", "two labels have the same name.")


def _check_metrics(definition: Definition) -> None:
    for number, use in enumerate(definition.metrics):
        if use.name not in REGISTRY:
            known = ", ".join(sorted(REGISTRY))
            raise bad(f"metrics[{number}].name", f"{use.name!r} is not a metric; known: {known}.")
        if use.name not in (fitting := metrics_of(definition.request)):
            raise bad(
                f"metrics[{number}].name",
                f"{use.name} does not judge answers to {definition.request!r}; "
                f"metrics that do: {', '.join(fitting) or 'none yet'}.",
            )
        wanted = REGISTRY[use.name].params
        for key in use.params:
            if key not in wanted:
                raise bad(f"metrics[{number}].params.{key}", f"{use.name} has no such parameter.")
        if use.name.startswith("mteb_") != (definition.engine.name == "mteb"):
            raise bad(f"metrics[{number}].name", "metrics named mteb_… and `engine: {name: mteb}` go together.")
        if use.name.startswith("multilabel_") != definition.multi_label:
            raise bad(f"metrics[{number}].name", "metrics named multilabel_… and `multi_label: true` go together.")
    _check_entities(definition)
    if sum(use.primary for use in definition.metrics) != 1:
        raise bad("metrics", "exactly one metric is primary.")
    if len({use.name for use in definition.metrics}) != len(definition.metrics):
        raise bad("metrics", "a metric is listed twice.")


def _check_filters(definition: Definition) -> None:
    if definition.request in NORMALISED:  # its one filter is a normaliser
        return
    if definition.filters and definition.request != "generate":
        raise bad("filters", "only texts that a model writes are filtered.")
    for number, use in enumerate(definition.filters):
        try:
            check_filter(use)
        except BadFilter as problem:
            raise bad(f"filters[{number}]", str(problem)) from problem


def _check_entities(definition: Definition) -> None:
    asked = [number for number, use in enumerate(definition.metrics) if use.name.startswith("entity_")]
    if asked and not is_iob2(definition.label_names):
        raise bad(f"metrics[{asked[0]}].name", "entities need labels of the form O, B-X and I-X (IOB2).")


def _check_engine(definition: Definition) -> None:
    engine = definition.engine
    if engine.name == "native":
        if engine.harness_task or engine.filter:
            raise bad("engine", "tasks and filters of a harness go with engine lm_eval or mteb.")
        return
    if not engine.harness_task or not re.fullmatch(r"[A-Za-z0-9_.()\-]{1,120}", engine.harness_task):
        raise bad("engine.harness_task", "name the task of the harness.")
    for name in ("prompt", "filters", "slices"):
        if getattr(definition, name):
            raise bad(name, f"the task of {engine.name} has its own.")
    if engine.name == "lm_eval":
        if definition.request not in ("loglikelihood", "rolling", "generate"):
            raise bad("request", "lm_eval asks for loglikelihood, rolling or generate.")
        if definition.dataset.subset is not None:
            raise bad("dataset.subset", "a task of lm_eval is run whole.")
    if engine.name == "mteb":
        _check_mteb(definition)


def _check_mteb(definition: Definition) -> None:
    if definition.request != "embed":
        raise bad("request", "mteb asks for embeddings: embed.")
    if definition.engine.filter is not None:
        raise bad("engine.filter", "tasks of mteb have none.")
    if definition.preprocess.max_length != "model" or definition.preprocess.truncation != "right":
        raise bad("preprocess", "mteb leaves the length of texts to the model: max_length model, truncation right.")


def _check_efficiency(definition: Definition) -> None:
    asked = definition.efficiency
    if asked is None:
        return
    if not asked.scenarios or len(set(asked.scenarios)) != len(asked.scenarios):
        raise bad("efficiency.scenarios", "name single_stream, offline, or both, each once.")
    for name, most in (("warmup", 1000), ("min_iterations", 100_000), ("min_seconds", 600), ("max_seconds", 3600)):
        if not 0 < getattr(asked, name) <= most:
            raise bad(f"efficiency.{name}", f"give more than 0 and at most {most}.")
    if asked.max_seconds < asked.min_seconds * len(asked.scenarios):
        raise bad("efficiency.max_seconds", "this is less than the scenarios take.")


def _check_interpret(definition: Definition) -> None:
    asked = definition.interpret
    if asked is None:
        return
    if definition.request not in EXPLAINED or definition.engine.name != "native":
        known = ", ".join(EXPLAINED)
        raise bad("interpret", f"answers to {definition.request!r} are not taken apart here; those to {known} are.")
    for name, least, most in (("samples", 1, 32), ("steps", 8, 256)):
        if not least <= getattr(asked, name) <= most:
            raise bad(f"interpret.{name}", f"give {least} to {most}.")
    if not 0 < asked.max_seconds <= 600:
        raise bad("interpret.max_seconds", "give more than 0 and at most 600.")
    of_texts = EXPLAINED[definition.request]
    if asked.baseline in ("mask", "pad") and not of_texts:
        raise bad("interpret.baseline", "images have no tokens: say zero, or nothing.")
    if asked.baseline == "zero" and of_texts and asked.method == "occlusion":
        raise bad("interpret.baseline", "a token that is covered becomes another token: say mask, pad or nothing.")


def _check_slices(definition: Definition) -> None:
    cluster, group = definition.fields.get("cluster"), definition.fields.get("group")
    if cluster and cluster == group and any(part.by == "group" for part in definition.slices):
        raise bad("fields.cluster", "each slice by group would be one cluster, whose interval says nothing.")
    for number, part in enumerate(definition.slices):
        if not re.fullmatch(r"group|chars|label|class|field:[\w.]+", part.by):
            raise bad(f"slices[{number}].by", "slice by group, chars, label, class or field:<name>.")
        if part.role == "fairness" and part.by in ("label", "class"):
            raise bad(f"slices[{number}].role", "groups to be fair to are no classes: by group, chars or field:<name>.")
        if part.by == "chars" and (len(part.bins) < 1 or list(part.bins) != sorted(set(part.bins))):
            raise bad(f"slices[{number}].bins", "give rising lower bounds, such as [0, 150, 400].")


def _check_numbers(definition: Definition) -> None:
    use, limits = definition.uncertainty, definition.limits
    if not 0.5 <= use.level < 1:
        raise bad("uncertainty.level", "a level lies between 0.5 and 1.")
    if not 100 <= use.resamples <= 100_000:
        raise bad("uncertainty.resamples", "take 100 to 100000 resamples.")
    if min(limits.minutes, limits.ram_gb, limits.output_mb) <= 0:
        raise bad("limits", "limits are positive.")
    if definition.preprocess.stride < 0 or definition.preprocess.max_answer_tokens < 1:
        raise bad("preprocess", "a stride is not negative, and an answer has at least one token.")
    if definition.request == "generate" and definition.generation is None:
        raise bad("generation", "say how far a model may write (max_new_tokens).")
    if definition.generation is not None and not _possible(definition.generation):
        raise bad("generation", "write at least one token, at least once, with at least one beam.")
    if isinstance(definition.preprocess.max_length, int) and definition.preprocess.max_length < 1:
        raise bad("preprocess.max_length", "at least one token must remain.")


def _possible(generation: Generation) -> bool:
    return min(generation.max_new_tokens, generation.repeats, generation.beams) >= 1
