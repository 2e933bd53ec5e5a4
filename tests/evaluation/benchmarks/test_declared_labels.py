"""What a dataset says of its label numbers, written by the real `datasets`, is held against the definition's."""

import pytest

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.declared import declared_names
from evaluation.benchmarks.hub.reading import read_dataset
from tests.evaluation.benchmarks.data import dataset, definition

PATH = "data/test-00000-of-00001.parquet"


def written(tmp_path, rows, features) -> bytes:
    from datasets import Dataset, Features

    file = tmp_path / "data.parquet"
    Dataset.from_list(rows, features=Features(features)).to_parquet(file)
    return file.read_bytes()


def labelled(tmp_path, *names: str) -> bytes:
    from datasets import ClassLabel, Value

    rows = [{"text": "good", "label": 1}, {"text": "bad", "label": 0}]
    return written(tmp_path, rows, {"text": Value("string"), "label": ClassLabel(names=list(names))})


def test_the_same_numbering_is_read(tmp_path):
    items = read_dataset(definition(), dataset({PATH: labelled(tmp_path, "Neg", "pos")}))

    assert [row["label"] for row in items.gold] == ["pos", "neg"]


@pytest.mark.parametrize("names", [("pos", "neg"), ("POS", "other"), ("other", "neg")])
def test_another_numbering_gives_no_score(tmp_path, names):
    with pytest.raises(DataUnavailable, match=r"gives the label '(pos|neg)' the number [01]; the definition says [01]"):
        read_dataset(definition(), dataset({PATH: labelled(tmp_path, *names)}))


def test_names_that_only_one_side_knows_decide_nothing(tmp_path):
    assert read_dataset(definition(), dataset({PATH: labelled(tmp_path, "0", "1")})).gold[0]["label"] == "pos"


LANGUAGES = "{0: C, 1: C++}"


def test_names_that_differ_in_signs_alone_are_told_apart(tmp_path):
    same = dataset({PATH: labelled(tmp_path, "C", "C++")})
    swapped = dataset({PATH: labelled(tmp_path, "C++", "C")})

    assert [row["label"] for row in read_dataset(definition(labels=LANGUAGES), same).gold] == ["C++", "C"]
    with pytest.raises(DataUnavailable, match=r"gives the label 'C' the number 1; the definition says 0"):
        read_dataset(definition(labels=LANGUAGES), swapped)


def test_a_name_that_is_there_is_not_taken_for_another(tmp_path):
    """Only one of the two is `C`, and C++ is a label the data does not know."""
    items = read_dataset(definition(labels=LANGUAGES), dataset({PATH: labelled(tmp_path, "C", "Java")}))

    assert [row["label"] for row in items.gold] == ["C++", "C"]


@pytest.mark.parametrize(("labels", "names"), [("{0: c, 1: c++}", ("C++", "C")), ("{0: c, 1: Java}", ("C#", "C++")),
                                               ("{0: c++, 1: c}", ("C", "Java"))])  # fmt: skip
def test_names_that_could_mean_several_are_not_matched_silently(tmp_path, labels, names):
    with pytest.raises(DataUnavailable, match="which of them are the same"):
        read_dataset(definition(labels=labels), dataset({PATH: labelled(tmp_path, *names)}))


def test_signs_are_compared_as_they_stand(tmp_path):
    signs = definition(labels='{0: "*", 1: "#"}')

    assert read_dataset(signs, dataset({PATH: labelled(tmp_path, "*", "#")})).gold[0]["label"] == "#"
    with pytest.raises(DataUnavailable, match=r"gives the label '\*' the number 1"):
        read_dataset(signs, dataset({PATH: labelled(tmp_path, "#", "*")}))


def test_the_labels_of_lists_and_of_lists_of_parts_are_found(tmp_path):
    from datasets import ClassLabel, List, Value

    names = ClassLabel(names=["O", "B-X"])
    row = {"words": ["a"], "tags": [1], "objects": [{"category": 0, "area": 2}]}
    features = {"words": List(Value("string")), "tags": List(names),
                "objects": List({"category": names, "area": Value("int64")})}  # fmt: skip
    file = dataset({PATH: written(tmp_path, [row], features)}).files[PATH]

    assert [declared_names(file, path) for path in ("tags", "objects.category", "objects.area", "words", "none.x")] == [
        ("O", "B-X"), ("O", "B-X"), (), (), ()
    ]  # fmt: skip
