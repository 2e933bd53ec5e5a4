"""Keep the search document of a repo in step with its card (decision 21: by a job, a moment later)."""

from __future__ import annotations

from html.parser import HTMLParser

from django.utils import timezone

from catalog.models import RepoFacts
from catalog.queries.search_document import document


def refresh_document(facts: RepoFacts) -> None:
    """Index what a repo says of itself. Its card's HTML must be up to date.

    When the default branch moved while we read, nothing is written: a job for the new head is due.
    """
    words = document(
        full_name=facts.repo.full_name,
        title=facts.title,
        labels=[facts.task, *facts.tags],
        text=f"{facts.summary}\n{text_of(facts.card_html)}",
    )
    unmoved = RepoFacts.objects.filter(pk=facts.pk, commit=facts.commit)
    unmoved.update(document=words, indexed_at=timezone.now())


def text_of(html: str) -> str:
    """Returns what a reader sees of an HTML fragment."""
    reader = _TextReader(convert_charrefs=True)
    reader.feed(html)
    reader.close()
    return " ".join(reader.pieces)


class _TextReader(HTMLParser):
    def __init__(self, *, convert_charrefs: bool) -> None:
        super().__init__(convert_charrefs=convert_charrefs)
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)
