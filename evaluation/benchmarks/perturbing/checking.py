"""What must hold of the perturbations of a definition."""

from typing import Final

from evaluation.benchmarks.perturbing import kinds_for
from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.strict import bad

SLICE: Final = "perturbed"  # what their scores stand under
MOST: Final = 8  # each asks every item once more


def check_perturbations(definition: Definition) -> None:
    """Raises BadDefinition."""
    uses, known = definition.perturbations, kinds_for(definition.request)
    if uses and definition.engine.name != "native":
        raise bad("perturbations", "a harness asks what its task asks, and nothing besides.")
    if uses and definition.request == "generate" and definition.prompt is not None:
        raise bad("perturbations", "a prompt would be changed with its instructions; take texts without a prompt.")
    if len(uses) > MOST:
        raise bad("perturbations", f"at most {MOST}: each asks every item once more.")
    for number, use in enumerate(uses):
        if use.name not in known:
            said = ", ".join(sorted(known)) or "none yet"
            raise bad(
                f"perturbations[{number}].name",
                f"{use.name!r} does nothing to inputs of {definition.request!r}; what does: {said}.",
            )
        language = known[use.name].language
        if language and language not in definition.languages:
            raise bad(f"perturbations[{number}].name", f"{use.name} needs `languages` to name {language!r}.")
        if use.p is not None and not 0 < use.p <= 1:
            raise bad(f"perturbations[{number}].p", "p is above 0 and at most 1.")
    if len({use.name for use in uses}) != len(uses):
        raise bad("perturbations", "a perturbation is listed twice.")
    if uses and any(part.name == SLICE for part in definition.slices):
        raise bad("slices", f"the name {SLICE!r} is taken by the perturbations.")
