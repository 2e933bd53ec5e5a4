"""sentence-transformers: an embedding model, pushed and loaded."""

from __future__ import annotations

import numpy as np
from features import TOKENS, expect, expect_error, feature, folder, repo_id, run
from huggingface_hub import HfApi
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizer

api = HfApi()
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]


def embedder() -> SentenceTransformer:
    config = BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=len(WORDS)
    )
    with folder() as here:
        (here / "vocab.txt").write_text("\n".join(WORDS))
        BertModel(config).save_pretrained(here / "bert")
        BertTokenizer(str(here / "vocab.txt")).save_pretrained(here / "bert")
        words = Transformer(str(here / "bert"))
        return SentenceTransformer(modules=[words, Pooling(16)], device="cpu")


def same(one: SentenceTransformer, other: SentenceTransformer) -> bool:
    return bool(np.allclose(one.encode(["good bad"]), other.encode(["good bad"]), atol=1e-6))


@feature("push_to_hub and load")
def round_trip() -> None:
    repo, model = repo_id("st-round"), embedder()
    model.push_to_hub(repo)
    expect(same(model, SentenceTransformer(repo, device="cpu")), True)
    expect("sentence-transformers" in api.model_info(repo).tags, True)


@feature("private, and revision=")
def private() -> None:
    repo, model = repo_id("st-private"), embedder()
    model.push_to_hub(repo, private=True)
    sha = api.model_info(repo).sha
    with expect_error(OSError):
        SentenceTransformer(repo, device="cpu", token=TOKENS["bob"])
    expect(same(model, SentenceTransformer(repo, device="cpu", revision=sha)), True)


run()
