"""Sentences and their translations out of Django's message catalogues."""

from evaluation.benchmarks import corpora
from evaluation.benchmarks.items import Items, Reader, Row
from evaluation.benchmarks.prompts import source_of
from evaluation.benchmarks.schema import Definition

REPO = "builtin:django-catalogues"


def langid_train(languages: tuple[str, ...]) -> list[tuple[str, str]]:
    """(sentence, language) pairs that the benchmark `langid` never asks about."""
    return [(sentence.text, sentence.language) for sentence in corpora.labelled_sentences(languages, test=False)]


def _read_bitext(definition: Definition) -> Items:
    languages = tuple(pair.partition("-")[2] for pair in definition.dataset.config.split(","))
    inputs: list[Row] = []
    gold: list[Row] = []
    for number, texts in enumerate(corpora.translations(languages)):
        inputs.append({"id": f"{number}-en", "text": texts["en"]})
        targets = {f"en-{language}": [f"{number}-{language}"] for language in languages}
        gold.append({"id": f"{number}-en", "targets": targets, "cluster": f"{number}"})
        for language in languages:
            inputs.append({"id": f"{number}-{language}", "text": texts[language]})
            gold.append({"id": f"{number}-{language}", "pools": [f"en-{language}"]})
    return Items(inputs=inputs, gold=gold)


def _read_langid(definition: Definition) -> Items:
    test = definition.dataset.split == "test"
    found = corpora.labelled_sentences(definition.label_names, test=test)
    keys = [f"{sentence.language}: {sentence.message}" for sentence in found]
    return Items(
        inputs=[{"id": key, "text": sentence.text} for key, sentence in zip(keys, found, strict=True)],
        gold=[
            {"id": key, "label": sentence.language, "chars": len(sentence.text), "cluster": sentence.message}
            for key, sentence in zip(keys, found, strict=True)
        ],
    )


def translation_pairs(source: str, target: str, *, test: bool) -> list[tuple[str, str, str]]:
    """(English message, text, its translation) of one split; messages divide it, so all languages divide alike."""
    sides = [None if language == "en" else corpora.sentences(language) for language in (source, target)]
    common = set.intersection(*(set(side) for side in sides if side is not None))
    texts = [{message: message for message in common} if side is None else side for side in sides]
    chosen = [message for message in sorted(common) if corpora.in_test_split("translation", message) == test]
    return [(message, texts[0][message], texts[1][message]) for message in chosen]


def _read_translation(definition: Definition) -> Items:
    source, _, target = definition.dataset.config.partition("-")
    read = source_of(definition)
    found = translation_pairs(source, target, test=definition.dataset.split == "test")
    return Items(
        inputs=[{"id": message, "text": read({"text": text})} for message, text, _ in found],
        gold=[{"id": message, "references": [right], "language": target} for message, _, right in found],
    )


READERS: dict[tuple[str, str], Reader] = {
    (REPO, "embed"): _read_bitext,
    (REPO, "classify"): _read_langid,
    (REPO, "generate"): _read_translation,
}
