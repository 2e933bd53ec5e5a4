"""Definitions in the words of others: drafts out of their files, and ours as theirs where they can say it.

One file per format, each with its line in `FORMATS` or `EXPORTS`.
"""

from collections.abc import Callable, Mapping

from evaluation.benchmarks.definitions import load_definition
from evaluation.benchmarks.exchange import hub_eval, lm_eval_task, mteb_metadata
from evaluation.benchmarks.exchange.draft import Draft, Hints
from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.strict import bad
from evaluation.errors import BadDefinition

__all__ = ["EXPORTS", "FORMATS", "Draft", "Hints", "exported", "imported"]

FORMATS: Mapping[str, Callable[[str, Hints], Draft]] = {
    "eval.yaml": hub_eval.read,
    "lm_eval": lm_eval_task.read,
    "mteb": mteb_metadata.read,
}
EXPORTS: Mapping[str, Callable[[Definition], str]] = {"lm_eval": lm_eval_task.write}


def imported(format_name: str, text: str, hints: Hints | None = None) -> Draft:
    """A draft; its notes end with what our schema still finds wrong with it, if anything.

    Raises:
        BadDefinition: the document is not of this format, or runs code.
    """
    if format_name not in FORMATS:
        raise bad("format", f"{format_name!r} is none of {', '.join(FORMATS)}.")
    draft = FORMATS[format_name](text, hints or Hints())
    try:
        load_definition(draft.text)
    except BadDefinition as problem:
        return Draft(draft.text, (*draft.notes, f"Still to be decided: {problem.message}"))
    return draft


def exported(format_name: str, definition: Definition) -> str:
    """The definition as YAML of another harness. Raises BadDefinition: that cannot say it."""
    return EXPORTS[format_name](definition)
