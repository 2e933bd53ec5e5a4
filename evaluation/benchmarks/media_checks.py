"""What must hold of definitions about sounds and images."""

from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.strict import bad
from evaluation.metrics.formulas.words import NORMALISERS

NORMALISED = frozenset({"transcribe", "caption", "vqa"})  # requests whose texts are compared by their words


def check_media(definition: Definition) -> None:
    """Raises BadDefinition."""
    if definition.request in NORMALISED:
        names = definition.filters
        if len(names) != 1 or not isinstance(names[0], str) or names[0] not in NORMALISERS:
            raise bad("filters", f"name the one normaliser of the texts; known: {', '.join(NORMALISERS)}.")
    if definition.request == "zero-shot":
        template = definition.prompt.template if definition.prompt else ""
        lines = [line for line in template.splitlines() if line.strip()]
        if not lines or not all("{label}" in line for line in lines):
            raise bad("prompt.template", "write one text a line, each with {label} in it.")
