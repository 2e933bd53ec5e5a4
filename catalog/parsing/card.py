"""A model or dataset card: the README, its front matter as facts, and what is wrong with them.

Reading never fails: a broken card must not block an upload, so each fault becomes a `Problem` and the rest is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadMetadata
from catalog.parsing.claims import Claim, read_claims
from catalog.parsing.front_matter import Problem, read_front_matter, split_card
from catalog.parsing.json_values import Json, storable_text
from catalog.parsing.licences import LICENCES
from catalog.parsing.tasks import TASKS

LONGEST_CARD_BYTES: Final = 256 * 1024
LONGEST_WORD: Final = 255  # characters of one tag, language, dataset, …
LONGEST_TITLE: Final = 300
LONGEST_SUMMARY: Final = 500
MOST_WORDS: Final = 500
MOST_PROBLEMS: Final = 50

_RELATIONS = frozenset({"finetune", "adapter", "quantized", "merge"})
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_IMAGE = re.compile(r"!\[[^\]\[]*\]\([^()]*\)")
_MARKUP = re.compile(r"\[([^\]\[]*)\](?:\([^()]*\)|\[[^\]\[]*\])|<[^<>]*>|[*`]|(?<!\w)_|_(?!\w)")


@dataclass(frozen=True)
class Card:
    """What a README says. Unknown texts are "", unknown lists are empty."""

    front_matter: dict[str, Json]
    body: str
    problems: tuple[Problem, ...]
    task: str
    library: str
    licence: str
    languages: tuple[str, ...]
    tags: tuple[str, ...]
    datasets: tuple[str, ...]
    base_models: tuple[str, ...]
    base_relation: str
    title: str
    summary: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class CardReport:
    """What validation says. `fatal` are those errors after which a card cannot be read, in whole or in its scores."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    fatal: tuple[str, ...] = ()


def parse_card(readme: bytes | str) -> Card:
    """Every fact the card holds; never raises."""
    problems: list[Problem] = []
    text = _readable(readme, problems)
    raw, body = split_card(text)
    fields: dict[str, Json] = {}
    if raw is not None:
        try:
            fields, found = read_front_matter(raw)
            problems += found
        except BadMetadata as error:
            problems.append(Problem("", error.message))
    reader = _Fields(fields, problems)
    task = reader.known_task("pipeline_tag") or reader.known_task("task_categories")
    return Card(
        front_matter=fields,
        body=body,
        task=task,
        library=reader.word("library_name"),
        licence=reader.licence(),
        languages=reader.languages(),
        tags=reader.words("tags"),
        datasets=reader.words("datasets"),
        base_models=reader.words("base_model"),
        base_relation=reader.relation(),
        title=reader.title(body),
        summary=reader.summary(body),
        claims=tuple(read_claims(fields.get("model-index"), problems)),
        problems=tuple(problems[:MOST_PROBLEMS]),
    )


def validate_card(text: str, repo_type: str) -> CardReport:
    """What the Hub would say about this README before it is committed; `repo_type` is model, dataset or space."""
    raw, _ = split_card(text)
    card = parse_card(text)
    if not card.front_matter and not any(problem.field == "" for problem in card.problems):
        return CardReport((), ("empty or missing yaml metadata in repo card",))
    index = card.front_matter.get("model-index")
    unreadable = {""} if index is None or isinstance(index, list) else {"", "model-index"}
    fatal = [_told(problem) for problem in card.problems if problem.field in unreadable and raw is not None]
    wrong = []
    if card.licence and card.licence not in LICENCES and repo_type != "space":
        wrong.append(f'"license" must be one of [{", ".join(LICENCES)}]')
    warnings = [_told(problem) for problem in card.problems if problem.field not in {*unreadable, "license"}]
    return CardReport((*fatal, *wrong), tuple(warnings), tuple(fatal))


def _told(problem: Problem) -> str:
    return f'"{problem.field}": {problem.message}' if problem.field else problem.message


class _Fields:
    """Reads facts out of front matter and notes what does not fit."""

    def __init__(self, fields: dict[str, Json], problems: list[Problem]) -> None:
        self._fields = fields
        self._problems = problems

    def words(self, field: str) -> tuple[str, ...]:
        """The distinct texts of a list, or of a single text."""
        value = self._fields.get(field)
        items = value if isinstance(value, list) else [] if value is None else [value]
        kept: dict[str, None] = {}
        for item in items:
            if isinstance(item, str | int | float) and not isinstance(item, bool) and len(str(item)) <= LONGEST_WORD:
                kept[str(item).strip()] = None
            else:
                self._note(field, _("Only texts of at most 255 characters belong here."))
        kept.pop("", None)
        if len(kept) > MOST_WORDS:
            self._note(field, _("Only the first %(most_words)s values are used.") % {"most_words": MOST_WORDS})
        return tuple(kept)[:MOST_WORDS]

    def word(self, field: str) -> str:
        first = next(iter(self.words(field)), "")
        if len(first) > 100:
            self._note(field, _("The value is longer than 100 characters."))
            return ""
        return first

    def known_task(self, field: str) -> str:
        task = self.word(field)
        if task and task not in TASKS:
            self._note(field, _("%(task)r is not a task of the list.") % {"task": task})
        return task

    def licence(self) -> str:
        licence = self.word("license").lower()
        if licence and licence not in LICENCES:
            self._note(
                "license",
                _("%(licence)r is not a licence of the list; use 'other' and license_name.") % {"licence": licence},
            )
        return licence

    def languages(self) -> tuple[str, ...]:
        words = self.words("language") or self.words("languages")
        for word in words:
            if not _LANGUAGE.fullmatch(word):
                self._note("language", _("%(word)r is not a language code.") % {"word": word})
        codes = (word.partition("-") for word in words if _LANGUAGE.fullmatch(word))
        return tuple(dict.fromkeys(primary.lower() + dash + rest for primary, dash, rest in codes))

    def relation(self) -> str:
        relation = self.word("base_model_relation").lower()
        if relation and relation not in _RELATIONS:
            self._note(
                "base_model_relation", _("It must be one of %(names)s.") % {"names": ", ".join(sorted(_RELATIONS))}
            )
            return ""
        return relation

    def title(self, body: str) -> str:
        stated = next((title for name in ("title", "pretty_name", "model_name") if (title := self._text(name))), "")
        return _shortened(stated or _first_heading(body), LONGEST_TITLE)

    def summary(self, body: str) -> str:
        names = ("summary", "model_summary", "short_description", "description")
        stated = next((summary for name in names if (summary := self._text(name))), "")
        return _shortened(stated or _first_paragraph(body), LONGEST_SUMMARY)

    def _text(self, field: str) -> str:
        value = self._fields.get(field)
        return " ".join(value.split()) if isinstance(value, str) else ""

    def _note(self, field: str, message: str) -> None:
        problem = Problem(field, message)
        if problem not in self._problems:
            self._problems.append(problem)


def _readable(readme: bytes | str, problems: list[Problem]) -> str:
    if isinstance(readme, str):
        readme = readme.encode(errors="replace")
    if len(readme) > LONGEST_CARD_BYTES:
        problems.append(
            Problem(
                "README.md",
                _("It is longer than %(value)s KiB; the rest is not read.") % {"value": LONGEST_CARD_BYTES // 1024},
            )
        )
        readme = readme[:LONGEST_CARD_BYTES]
        readme = readme[: len(readme) - _cut_character(readme)]
    try:
        text = readme.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem("README.md", _("It is not valid UTF-8.")))
        text = readme.decode("utf-8-sig", errors="replace")
    return storable_text(text)


def _cut_character(data: bytes) -> int:
    """How many bytes at the end belong to a character that the cut went through."""
    for length in (1, 2, 3):
        byte = data[-length] if length <= len(data) else 0
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return length if length < needed else 0
        if byte < 0x80:
            return 0
    return 0


def _first_heading(body: str) -> str:
    for line in _prose_lines(body):
        if line.startswith("# "):
            return _plain(line[2:].rstrip("# "))
    return ""


def _first_paragraph(body: str) -> str:
    found: list[str] = []
    for line in _prose_lines(body):
        text = _plain(line)
        starts_block = line.startswith(("#", ">", "|", "- ", "* ", "+ ", "---", "===", "    ", "$$"))
        if text and not starts_block:
            found.append(text)
        elif found:
            break
    return " ".join(found)


def _prose_lines(body: str) -> Iterator[str]:
    """The lines outside code blocks and HTML comments, at most 400 of them, none of them very long."""
    fence = ""
    in_comment = False
    for line in body.splitlines()[:400]:
        mark = line.strip()[:3]
        if mark in {"```", "~~~"} and (not fence or mark == fence):
            fence = "" if fence else mark
            yield ""
        elif fence or in_comment or line.lstrip().startswith("<!--"):
            in_comment = "-->" not in line if not fence else in_comment
            yield ""
        else:
            yield line[:2000]


def _plain(line: str) -> str:
    """One line of Markdown as the words a reader would see."""
    return " ".join(_MARKUP.sub(lambda found: found[1] or "", _IMAGE.sub("", line)).split())


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
