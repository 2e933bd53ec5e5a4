"""From rows of data to what a language model reads: templates, choices, examples before the question."""

import hashlib
import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.items import Items, Row
from evaluation.benchmarks.paths import MISSING, value_at
from evaluation.benchmarks.schema import Definition, Prompt
from evaluation.benchmarks.strict import bad
from evaluation.benchmarks.templates import Record, TemplateFailed, compiled
from evaluation.errors import BadDefinition

MOST_CHOICES = 1000
READ = ("text", "target", "example", "id", "group", "cluster")  # the fields that are read here

Read = Callable[[Record], Any]


def items_of(definition: Definition, records: Sequence[Record], shots: Sequence[Record] = ()) -> Items:
    """Inputs and gold of all records.

    Args:
        shots: the records of `dataset.fewshot_split`. `prompt.shots` of them, drawn by `prompt.shot_seed`, stand
            before every question: the same for all, but never the question itself.

    Raises:
        DataUnavailable: a row does not go with the definition; says which and why.
    """
    maker = _Maker(definition, shots)
    inputs: list[Row] = []
    gold: list[Row] = []
    for number, record in enumerate(records):
        try:
            key, asked, wanted = maker.item(record, number)
        except TemplateFailed as problem:
            raise DataUnavailable(f"Row {number} of the data does not go with the benchmark. {problem}") from problem
        inputs.append({"id": key} | asked)
        gold.append({"id": key} | wanted)
    return Items(inputs=inputs, gold=gold)


def source_of(definition: Definition) -> Callable[[Record], str]:
    """How fields become what a model reads before it writes: their `text`, or the template, such as T5's prefixes."""
    if definition.prompt is None:
        return lambda fields: str(fields["text"])
    return compiled(definition.prompt.template).text


def check_prompt(definition: Definition) -> None:
    """Raises BadDefinition: a template that cannot be used, or a prompt that lacks a part."""
    prompt = definition.prompt
    for name, source in definition.fields.items():
        if source is not None:
            _checked(f"fields.{name}", source)
    if prompt is not None:
        _check_parts(prompt)
    if definition.request == "loglikelihood":
        if prompt is None or prompt.choices is None:
            raise bad("prompt.choices", "a choice needs a template and its choices.")
        if not definition.fields.get("target"):
            raise bad("fields.target", "name the field that says which choice is right.")
    if prompt is not None and prompt.shots and definition.dataset.fewshot_split is None:
        raise bad("dataset.fewshot_split", "examples are drawn from a split; name it.")


def _check_parts(prompt: Prompt) -> None:
    if not 0 <= prompt.shots <= 100:
        raise bad("prompt.shots", "show 0 to 100 examples.")
    parts = {"template": prompt.template, "description": prompt.description}
    choices = prompt.choices
    if isinstance(choices, str):
        parts["choices"] = choices
    elif choices is not None:
        parts |= {f"choices[{number}]": choice for number, choice in enumerate(choices)}
    for name, source in parts.items():
        _checked(f"prompt.{name}", source)


def _checked(path: str, source: str) -> None:
    if _is_template(source):
        try:
            compiled(source)
        except BadDefinition as problem:
            raise bad(path, problem.message) from problem


class _Maker:
    """One definition's templates, compiled once."""

    def __init__(self, definition: Definition, shots: Sequence[Record]) -> None:
        self.definition, self.prompt = definition, definition.prompt or Prompt(template="")
        self.description = compiled(self.prompt.description)
        self.text = _text_of(definition)
        self.read = {name: _reader(source) for name in READ if (source := definition.fields.get(name))}
        self.sliced = {
            part.by.removeprefix("field:"): _path(part.by.removeprefix("field:"))
            for part in definition.slices
            if part.by.startswith("field:")
        }
        self.choices = _choices(self.prompt)
        self.make = {"loglikelihood": self._choice, "generate": self._writing, "rolling": self._reading}[
            definition.request
        ]
        self.shots = self._drawn(shots)

    def item(self, record: Record, number: int) -> tuple[str, Row, Row]:
        """(id, input, gold). Raises TemplateFailed."""
        key = str(self.read["id"](record)) if "id" in self.read else str(number)
        asked, wanted = self.make(record)
        facts: Row = {name: str(self.read[name](record)) for name in ("group", "cluster") if name in self.read}
        if self.sliced:
            facts["fields"] = {name: str(read(record)) for name, read in self.sliced.items()}
        return key, asked, wanted | facts

    def _choice(self, record: Record) -> tuple[Row, Row]:
        choices = self._choices_of(record)
        right = self._right(record, choices)
        asked = {
            "contexts": [self._context(record)],
            "continuations": [self.prompt.target_delimiter + choice for choice in choices],
        }
        wanted = {
            "answer": right,
            "label": str(right),
            "choice_chars": [len(choice) for choice in choices],
            "choice_bytes": [len(choice.encode()) for choice in choices],
            "chars": len(asked["contexts"][0]),
        }
        return asked, wanted

    def _writing(self, record: Record) -> tuple[Row, Row]:
        found = self._value("target", record)
        references = [_words(text) for text in (found if isinstance(found, list | tuple) else [found])]
        if not references:
            raise TemplateFailed("It has no right answer.")
        context = self._context(record)
        return {"text": context}, {"references": references, "chars": len(context)}

    def _reading(self, record: Record) -> tuple[Row, Row]:
        text = self.text(record)
        if not text.strip():
            raise TemplateFailed("Its text is empty.")
        # Words as lm_eval counts them.
        words = len(re.split(r"\s+", text))
        return {"text": text}, {"bytes": len(text.encode()), "words": words, "chars": len(text)}

    def _context(self, record: Record) -> str:
        # By value: rows that were read twice, or stand twice in the data, are the same question.
        others = (self._shown(shot) for shot in self.shots if shot != record)
        parts = list(islice(others, self.prompt.shots))
        parts.append(self.text(record))
        return self.description.text(record) + self.prompt.fewshot_delimiter.join(parts)

    def _shown(self, shot: Record) -> str:
        """An example with its answer."""
        if "example" in self.read:
            answer = _words(self.read["example"](shot))
        elif self.definition.request == "loglikelihood":
            choices = self._choices_of(shot)
            answer = choices[self._right(shot, choices)]
        else:
            found = self._value("target", shot)
            answer = _words(found[0] if isinstance(found, list | tuple) and found else found)
        return self.text(shot) + self.prompt.target_delimiter + answer

    def _drawn(self, shots: Sequence[Record]) -> list[Record]:
        """In the order they are drawn; more than asked for, so that a question among them can be left out."""
        if not self.prompt.shots:
            return []
        if len(shots) <= self.prompt.shots:
            raise DataUnavailable(
                f"{self.prompt.shots} examples are asked for; the data has {len(shots)} rows for them."
            )
        seed = self.prompt.shot_seed
        order = sorted(range(len(shots)), key=lambda number: hashlib.sha256(f"{seed}\0{number}".encode()).digest())
        return [shots[number] for number in order]

    def _choices_of(self, record: Record) -> list[str]:
        found = self.choices(record)
        choices = [_words(choice) for choice in found] if isinstance(found, list | tuple) else []
        if not 2 <= len(choices) <= MOST_CHOICES or not all(choices):
            raise TemplateFailed(f"Its choices are no list of 2 to {MOST_CHOICES} texts.")
        return choices

    def _right(self, record: Record, choices: list[str]) -> int:
        """The number of the right choice; the data may give the number or the choice itself."""
        found = self._value("target", record)
        if isinstance(found, str) and found in choices:
            return choices.index(found)
        number = int(found) if isinstance(found, int) or (isinstance(found, str) and found.isdecimal()) else -1
        if not 0 <= number < len(choices):
            raise TemplateFailed(f"Its right answer {found!r:.60} is none of its {len(choices)} choices.")
        return number

    def _value(self, name: str, record: Record) -> Any:  # noqa: ANN401 (a value of the data)
        return self.read[name](record)


def _text_of(definition: Definition) -> Callable[[Record], str]:
    """What stands before the answer: by template, or one field as it is."""
    if definition.prompt is not None:
        return compiled(definition.prompt.template).text
    read = _reader(definition.fields.get("text") or "text")
    return lambda record: _words(read(record))


def _words(value: Any) -> str:  # noqa: ANN401 (a value of the data)
    """As it is read or expected. Raises TemplateFailed: there is nothing, which is no answer called "None"."""
    if value is None or value == []:
        raise TemplateFailed("A text or an answer of it is empty (null).")
    return str(value)


def _choices(prompt: Prompt) -> Read:
    if isinstance(prompt.choices, str):
        return _reader(prompt.choices)
    each = [compiled(choice) for choice in prompt.choices or ()]
    return lambda record: [choice.text(record) for choice in each]


def _reader(source: str) -> Read:
    """Reads a field, or what a template makes of fields."""
    return compiled(source).value if _is_template(source) else _path(source)


def _is_template(source: str) -> bool:
    return "{{" in source or "{%" in source


def _path(source: str) -> Read:
    """Reads a plain name or a dotted path."""

    def read(record: Record) -> Any:  # noqa: ANN401 (a value of the data)
        found = value_at(record, source)
        if found is MISSING:
            raise TemplateFailed(f"It has no field {source!r}.")
        return found

    return read
