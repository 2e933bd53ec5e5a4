"""Datasets of this hub as items: which files, which rows, which fields, and what is said when they do not fit."""

import gzip
import io
import json
import tarfile
import wave

import numpy as np
import pytest
import soundfile

from evaluation.benchmarks import readers
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.layout import split_files
from evaluation.benchmarks.hub.reading import read_dataset
from evaluation.errors import BadDefinition
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from tests.evaluation.benchmarks.data import dataset, definition, lines, parquet, png

ROWS = [{"text": "good", "label": 1}, {"text": "bad", "label": 0}]
CSV = b'text,label\ngood,pos\n"bad, really",neg\n'
GLUE = b"""---
license: other
dataset_info:
- config_name: cola
configs:
- config_name: cola
  data_files:
  - split: test
    path: cola/test-*
  - split: train
    path: cola/train-*
- config_name: sst2
  data_files:
  - split: test
    path: sst2/test-*
tags: [x]
---
# GLUE
"""


def paths(files, config="default", split="test"):
    return [file.path for file in split_files(dataset(dict.fromkeys(files, b"")), config, split)]


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (lines(*ROWS), "data/test.jsonl"),
        (gzip.compress(lines(*ROWS), mtime=0), "data/test.jsonl.gz"),
        (lines(*ROWS), "test.json"),
        (json.dumps(ROWS).encode(), "test.json"),
        (json.dumps({"data": ROWS}).encode(), "test.json"),
        (parquet(ROWS), "data/test-00000-of-00001.parquet"),
        (b"text,label\ngood,1\nbad,0\n", "test.csv"),
        (b"text\tlabel\ngood\tpos\nbad\tneg\n", "test.tsv"),
    ],
)
def test_every_format_gives_the_same_items(content, path):
    items = read_dataset(definition(), dataset({path: content}))

    assert items.inputs == [{"id": "0", "text": "good"}, {"id": "1", "text": "bad"}]
    assert items.gold == [{"id": "0", "label": "pos", "chars": 4}, {"id": "1", "label": "neg", "chars": 3}]


@pytest.mark.parametrize(
    ("files", "split", "found"),
    [
        (["data/train-00000-of-00001.parquet", "data/test-0.parquet"], "test", ["data/test-0.parquet"]),
        (["data/test-00001-of-00002.parquet", "data/test-00000-of-00002.parquet"], "test",
         ["data/test-00000-of-00002.parquet", "data/test-00001-of-00002.parquet"]),
        (["dev.csv", "train.csv"], "validation", ["dev.csv"]),
        (["validation/a.jsonl", "test/b.jsonl"], "validation", ["validation/a.jsonl"]),
        (["test.clean/0000.parquet", "test.other/0000.parquet"], "test.clean", ["test.clean/0000.parquet"]),
        (["rows.jsonl"], "train", ["rows.jsonl"]),
        (["test.csv", "test.parquet"], "test", ["test.parquet"]),
        (["latest.csv", "test.csv", "dataset_infos.json"], "test", ["test.csv"]),
    ],
)  # fmt: skip
def test_splits_are_found_by_the_hubs_names(files, split, found):
    assert paths(files, split=split) == found


def test_a_card_says_which_files_make_a_config():
    files = {"README.md": GLUE, "sst2/test-0.parquet": b"", "cola/test-0.parquet": b"", "cola/train-0.parquet": b""}

    assert [file.path for file in split_files(dataset(files), "sst2", "test")] == ["sst2/test-0.parquet"]
    assert [file.path for file in split_files(dataset(files), "cola", "train")] == ["cola/train-0.parquet"]


def test_without_a_card_a_config_is_a_folder():
    assert paths(["en/test.jsonl", "de/test.jsonl"], config="de") == ["de/test.jsonl"]


@pytest.mark.parametrize(
    ("files", "config", "split", "said"),
    [
        ({"README.md": GLUE, "cola/test-0.parquet": b""}, "mrpc", "test", "no config 'mrpc'; it has cola, sst2"),
        ({"README.md": GLUE, "cola/test-0.parquet": b""}, "cola", "dev", "no split 'dev' of config 'cola'"),
        ({"train.csv": b""}, "default", "test", "no split 'test'; its data files are train.csv"),
        ({"weights.bin": b""}, "default", "test", "none that can be read"),
        ({"test.csv": b""}, "en", "test", "neither its card nor a folder names it"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(files, config, split, said):
    with pytest.raises(DataUnavailable, match=r"acme/data@0123456") as refused:
        split_files(dataset(files), config, split)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lines({"text": "good", "label": 1}, {"label": 0}), "Line 2 of test.jsonl has no field 'text'"),
        (
            lines({"text": "good", "label": 3}),
            "Line 1 of test.jsonl: the target 3 is none of the labels (0: neg, 1: pos)",
        ),
        (lines({"text": "good", "label": "positive"}), "the target 'positive' is none of the labels"),
        (lines({"text": "good", "label": -1}), "this split has no labels"),
        (lines({"text": None, "label": 1}), "the text is null, not text"),
        (lines({"text": 7, "label": 1}), "the text is 7, not text"),
        (b'{"text": "good"', "Line 1 of test.jsonl is not JSON"),
        (b'["good"]\n', "is not a JSON object"),
        (b'{"text": "\xff", "label": 1}\n', "is not UTF-8"),
        (b"", "the split 'test' is empty"),
        (b'{"text": "good", "label": NaN}', "the target nan is none of the labels"),
        (b'{"text": "good", "label": -Infinity}', "the target -inf is none of the labels"),
        (b'{"text": "good", "label": 0.5}', "the target 0.5 is none of the labels"),
    ],
)
def test_a_row_that_does_not_fit_is_named(content, said):
    with pytest.raises(DataUnavailable) as refused:
        read_dataset(definition(), dataset({"test.jsonl": content}))

    assert said in str(refused.value)


def test_a_damaged_archive_is_named():
    content = gzip.compress(lines(*ROWS), mtime=0)[:10] + b"\xff" * 20

    with pytest.raises(DataUnavailable, match=r"test\.jsonl\.gz cannot be read"):
        read_dataset(definition(), dataset({"test.jsonl.gz": content}))


@pytest.mark.parametrize("width", [None, "eight", 0, float("nan")])
def test_a_picture_without_a_size_is_named(width):
    row = {"image": "1.png", "width": width, "height": 8, "objects": {"bbox": [[1, 1, 3, 3]], "category": [0]}}
    wanted = definition(
        request="detect", task="object-detection", metric="map_50_95",
        fields="{image: image, corners: objects.bbox, target: objects.category}",
    )  # fmt: skip

    with pytest.raises(DataUnavailable, match=r"line 1 of test\.jsonl: the width is no number of pixels"):
        read_dataset(wanted, dataset({"test.jsonl": lines(row)}))


def test_another_number_of_rows_than_expected_is_refused():
    with pytest.raises(DataUnavailable, match="has 2 rows in 'test'; 872 are expected"):
        read_dataset(definition(dataset=", expect_rows: 872"), dataset({"test.jsonl": lines(*ROWS)}))


@pytest.mark.parametrize(("content", "said"), [
    (b"text,label\ngood,pos,more\n", "Line 2 of test.csv has 3 cells; the first line names 2 columns"),
    (b"text,text\na,b\n", "names a column twice"),
    (b'text,label\n"good,pos\n', "is not CSV"),
])  # fmt: skip
def test_a_broken_line_of_csv_is_named(content, said):
    with pytest.raises(DataUnavailable, match="acme/data@0123456") as refused:
        read_dataset(definition(), dataset({"test.csv": content}))

    assert said in str(refused.value)


def test_a_damaged_parquet_file_is_said_to_be_one():
    with pytest.raises(DataUnavailable, match=r"test\.parquet is not a readable parquet file"):
        read_dataset(definition(), dataset({"test.parquet": parquet(ROWS)[:-9]}))


def test_dotted_paths_lead_into_structs_and_lists():
    row = {"meta": {"lang": "en", "people": [{"name": "Ann"}]}, "tags": ["x", "pos"]}
    fields = "{text: meta.people.0.name, target: tags.1, group: meta.lang, id: meta.lang}"

    items = read_dataset(definition(fields=fields), dataset({"test.parquet": parquet([row])}))

    assert items.inputs == [{"id": "en", "text": "Ann"}]
    assert items.gold == [{"id": "en", "label": "pos", "chars": 3, "group": "en"}]


@pytest.mark.parametrize("form", [{"answers": [{"text": "Ann"}]}, {"answers": {"text": ["Ann"]}}])
def test_a_list_of_objects_may_be_empty(form):
    rows = [{"context": "c", "question": "q", **form}, {"context": "c", "question": "q", "answers": []}]
    wanted = definition(
        request="span", metric="squad_f1", task="question-answering", labels="null",
        fields="{text: context, pair: question, target: answers.text}", more="preprocess: {unanswerable: true}",
    )  # fmt: skip

    items = read_dataset(wanted, dataset({"test.jsonl": lines(*rows)}))

    assert [row["answers"] for row in items.gold] == [["Ann"], []]


def test_an_id_that_comes_twice_is_refused():
    rows = [{"text": "a", "label": 0, "key": "k"}, {"text": "b", "label": 0, "key": "k"}]

    with pytest.raises(DataUnavailable, match=r"line 2 of test\.jsonl has the id 'k', which an earlier row has, too"):
        read_dataset(definition(fields="{id: key}"), dataset({"test.jsonl": lines(*rows)}))


def test_pairs_and_fields_of_slices_come_along():
    row = {"premise": "a", "hypothesis": "b", "label": 0, "sex": "f"}
    wanted = definition(
        fields="{text: premise, pair: hypothesis, target: label}", more="slices: [{name: sex, by: 'field:sex'}]"
    )

    items = read_dataset(wanted, dataset({"test.jsonl": lines(row)}))

    assert items.inputs == [{"id": "0", "text": "a", "pair": "b"}]
    assert items.gold[0]["fields"] == {"sex": "f"}


SEVERAL = {"metric": "multilabel_map", "fields": "{text: text, target: tags}"}


def test_items_may_have_several_labels_or_none_by_name_or_number(tmp_path):
    rows = [{"text": "a", "tags": [0, 1]}, {"text": "b", "tags": ["pos"]}, {"text": "c", "tags": []}]
    wanted = definition(id="several", more="multi_label: true", **SEVERAL)

    made = readers.materialise(wanted, run_seed="s", directory=tmp_path, files=dataset({"test.jsonl": lines(*rows)}))

    assert sorted(row["labels"] for row in made.gold) == [[], ["neg", "pos"], ["pos"]]
    answers = [{"id": row["id"], "probs": [float(name in row["labels"]) for name in ("neg", "pos")]}
               for row in made.gold]  # fmt: skip
    (tmp_path / "predictions.jsonl").write_bytes(lines(*answers))
    assert score(wanted, made.gold, read_predictions(wanted, tmp_path))[0].value == 1.0


@pytest.mark.parametrize(("tags", "said"), [
    (1, r"line 1 of test\.jsonl: the target is no list of labels"),
    ([2], r"the target 2 is none of the labels"),
])  # fmt: skip
def test_several_labels_are_a_list_of_known_ones(tags, said):
    with pytest.raises(DataUnavailable, match=said):
        read_dataset(
            definition(more="multi_label: true", **SEVERAL),
            dataset({"test.jsonl": lines({"text": "a", "tags": tags})}),
        )


def test_items_with_several_labels_are_not_drawn_by_label():
    with pytest.raises(BadDefinition, match=r"dataset\.subset\.stratify: items with several labels"):
        definition(more="multi_label: true", dataset=", subset: {n: 5, seed: 1, stratify: label}", **SEVERAL)


def test_a_slice_is_never_one_cluster():
    fields, sliced = "{{text: text, target: label, group: {}, cluster: topic}}", "slices: [{name: topic, by: group}]"

    with pytest.raises(BadDefinition, match=r"fields\.cluster: each slice by group would be one cluster"):
        definition(fields=fields.format("topic"), more=sliced)

    assert definition(fields=fields.format("author"), more=sliced).slices
    assert definition(fields=fields.format("topic")).fields["cluster"] == "topic"


DRAWN = ", subset: {{n: 2, seed: 1, stratify: {}}}"


@pytest.mark.parametrize(("asked", "stratify", "said"), [
    ({}, "chars", r"dataset\.subset\.stratify: a subset is drawn by `label`, or without"),
    ({"request": "token-classify", "task": "token-classification", "labels": "{0: O, 1: B-X, 2: I-X}",
      "metric": "entity_f1"}, "label", r"dataset\.subset\.stratify: items of 'token-classify' have no label"),
    ({"request": "features", "task": "image-feature-extraction", "metric": "probe_accuracy"}, "null",
     r"dataset\.subset: of 'features' no subset is defined"),
    ({"request": "embed", "task": "bitext-mining", "labels": "null", "metric": "bitext_accuracy"}, "null",
     r"dataset\.subset: of 'embed' no subset is defined"),
])  # fmt: skip
def test_a_subset_that_cannot_be_drawn_is_refused(asked, stratify, said):
    with pytest.raises(BadDefinition, match=said):
        definition(dataset=DRAWN.format(stratify), **asked)


def test_configs_are_read_side_by_side():
    files = {
        "en/test.jsonl": lines({"text": "dog"}, {"text": "cat"}),
        "de/test.jsonl": lines({"text": "Hund"}, {"text": "Katze"}),
    }
    asked = {
        "fields": "{text: en.text, pair: de.text}",
        "labels": "null",
        "request": "embed",
        "metric": "bitext_accuracy",
    }

    items = read_dataset(definition(dataset=", config: en+de, expect_rows: 2", **asked), dataset(files))

    assert [row["text"] for row in items.inputs] == ["dog", "Hund", "cat", "Katze"]
    assert items.gold[2:] == [{"id": "1-query", "targets": {"": ["1-document"]}}, {"id": "1-document", "pools": [""]}]
    with pytest.raises(DataUnavailable, match="different numbers of rows"):
        read_dataset(
            definition(dataset=", config: en+de", **asked), dataset(files | {"de/test.jsonl": lines({"text": "Hund"})})
        )


def test_words_have_a_label_each_and_questions_may_have_no_answer():
    tokens = [{"tokens": ["Ann", "left"], "ner_tags": [1, 0]}]
    squad = [{"context": "c", "question": "q", "answers": {"text": found}} for found in (["a", "b"], [])]
    asked = {"labels": "{0: O, 1: B-PER, 2: I-PER}", "task": "token-classification"}
    tags = definition(request="token-classify", metric="entity_f1", fields="{words: tokens, target: ner_tags}", **asked)
    spans = definition(
        request="span", metric="squad_f1", task="question-answering", labels="null",
        fields="{text: context, pair: question, target: answers.text}",
        more="slices: [{name: answerable, by: 'field:answerable'}]",
    )  # fmt: skip

    marked = read_dataset(tags, dataset({"test.parquet": parquet(tokens)}))
    answered = read_dataset(spans, dataset({"test.jsonl": lines(*squad)}))

    assert (marked.inputs, marked.gold) == (
        [{"id": "0", "words": ["Ann", "left"]}],
        [{"id": "0", "labels": ["B-PER", "O"]}],
    )
    assert [(row["answers"], row["fields"]["answerable"]) for row in answered.gold] == [(["a", "b"], "yes"), ([], "no")]
    with pytest.raises(DataUnavailable, match=r"line 1 of test\.jsonl: 2 words have 1 labels"):
        read_dataset(tags, dataset({"test.jsonl": lines({"tokens": ["a", "b"], "ner_tags": [0]})}))


IMAGES = {"request": "image-classify", "task": "image-classification", "fields": "{image: img, target: label}"}


@pytest.mark.parametrize("place", ["struct", "beside"])
def test_images_reach_the_node_under_names_that_tell_nothing(tmp_path, place):
    pictures = [png("red"), png("blue"), png("lime")]
    if place == "struct":
        rows = [{"img": {"bytes": one, "path": f"{n}.png"}, "label": n % 2} for n, one in enumerate(pictures)]
        files = {"data/test-0.parquet": parquet(rows)}
    else:
        rows = [{"img": f"{n}.png", "label": n % 2} for n in range(3)]
        files = {"test/metadata.jsonl": lines(*rows)} | {f"test/{n}.png": one for n, one in enumerate(pictures)}

    made = readers.materialise(
        definition(id=f"images-{place}", **IMAGES), run_seed="s", directory=tmp_path, files=dataset(files)
    )

    rows = [json.loads(line) for line in (tmp_path / "inputs.jsonl").read_text().splitlines()]
    with tarfile.open(tmp_path / "media.tar") as archive:
        found = {name: archive.extractfile(name).read() for name in archive.getnames()}
    assert sorted(found) == sorted(row["image"] for row in rows)
    assert sorted(found.values()) == sorted(pictures)
    labels = {row["id"]: row["label"] for row in made.gold}
    assert [labels[row["id"]] for row in rows if found[row["image"]] == pictures[1]] == ["pos"]
    assert "label" not in rows[0]
    assert not (tmp_path / "later").exists()


def test_only_the_images_of_a_subset_are_read(tmp_path):
    rows = [{"img": {"bytes": png(side=n + 1), "path": None}, "label": n % 2} for n in range(20)]
    wanted = definition(id="some-images", dataset=", subset: {n: 6, seed: 3, stratify: label}", **IMAGES)

    made = readers.materialise(
        wanted, run_seed="s", directory=tmp_path, files=dataset({"data/test-0.parquet": parquet(rows)})
    )

    with tarfile.open(tmp_path / "media.tar") as archive:
        assert len(archive.getnames()) == made.rows == 6
    assert sorted(row["label"] for row in made.gold) == ["neg"] * 3 + ["pos"] * 3


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "WAV"])
def test_recordings_reach_the_node_as_wav(tmp_path, kind):
    tone = (np.sin(np.arange(800) / 5) * 9000).astype(np.int16)
    stream = io.BytesIO()
    soundfile.write(stream, tone, 16_000, format=kind)
    rows = [{"audio": {"bytes": stream.getvalue(), "path": None}, "label": n} for n in range(2)]
    asked = {"request": "audio-classify", "task": "audio-classification", "fields": "{audio: audio, target: label}"}

    readers.materialise(
        definition(id=f"sounds-{kind.lower()}", **asked), run_seed="s", directory=tmp_path,
        files=dataset({"data/test-0.parquet": parquet(rows)}),
    )  # fmt: skip

    with tarfile.open(tmp_path / "media.tar") as archive:
        found = [archive.extractfile(name).read() for name in archive.getnames()]
    with wave.open(io.BytesIO(found[0])) as sound:
        assert (sound.getframerate(), sound.getnframes(), sound.getsampwidth()) == (16_000, 800, 2)
        heard = np.frombuffer(sound.readframes(800), dtype="<i2")
    assert len(found) == 2
    assert np.array_equal(heard, tone) or (kind == "OGG" and np.corrcoef(heard, tone)[0, 1] > 0.99)


def test_a_damaged_recording_is_named():
    rows = [{"audio": {"bytes": b"fLaC nothing", "path": None}, "label": 0}]
    asked = {"request": "audio-classify", "task": "audio-classification", "fields": "{audio: audio, target: label}"}
    items = read_dataset(definition(id="no-sound", **asked), dataset({"data/test-0.parquet": parquet(rows)}))

    with pytest.raises(DataUnavailable, match=r"row 1 of data/test-0\.parquet: a recording cannot be decoded"):
        list(items.media({"0"}))


@pytest.mark.parametrize("revision", ["main", "v1.0", "refs/convert/parquet", "0123abc", "A" * 40])
def test_a_revision_that_may_move_is_refused(revision):
    with pytest.raises(BadDefinition, match=r"dataset\.revision: give a commit of 40 hex digits"):
        definition(revision=revision)


def test_data_that_is_not_here_is_waited_for():
    with pytest.raises(DataUnavailable, match="Waiting for data: mirror acme/data@0123456789abcdef"):
        readers.read(definition(id="not-here"))


def test_files_of_another_commit_are_not_read():
    with pytest.raises(DataUnavailable, match="pins 0123456; what was found is ffffff"):
        read_dataset(definition(), dataset({"test.jsonl": lines(*ROWS)}, revision="f" * 40))


COLLECTION = {
    "corpus/corpus.jsonl": lines(
        {"_id": "d1", "title": "Dogs", "text": "They bark."},
        {"_id": "d2", "title": "", "text": "They meow."},
        {"_id": "d3", "title": "Fish", "text": "They swim."},
    ),
    "queries/queries.jsonl": lines(
        {"_id": "q1", "text": "Who barks?"}, {"_id": "q2", "text": "Who meows?"}, {"_id": "q3", "text": "Not judged."}
    ),
    "test.jsonl": lines(
        {"query-id": "q1", "corpus-id": "d1", "score": 2},
        {"query-id": "q1", "corpus-id": "d2", "score": 1},
        {"query-id": "q1", "corpus-id": "d3", "score": 0},
        {"query-id": "q2", "corpus-id": "d2", "score": 1},
    ),
}
SEARCHED = {
    "fields": "{documents: corpus/corpus, queries: queries/queries, title: title}",
    "labels": "null",
    "request": "embed",
    "task": "retrieval",
    "metric": "ndcg@10",
}


def test_a_collection_is_searched_by_the_queries_that_were_judged(tmp_path):
    wanted = definition(dataset=", expect_rows: 4", **SEARCHED)
    files = dataset(COLLECTION)

    items = read_dataset(wanted, files)

    assert [row["text"] for row in items.inputs] == [
        *("Dogs They bark.", "They meow.", "Fish They swim.", "Who barks?", "Who meows?"),
    ]
    assert [row["role"] for row in items.inputs] == ["document"] * 3 + ["query"] * 2
    assert [row["grades"] for row in items.gold if "grades" in row] == [
        {"": {"document-d1": 2.0, "document-d2": 1.0}},
        {"": {"document-d2": 1.0}},
    ]
    made = readers.materialise(wanted, run_seed="s", directory=tmp_path, files=files)
    texts = {row["id"]: row["text"] for row in map(json.loads, (tmp_path / "inputs.jsonl").read_text().splitlines())}
    vectors = {"Dogs They bark.": [1, 0], "They meow.": [0, 1], "Fish They swim.": [1, 1]}
    vectors |= {"Who barks?": [1, 0.1], "Who meows?": [1, 0]}  # the second one finds its answer last
    ids = [row["id"] for row in made.gold]
    (tmp_path / "ids.json").write_text(json.dumps(ids))
    np.save(tmp_path / "embeddings.npy", np.array([vectors[texts[key]] for key in ids], dtype=np.float32))
    first = (2 + 1 / np.log2(4)) / (2 + 1 / np.log2(3))  # its better answer first, the other third
    assert score(wanted, made.gold, read_predictions(wanted, tmp_path))[0].value == pytest.approx((first + 0.5) / 2)


@pytest.mark.parametrize(("path", "row", "said"), [
    ("test.jsonl", {"query-id": "q1", "corpus-id": "gone", "score": 1},
     "the query 'q1' names the document 'gone', which is not there"),
    ("test.jsonl", {"query-id": "gone", "corpus-id": "d1", "score": 1},
     "judges the query 'gone', which is not among its queries"),
    ("test.jsonl", {"query-id": "q1", "corpus-id": "d1", "score": "yes"}, "the grade is 'yes', not a number"),
    ("corpus/corpus.jsonl", {"_id": "d1", "title": "", "text": "Again."}, "the key 'd1' comes a second time"),
])  # fmt: skip
def test_a_collection_that_does_not_fit_together_is_refused(path, row, said):
    with pytest.raises(DataUnavailable, match=said):
        read_dataset(definition(**SEARCHED), dataset(COLLECTION | {path: COLLECTION[path] + lines(row)}))
