"""What of a repo travels to a node: everything a model or a tokenizer is made of, and no code."""

import pytest

from evaluation.queries.snapshots import snapshot_of
from tests.factories import RepoFactory, commit_content

pytestmark = pytest.mark.django_db


def test_tokenizers_of_every_kind_travel_and_code_does_not():
    wanted = ["config.json", "vocab.txt", "merges.txt", "spiece.model", "source.spm", "target.spm", "tokenizer.json"]
    unwanted = ["modeling.py", "pytorch_model.bin", "flax_model.msgpack", "picture.png"]
    repo = RepoFactory()
    files = dict.fromkeys(wanted + unwanted, b"content") | {"README.md": b"# A model\n"}
    commit_content(repo, files)

    found = snapshot_of(repo.refs.get(name="main").commit)

    assert {file.path for file in found.files} == set(wanted)
