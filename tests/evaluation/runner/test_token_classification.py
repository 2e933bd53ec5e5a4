"""Labels of words: the same as from one sentence at a time, whatever the tokenizer, the batch and the window."""

import json

import pytest
import torch
import transformers
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from evaluation.runner.spec import InputRow
from evaluation.runner.tasks.token_classification import first_tokens
from tests.evaluation.runner import text_families as families
from tests.evaluation.runner.conftest import DEFINITIONS
from tests.evaluation.runner.test_requests import rows_of

WRONG = {"word1", "word2", "word7"}
NAMES = DEFINITIONS["python-tokens"].label_names


@pytest.fixture(scope="session", params=sorted(families.FAMILIES))
def tagger(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"tagger-{request.param}")
    return families.save(folder, request.param, transformers.AutoModelForTokenClassification, **families.labels(NAMES))


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def alone(folder, words):
    """Labels of one sentence by plain transformers: the label of each word's first token."""
    spaced = {"add_prefix_space": True} if "roberta" in folder.name else {}
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **spaced)
    model = transformers.AutoModelForTokenClassification.from_pretrained(folder).eval()
    typed = model.config.model_type in {"bert", "xlnet"}
    found = tokenizer(words, is_split_into_words=True, return_tensors="pt", return_token_type_ids=typed)
    with torch.inference_mode():
        best = model(**found).logits[0].argmax(-1).tolist()
    labels = ["O"] * len(words)
    for place, word in reversed(list(enumerate(found.word_ids()))):
        if word is not None:
            labels[word] = model.config.id2label[best[place]]
    return labels


def test_every_family_labels_words_as_it_does_one_sentence_at_a_time(bench, tagger, tmp_path):
    sentences = [
        ["The", "interpreter", "re-reads", "__init__.py", "."],
        ["No"],
        ["Unbelievably", "long-winded", "identifiers", "(", "naïve", ")", "are", "tokenised", "into", "pieces"],
        ["x", "=", "0x1F", "#", "comment"],
    ]
    path = written(tmp_path / "in.jsonl", [{"id": f"{n}", "words": words} for n, words in enumerate(sentences)])

    code, events = bench.run("python-tokens", tagger, path)

    assert code == 0, events
    found = [row["labels"] for row in rows_of(bench.output / "predictions.jsonl")]
    assert found == [alone(tagger, words) for words in sentences]
    assert len({label for row in found for label in row}) > 1


def test_a_long_sentence_is_read_in_windows_and_loses_no_word(bench, tagger, tmp_path):
    words = [f"word{number}" for number in range(150)]
    path = written(tmp_path / "in.jsonl", [{"id": "long", "words": words}, {"id": "short", "words": words[:5]}])

    code, events = bench.run("python-tokens", tagger, path)

    assert code == 0, events
    found = {row["id"]: row["labels"] for row in rows_of(bench.output / "predictions.jsonl")}
    assert len(found["long"]) == 150
    assert found["short"] == alone(tagger, words[:5])
    settings = json.loads((bench.output / "measurements.json").read_text())["settings"]
    assert settings["inputs_in_windows"] == 1
    assert settings["words_without_token"] == 0
    assert settings["max_length"] == 64


def test_each_word_is_judged_where_the_window_shows_most_around_it():
    tokenizer = families.wordpiece()
    words = [f"w{number}" for number in range(60)]
    windows = tokenizer(
        words, is_split_into_words=True, truncation=True, max_length=24, stride=8, return_overflowing_tokens=True
    ).encodings

    found = first_tokens(windows)

    assert sorted(found) == list(range(60))
    for word, (number, token) in found.items():
        assert windows[number].word_ids[token] == word
        assert token == 0 or windows[number].word_ids[token - 1] != word
        pieces = tokenizer.tokenize(words[word])
        assert tokenizer.convert_ids_to_tokens(windows[number].ids[token]) == pieces[0]
    inner = [number for word, (number, token) in found.items() if 0 < number < len(windows) - 1 and token < 3]
    assert not inner


def lookup(folder, wrong=()):
    """Knows the label of 24 words by heart, but for those in `wrong`."""
    words = {f"word{number}": NAMES[number % 3] for number in range(24)}
    model, vocabulary = families.save_lookup(
        folder, list(words), transformers.AutoModelForTokenClassification, **families.labels(NAMES)
    )
    with torch.no_grad():
        model.classifier.weight.zero_()
        for word, label in words.items():
            said = "B-KEYWORD" if word in wrong else label
            model.classifier.weight[NAMES.index(said), vocabulary[word]] = 1
    model.save_pretrained(folder)
    return words


def test_planted_errors_are_found_one_by_one(bench, tmp_path):
    words = lookup(tmp_path / "model", wrong=WRONG)
    gold = []
    for number in range(40):
        own = [f"word{(number * 3 + step) % 24}" for step in range(6)]
        gold.append({"id": f"{number}", "words": own, "labels": [words[word] for word in own]})
    inputs = written(tmp_path / "in.jsonl", [{"id": row["id"], "words": row["words"]} for row in gold])

    code, events = bench.run("python-tokens", tmp_path / "model", inputs)

    assert code == 0, events
    definition = DEFINITIONS["python-tokens"]
    values = {(v.metric, v.slice): v for v in score(definition, gold, read_predictions(definition, bench.output))}
    said = [["B-KEYWORD" if word in WRONG else words[word] for word in row["words"]] for row in gold]
    truth = [row["labels"] for row in gold]
    missed = sum(one != other for row in zip(said, truth, strict=True) for one, other in zip(*row, strict=True))
    assert values["token_accuracy", ""].value == pytest.approx(1 - missed / 240, abs=1e-12)
    expected = classification_report(truth, said, mode="strict", scheme=IOB2, output_dict=True, zero_division=0)
    assert values["entity_f1", ""].value == pytest.approx(expected["micro avg"]["f1-score"], abs=1e-12)
    assert 0.5 < values["entity_f1", ""].value < 1


def test_words_that_the_tokenizer_drops_are_outside_and_counted(bench, tmp_path):
    lookup(tmp_path / "model")
    path = written(tmp_path / "in.jsonl", [{"id": "a", "words": ["word1", "\u200b", "word2"]}])

    code, events = bench.run("python-tokens", tmp_path / "model", path)

    assert code == 0, events
    assert rows_of(bench.output / "predictions.jsonl")[0]["labels"] == ["B-STRING", "O", "I-STRING"]
    assert json.loads((bench.output / "measurements.json").read_text())["settings"]["words_without_token"] == 1


def test_other_labels_than_the_benchmarks_are_refused(bench, tmp_path):
    folder = families.save(
        tmp_path / "m", "bert", transformers.AutoModelForTokenClassification, **families.labels(["O", "B-PER"])
    )
    path = written(tmp_path / "in.jsonl", [{"id": "a", "words": ["x"]}])

    code, events = bench.run("python-tokens", folder, path)

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "it also has B-PER" in events[-1]["message"]


def test_words_survive_the_inputs_file():
    assert InputRow(id="a", words=["b", "c"]).words == ("b", "c")
