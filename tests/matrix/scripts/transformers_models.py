"""transformers: models, tokenizers and pipelines, pushed and loaded; PyTorch."""

from __future__ import annotations

import torch
from features import OTHER, TOKENS, expect, expect_error, feature, folder, repo_id, run
from huggingface_hub import HfApi
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertTokenizer,
    pipeline,
)

api, bob = HfApi(), HfApi(token=TOKENS["bob"])
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]


def classifier(seed: int = 0, hidden: int = 16) -> BertForSequenceClassification:
    torch.manual_seed(seed)
    config = BertConfig(
        hidden_size=hidden, num_hidden_layers=2, num_attention_heads=2, intermediate_size=hidden, vocab_size=len(WORDS)
    )
    return BertForSequenceClassification(config).eval()


def tokenizer() -> BertTokenizer:
    with folder() as here:
        (here / "vocab.txt").write_text("\n".join(WORDS))
        return BertTokenizer(str(here / "vocab.txt"))


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@feature("push_to_hub and from_pretrained: model, tokenizer, config")
def round_trip() -> None:
    repo, model = repo_id("tf-round"), classifier()
    model.push_to_hub(repo)
    tokenizer().push_to_hub(repo)
    expect(same(model, AutoModelForSequenceClassification.from_pretrained(repo)), True)
    expect(AutoTokenizer.from_pretrained(repo)("good bad")["input_ids"], [2, 5, 6, 3])
    expect(AutoConfig.from_pretrained(repo).hidden_size, 16)
    expect(api.model_info(repo).safetensors.total, sum(p.numel() for p in model.parameters()))


@feature("a private model: for its owner alone")
def private() -> None:
    repo, model = repo_id("tf-private"), classifier()
    model.push_to_hub(repo, private=True)
    for token in (TOKENS["bob"], False):
        with expect_error(OSError, "not a valid model identifier"):
            AutoModel.from_pretrained(repo, token=token)
    expect(same(model, AutoModelForSequenceClassification.from_pretrained(repo)), True)


@feature("a gated model: refused in words, then granted")
def gated() -> None:
    repo, model = repo_id("tf-gated"), classifier()
    model.push_to_hub(repo)
    api.update_repo_settings(repo, gated="manual")
    for token in (TOKENS["bob"], False):
        with expect_error(OSError, "gated"):
            AutoModel.from_pretrained(repo, token=token)
    api.grant_access(repo, OTHER)
    expect(same(model, AutoModelForSequenceClassification.from_pretrained(repo, token=TOKENS["bob"])), True)


@feature("sharded safetensors")
def sharded() -> None:
    repo, model = repo_id("tf-sharded"), classifier(hidden=64)
    model.push_to_hub(repo, max_shard_size="100KB")
    expect(len([name for name in api.list_repo_files(repo) if name.endswith(".safetensors")]) > 1, True)
    expect(same(model, AutoModelForSequenceClassification.from_pretrained(repo)), True)


@feature("revision= branch, tag, sha")
def revisions() -> None:
    repo, first, second = repo_id("tf-rev"), classifier(1), classifier(2)
    first.push_to_hub(repo)
    sha = api.model_info(repo).sha
    api.create_tag(repo, tag="v1")
    api.create_branch(repo, branch="feature/x")
    second.push_to_hub(repo, revision="feature/x")
    for revision, expected in (("main", first), ("v1", first), (sha, first), ("feature/x", second)):
        found = AutoModelForSequenceClassification.from_pretrained(repo, revision=revision)
        expect((revision, same(expected, found)), (revision, True))
    with expect_error(OSError, "not a valid git identifier"):
        AutoModel.from_pretrained(repo, revision="none")


@feature("errors: no such model, no weights")
def errors() -> None:
    with expect_error(OSError, "not a valid model identifier"):
        AutoModel.from_pretrained(repo_id("tf-none"))
    repo = repo_id("tf-empty")
    AutoConfig.for_model("bert", vocab_size=7).push_to_hub(repo)
    with expect_error(OSError, "does not appear to have a file named"):
        AutoModel.from_pretrained(repo)


@feature("pipeline() finds the task")
def pipelines() -> None:
    repo = repo_id("tf-pipeline")
    classifier().push_to_hub(repo)
    tokenizer().push_to_hub(repo)
    card = b"---\npipeline_tag: text-classification\nlibrary_name: transformers\n---\n"
    api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=repo)
    expect(pipeline(model=repo)("good")[0]["label"].startswith("LABEL_"), True)


@feature("offline, from the cache")
def offline() -> None:
    repo, model = repo_id("tf-offline"), classifier()
    model.push_to_hub(repo)
    AutoModelForSequenceClassification.from_pretrained(repo)
    expect(same(model, AutoModelForSequenceClassification.from_pretrained(repo, local_files_only=True)), True)


@feature("push_to_hub(create_pr=True)")
def pull_request() -> None:
    repo, model = repo_id("tf-pr"), classifier(5)
    api.create_repo(repo)
    commit = model.push_to_hub(repo, create_pr=True, token=TOKENS["bob"])
    expect(commit.pr_revision, "refs/pr/1")
    expect(same(model, AutoModelForSequenceClassification.from_pretrained(repo, revision="refs/pr/1")), True)


run()
