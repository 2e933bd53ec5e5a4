"""What a repo says about itself, read from its files into columns (decision 21)."""

from __future__ import annotations

from django.utils import timezone

from catalog.actions.facts import card_facts, card_html, eval_claims, file_facts, search_index
from catalog.models import Commit, Repo, RepoFacts
from catalog.parsing.card import LONGEST_CARD_BYTES, parse_card

CARD = "README.md"


def read_facts(repo: Repo, commit: Commit) -> RepoFacts:
    """Returns the facts of the new head of the default branch, written in the commit's transaction.

    Nothing in the files can make this fail: what cannot be read is among the problems.
    """
    facts, _created = RepoFacts.objects.get_or_create(repo=repo, defaults={"kind": repo.kind})
    files = file_facts.Files.of(commit)
    readme = files.content(CARD, LONGEST_CARD_BYTES + 1) or b""
    model = file_facts.apply(facts, files)
    files.note_collisions()
    card_facts.apply(facts, parse_card(readme), paths=files.sizes, model=model)
    eval_claims.apply(facts, files)
    facts.commit, facts.updated_at, facts.indexed_at = commit, timezone.now(), None
    facts.save(update_fields=READ_FROM_FILES)
    repo.facts = facts
    return facts


def index_repo(repo: Repo) -> None:
    """Bring what may be a moment late up to date: the card's HTML and the search document."""
    facts = RepoFacts.objects.select_related("repo__namespace", "commit").filter(repo=repo).first()
    if facts is not None:
        _refresh_card(facts)
        search_index.refresh_document(facts)


def _refresh_card(facts: RepoFacts) -> None:
    """Render the card unless the one that is there was made from the same text in the same way."""
    readme = file_facts.content_at(facts.commit, CARD, LONGEST_CARD_BYTES + 1) if facts.commit else b""
    key = card_html.key_of(facts.repo, readme)
    if key != facts.card_html_key:
        facts.card_html, facts.card_html_key = card_html.render(facts.repo, readme), key
        # a card of a newer commit is another job's to write
        RepoFacts.objects.filter(pk=facts.pk, commit=facts.commit).update(card_html=facts.card_html, card_html_key=key)


READ_FROM_FILES = [
    *("commit", "updated_at", "indexed_at"),
    *("title", "summary", "task", "library", "licence", "languages", "tags", "datasets", "base_models"),
    *("base_relation", "card_data", "card_problems", "claims", "eval_results", "gguf"),
    *("config", "formats", "parameters", "parameters_by_dtype", "total_bytes", "file_count", "file_problems"),
]  # other columns belong to counters and jobs, which may be writing them right now
