import json
import struct

import pytest

from catalog.actions.facts import card_html, metadata
from catalog.actions.history import commits
from catalog.models import Blob, Repo, RepoFacts
from catalog.queries import trees
from catalog.stores import blob_store
from catalog.types import DeleteFile
from tests.factories import RepoFactory, add, commit_content

pytestmark = pytest.mark.django_db

CARD = b"""---
license: Apache-2.0
language: [en, pl]
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [retrieval, en]
datasets: [squad, ms_marco]
base_model: acme/base
model-index:
- name: x
  results:
  - task: {type: sentence-similarity}
    dataset: {type: stsb, name: STS-B}
    metrics: [{type: spearman, value: 0.81}]
---
# A small encoder

It maps sentences to vectors; see https://arxiv.org/abs/1904.06472 and [again](https://arxiv.org/pdf/1904.06472).
"""


def safetensors(**tensors: tuple[str, list[int]]) -> bytes:
    header, at = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = {"F32": 4, "F16": 2, "I64": 8}[dtype]
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + bytes(at)


def facts_of(repo) -> RepoFacts:
    return RepoFacts.objects.get(repo=repo)


@pytest.fixture
def repo():
    return RepoFactory()


def test_the_card_becomes_columns_before_the_commit_answers(repo):
    made = commit_content(repo, {"README.md": CARD})

    facts = facts_of(repo)
    assert facts.commit == made
    assert (facts.title, facts.task, facts.library) == (
        "A small encoder",
        "sentence-similarity",
        "sentence-transformers",
    )
    assert facts.summary.startswith("It maps sentences to vectors")
    assert (facts.licence, facts.languages, facts.datasets) == ("apache-2.0", ["en", "pl"], ["squad", "ms_marco"])
    assert (facts.base_models, facts.base_relation) == (["acme/base"], "finetune")
    assert facts.card_data["license"] == "Apache-2.0"
    assert facts.card_problems == []
    assert [(claim["metric"], claim["value"], claim["dataset"]) for claim in facts.claims] == [
        ("spearman", 0.81, "stsb")
    ]


def test_tags_are_those_the_hubs_clients_filter_by(repo):
    commit_content(
        repo,
        {
            "README.md": CARD,
            "config.json": b'{"model_type": "bert", "architectures": ["BertModel"]}',
            "model.safetensors": safetensors(w=("F32", [2])),
        },
    )

    assert facts_of(repo).tags == [
        "sentence-transformers",
        "safetensors",
        "bert",
        "sentence-similarity",
        "en",
        "pl",
        "retrieval",
        "dataset:squad",
        "dataset:ms_marco",
        "arxiv:1904.06472",
        "base_model:acme/base",
        "base_model:finetune:acme/base",
        "license:apache-2.0",
        "region:us",
    ]


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        ("pytorch_model.bin", "pytorch"),
        ("pytorch_model-00001-of-00002.bin", "pytorch"),
        ("tf_model.h5", "tf"),
        ("flax_model.msgpack", "jax"),
    ],
)
def test_weights_are_tagged_with_the_framework_that_saved_them(repo, path, tag):
    commit_content(repo, {path: b"x", "old/pytorch_model.bin": b"x", "other.bin": b"x"})

    assert [found for found in facts_of(repo).tags if found in {"pytorch", "tf", "jax"}] == [tag]


def test_stated_emissions_are_a_tag(repo):
    commit_content(repo, {"README.md": b"---\nco2_eq_emissions:\n  emissions: 0.2\n---\n"})

    assert "co2_eq_emissions" in facts_of(repo).tags


def test_a_dataset_has_tags_of_its_own():
    repo = RepoFactory(kind=Repo.Kind.DATASET)

    commit_content(
        repo,
        {
            "README.md": b"---\nlicense: mit\nlanguage: zh\n"
            b"task_categories: [translation]\nsize_categories: n<1K\n---\n",
            "train.parquet": b"PAR1",
        },
    )

    facts = facts_of(repo)
    assert facts.tags == [
        "task_categories:translation",
        "size_categories:n<1K",
        "language:zh",
        "format:parquet",
        "license:mit",
        "region:us",
    ]
    assert facts.task == "translation"


def test_files_speak_where_the_card_is_silent(repo):
    config = {"model_type": "distilbert", "architectures": ["DistilBertForSequenceClassification"]}
    commit_content(repo, {"config.json": json.dumps(config).encode(), "model.safetensors": safetensors(w=("F32", [2]))})

    facts = facts_of(repo)
    assert (facts.library, facts.task) == ("transformers", "text-classification")
    assert facts.config["auto_model"] == "AutoModelForSequenceClassification"
    assert facts.title == ""


def test_parameters_are_counted_by_dtype(repo):
    weights = safetensors(a=("F32", [10, 3]), b=("F16", [5]), c=("I64", []))
    commit_content(repo, {"model.safetensors": weights}, lfs=("model.safetensors",))

    facts = facts_of(repo)
    assert (facts.parameters, facts.parameters_by_dtype) == (36, {"F32": 30, "F16": 5, "I64": 1})
    assert facts.formats == ["safetensors"]
    assert facts.total_bytes == len(weights) + trees.file_at(facts.commit, ".gitattributes").size
    assert facts.file_count == 2


def test_shards_add_up_and_other_precisions_do_not(repo):
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-3.safetensors"}}
    commit_content(
        repo,
        {
            "model.safetensors.index.json": json.dumps(index).encode(),
            "model-1.safetensors": safetensors(a=("F32", [10])),
            "model-2.safetensors": safetensors(b=("F32", [20])),
            "fp16/other.safetensors": safetensors(c=("F16", [99])),
        },
    )

    facts = facts_of(repo)
    assert facts.parameters == 30
    assert facts.file_problems == [
        {"path": "model.safetensors.index.json", "message": "It names model-3.safetensors, which is not there."}
    ]


LIES = {
    "more header than file": struct.pack("<Q", 10**12) + b"{" + bytes(50),
    "an overlap": struct.pack("<Q", 63)
    + b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'.ljust(63)
    + bytes(8),
    "too many elements": struct.pack("<Q", 71)
    + b'{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,4]}}'[:71]
    + bytes(4),
    "no safetensors at all": b"\x80\x02}q\x00." + bytes(90),
    "empty": b"",
}


@pytest.mark.parametrize("name", LIES)
def test_a_lying_header_is_a_problem_to_show_and_no_obstacle(repo, name):
    made = commit_content(repo, {"model.safetensors": LIES[name], "README.md": CARD})

    facts = facts_of(repo)
    assert facts.commit == made
    assert [problem["path"] for problem in facts.file_problems] == ["model.safetensors"]
    assert facts.parameters is None
    assert facts.licence == "apache-2.0"


@pytest.mark.parametrize(
    "card",
    [
        b"---\nlicense: [unclosed\n---\n" + b"x" * 300_000,
        b"---\na: &a [*a]\n---\n",
        b"---\n" + b"a: " * 20 + b"\n---\n",
        b"---\nlicense: no-such\nlanguage: 7\ntags: {a: b}\npipeline_tag: []\nmodel-index: 3\n---\n",
        b"\xff\xfe\x00",
    ],
)
def test_a_broken_card_never_blocks_and_says_what_is_wrong(repo, card):
    made = commit_content(repo, {"README.md": card})

    facts = facts_of(repo)
    assert facts.commit == made
    assert facts.card_problems


def test_a_broken_config_is_a_problem_to_show(repo):
    commit_content(repo, {"config.json": b"{"})

    facts = facts_of(repo)
    assert facts.config is None
    assert facts.file_problems[0]["path"] == "config.json"


def test_an_unknown_architecture_is_just_unknown(repo):
    commit_content(repo, {"config.json": b'{"architectures": ["NeverSeenModel"], "model_type": "neverseen"}'})

    facts = facts_of(repo)
    assert (facts.config["architectures"], facts.task, facts.file_problems) == (["NeverSeenModel"], "", [])


def test_facts_follow_the_default_branch_alone(repo):
    commits.create_branch(repo=repo, name="dev", actor=repo.created_by)
    before = facts_of(repo)

    commit_content(repo, {"README.md": CARD}, branch="dev")

    after = facts_of(repo)
    assert (after.commit, after.licence, after.updated_at) == (before.commit, "", before.updated_at)


def test_facts_vanish_with_their_file(repo):
    commit_content(repo, {"README.md": CARD, "model.safetensors": safetensors(w=("F32", [2]))})

    commits.commit_files(
        repo=repo,
        branch="main",
        changes=[DeleteFile("README.md"), DeleteFile("model.safetensors")],
        title="x",
        actor=repo.created_by,
    )

    facts = facts_of(repo)
    assert (facts.licence, facts.parameters, facts.formats, facts.card_data, facts.claims) == ("", None, [], None, [])
    assert facts.tags == ["region:us"]


def test_a_header_is_read_once(repo, monkeypatch):
    commit_content(repo, {"model.safetensors": safetensors(w=("F32", [7]))})
    read, original = [], type(blob_store()).read_range
    monkeypatch.setattr(
        type(blob_store()), "read_range", lambda self, *where: read.append(where) or original(self, *where)
    )

    commit_content(repo, {"notes.txt": b"later"})

    assert read == []
    assert facts_of(repo).parameters == 7


def test_lost_weights_do_not_block_a_commit(repo):
    change = add(repo, "model.safetensors", safetensors(w=("F32", [11])))
    blob_store().local_path(change.sha256).unlink()

    commits.commit_files(repo=repo, branch="main", changes=[change], title="x", actor=repo.created_by)

    facts = facts_of(repo)
    assert facts.file_problems[0]["path"] == "model.safetensors"
    assert Blob.objects.get(sha256=change.sha256).header is None


def index(repo):
    metadata.index_repo(Repo.objects.select_related("namespace").get(pk=repo.pk))
    return facts_of(repo)


def test_the_card_is_rendered_by_the_job_and_found_by_its_words(repo):
    commit_content(repo, {"README.md": CARD + b"\n![plot](plot.png) <script>alert(1)</script>"})
    assert facts_of(repo).card_html == ""

    facts = index(repo)

    assert "It maps sentences to vectors" in facts.card_html
    assert f'src="{repo.web_path}/resolve/main/plot.png"' in facts.card_html
    assert "script" not in facts.card_html
    assert "license:" not in facts.card_html
    assert facts.indexed_at is not None


def test_an_unchanged_card_is_not_rendered_again(repo, monkeypatch):
    commit_content(repo, {"README.md": CARD})
    before = index(repo)
    commit_content(repo, {"notes.txt": b"other"})
    monkeypatch.setattr(card_html, "_rendered", lambda *_given: pytest.fail("rendered again"))

    assert index(repo).card_html == before.card_html


def test_a_card_that_takes_too_long_is_shown_as_its_source(repo, monkeypatch):
    monkeypatch.setattr(card_html, "RENDERING_SECONDS", 0.01)
    commit_content(repo, {"README.md": b"# <b>Slow</b>\n" + b"![" * 60_000})

    html = index(repo).card_html

    assert html.startswith("<pre># &lt;b&gt;Slow&lt;/b&gt;")


def test_without_a_card_there_is_no_html(repo):
    commit_content(repo, {"README.md": CARD})
    index(repo)
    commits.commit_files(repo=repo, branch="main", changes=[DeleteFile("README.md")], title="x", actor=repo.created_by)

    assert index(repo).card_html == ""
