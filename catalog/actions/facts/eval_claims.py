"""Scores a model states beside its card: kept as stated, and among its claims."""

from __future__ import annotations

from dataclasses import asdict

from catalog.actions.facts.file_facts import Files
from catalog.errors import BadMetadata
from catalog.models import RepoFacts
from catalog.parsing import eval_results
from catalog.parsing.claims import MOST_CLAIMS


def apply(facts: RepoFacts, files: Files) -> None:
    """Fill in `eval_results`, and add its numbers to the claims of the card."""
    found: list[dict[str, object]] = []
    claims = list(facts.claims)
    paths = [path for path in files.sizes if eval_results.is_eval_results(path)]
    for path in paths[: eval_results.MOST_FILES]:
        try:
            entries = eval_results.read_eval_results(files.content(path, eval_results.LONGEST_FILE_BYTES + 1) or b"")
        except BadMetadata as problem:
            files.note(path, problem.message)
            found.append({"filename": path, "error": problem.message})
            continue
        found += [{"filename": path, "data": entry} for entry in entries]
        claims += [asdict(claim) for claim in eval_results.claims_of(entries)]
    facts.eval_results, facts.claims = found[: eval_results.MOST_RESULTS], claims[:MOST_CLAIMS]
