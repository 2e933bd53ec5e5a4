"""Real sentences, paragraphs and images that installed packages carry (decision 14). Read as files, never imported."""

import functools
import gettext
import gzip
import hashlib
import importlib.metadata
import importlib.util
import io
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CATALOGUE_OF = {"zh": "zh_Hans"}  # language → folder, where they differ
SHORTEST_SENTENCE = 12  # characters, in English
BLANK_LINES = re.compile(r"\n\s*\n")
DIGIT_SIDE = 32  # pixels; the originals have 8
DIGITS_TEST = 599  # a third of 1 797


class DataUnavailable(RuntimeError):
    """The data of a benchmark is not here, or is not the data its definition names."""

    code = "data_unavailable"


@dataclass(frozen=True)
class Sentence:
    message: str  # the English original, which identifies the message
    text: str
    language: str


@dataclass(frozen=True)
class Paragraph:
    topic: str
    opening: str  # its first sentence
    rest: str


@dataclass(frozen=True)
class Digit:
    index: int
    png: bytes  # grey, DIGIT_SIDE × DIGIT_SIDE
    label: str


def require_revision(revision: str) -> None:
    """Checks `package==version` against what is installed.

    Raises:
        DataUnavailable: another version, or none.
    """
    package, _, wanted = revision.partition("==")
    if not wanted:
        return
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found != wanted:
        raise DataUnavailable(f"This benchmark needs the data of {package} {wanted}; installed is {found}.")


def in_test_split(benchmark: str, key: str) -> bool:
    """Whether an item belongs to the test half; the same for ever and on every machine."""
    return hashlib.sha256(f"{benchmark} split: {key}".encode()).digest()[0] % 2 == 0


@functools.cache
def sentences(language: str) -> dict[str, str]:
    """English message → sentence in `language`, from all of Django's catalogues; whole sentences without markup."""
    if language == "en":
        # The messages themselves, as many as other languages have in common.
        return {message: message for message in sorted(set(sentences("pl")) & set(sentences("de")))}
    found: dict[str, str] = {}
    folder = CATALOGUE_OF.get(language, language)
    for path in sorted(_package_folder("django").glob(f"**/locale/{folder}/LC_MESSAGES/*.mo")):
        for message, text in _messages(path).items():
            if _is_sentence(message) and _is_clean(text) and text != message:
                found.setdefault(message, text)
    if not found:
        raise DataUnavailable(f"Django's message catalogues for {language!r} are not installed.")
    return dict(sorted(found.items()))


@functools.cache
def labelled_sentences(languages: tuple[str, ...], *, test: bool) -> tuple[Sentence, ...]:
    """One split of the sentences of these languages; texts that occur twice anywhere are left out."""
    everything = [
        Sentence(message=message, text=text, language=language)
        for language in languages
        for message, text in sentences(language).items()
    ]
    uses = Counter(sentence.text.casefold() for sentence in everything)
    return tuple(
        sentence
        for sentence in everything
        if uses[sentence.text.casefold()] == 1 and in_test_split("langid", sentence.message) == test
    )


@functools.cache
def translations(languages: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    """Messages that have a translation of their own in every language: {"en": …, "pl": …, …}."""
    tables = {language: sentences(language) for language in languages}
    common = sorted(set.intersection(*(set(table) for table in tables.values())))
    uses = {language: Counter(table[message].casefold() for message in common) for language, table in tables.items()}
    return tuple(
        {"en": message} | {language: table[message] for language, table in tables.items()}
        for message in common
        if all(uses[language][table[message].casefold()] == 1 for language, table in tables.items())
    )


@functools.cache
def manual_paragraphs() -> tuple[Paragraph, ...]:
    """Paragraphs of prose of the Python manual, split after their first sentence; each opening once."""
    found: dict[str, Paragraph] = {}
    topics = _topics()
    for topic in sorted(topics):
        for block in re.split(r"\n\s*\n", topics[topic]):
            text = " ".join(block.split())
            parts = re.match(r"([A-Z].{29,220}?[.!?])\s+(?=[A-Z])(.{80,1500})$", text)
            if parts and text.endswith(".") and "::=" not in text and ">>>" not in text:
                found.setdefault(parts[1].casefold(), Paragraph(topic=topic, opening=parts[1], rest=parts[2]))
    rests = Counter(paragraph.rest for paragraph in found.values())
    return tuple(paragraph for paragraph in found.values() if rests[paragraph.rest] == 1)


def manual_topics(*, test: bool) -> list[tuple[str, str]]:
    """(name, text) of the topics of one half of the Python manual.

    Topics share paragraphs; one that also stands in a train topic is no part of a test topic.
    """
    found = [(name, text) for name, text in sorted(_topics().items()) if in_test_split("python-manual", name) == test]
    if not test:
        return found
    learnt = {_flat(block) for _, text in manual_topics(test=False) for block in BLANK_LINES.split(text)}
    kept = [
        (name, "\n\n".join(block for block in BLANK_LINES.split(text) if _flat(block) not in learnt))
        for name, text in found
    ]
    return [(name, text) for name, text in kept if text.strip()]


def _flat(block: str) -> str:
    return " ".join(block.split())


@functools.cache
def digits(*, test: bool) -> tuple[Digit, ...]:
    """One split of the 1 797 handwritten digits, divided by index."""
    path = _package_folder("sklearn") / "datasets" / "data" / "digits.csv.gz"
    if not path.is_file():
        raise DataUnavailable("The digits of scikit-learn are not installed.")
    with gzip.open(path) as stream:
        table = np.loadtxt(stream, delimiter=",", dtype=np.int64)
    order = sorted(range(len(table)), key=lambda index: hashlib.sha256(f"digits: {index}".encode()).digest())
    chosen = sorted(order[:DIGITS_TEST] if test else order[DIGITS_TEST:])
    return tuple(Digit(index=index, png=_png(table[index, :64]), label=str(table[index, 64])) for index in chosen)


def _png(values: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> bytes:
    """Grey levels 0–16 of an 8 × 8 image as an enlarged PNG."""
    levels = (values.reshape(8, 8) * 255 // 16).astype(np.uint8)
    image = Image.fromarray(levels).resize((DIGIT_SIDE, DIGIT_SIDE), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _package_folder(name: str) -> Path:
    # find_spec of a top-level package does not import it.
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise DataUnavailable(f"The package {name!r}, which carries this data, is not installed.")
    return Path(spec.origin).parent


def _topics() -> dict[str, str]:
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise DataUnavailable(
            f"Python {sys.version_info.major}.{sys.version_info.minor} came without its manual."
        ) from error
    return dict(topics)


def _messages(path: Path) -> dict[str, str]:
    with path.open("rb") as stream:
        catalogue: dict[object, str] = gettext.GNUTranslations(stream)._catalog  # type: ignore[attr-defined]  # noqa: SLF001 (no public iteration)
    # Plural forms have tuple keys; contexts stand before \x04.
    return {key.split("\x04")[-1]: text for key, text in catalogue.items() if isinstance(key, str) and key}


def _is_sentence(text: str) -> bool:
    return len(text) >= SHORTEST_SENTENCE and " " in text.strip() and _is_clean(text)


def _is_clean(text: str) -> bool:
    """Without placeholders, markup and line breaks, which would give an answer away."""
    return bool(text.strip()) and not any(mark in text for mark in "%{}<>\n")
