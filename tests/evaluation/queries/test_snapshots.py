"""What of a repo travels to a node: everything a model or a tokenizer is made of, and no code."""

import pytest

from evaluation.queries.snapshots import snapshot_of
from tests.factories import RepoFactory, commit_content

pytestmark = pytest.mark.django_db


def test_tokenizers_of_every_kind_travel_and_code_does_not():
    wanted = ["config.json", "vocab.txt", "merges.txt", "spiece.model", "source.spm", "target.spm", "tokenizer.json"]
    unwanted = ["modeling.py", "rng_state.bin", "flax_model.msgpack", "picture.png"]
    repo = RepoFactory()
    files = dict.fromkeys(wanted + unwanted, b"content") | {"README.md": b"# A model\n"}
    commit_content(repo, files)

    found = snapshot_of(repo.refs.get(name="main").commit)

    assert {file.path for file in found.files} == set(wanted)


@pytest.mark.parametrize(
    ("weights", "travel"),
    [
        (["pytorch_model.bin"], ["pytorch_model.bin"]),
        (["pytorch_model.bin", "model.safetensors"], ["model.safetensors"]),
        (["pytorch_model.bin", "pytorch_model-00001-of-00001.bin"], ["pytorch_model.bin"]),
        (["pytorch_model-00001-of-00001.bin"], ["pytorch_model-00001-of-00001.bin"]),
        (["1_Pooling/pytorch_model.bin", "training_args.bin", "optimizer.pt"], []),
    ],
)
def test_pickled_weights_travel_only_where_there_are_no_others(weights, travel):
    repo = RepoFactory()
    commit_content(repo, dict.fromkeys(["config.json", *weights], b"content"))

    found = snapshot_of(repo.refs.get(name="main").commit)

    assert [file.path for file in found.weights] == travel
    assert found.missing_shards == 0
