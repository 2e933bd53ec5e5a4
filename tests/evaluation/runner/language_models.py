"""Tiny decoder-only language models: some know exactly what they say, some are random, one has read the manual."""

import functools
import json
from pathlib import Path

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers import models as tokenizer_models

from evaluation.benchmarks import readers

END = "<|endoftext|>"
VOCABULARY = 512

FAMILIES = {
    "gpt2": lambda size, **changes: transformers.GPT2Config(
        vocab_size=size, n_positions=128, n_embd=32, n_layer=2, n_head=4, initializer_range=0.3, **changes
    ),
    "llama": lambda size, **changes: transformers.LlamaConfig(
        vocab_size=size, max_position_embeddings=128, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, initializer_range=0.3, **changes
    ),
    "qwen3": lambda size, **changes: transformers.Qwen3Config(
        vocab_size=size, max_position_embeddings=128, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, initializer_range=0.3, tie_word_embeddings=True,
        **changes,
    ),
    # Half of its layers see 24 tokens back, and its logits are capped behind the head.
    "gemma2": lambda size, **changes: transformers.Gemma2Config(
        vocab_size=size, max_position_embeddings=128, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, initializer_range=0.3, sliding_window=24,
        final_logit_softcapping=5.0, **changes,
    ),
    "bloom": lambda size, **changes: transformers.BloomConfig(
        vocab_size=size, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.3, **changes
    ),
    "mamba": lambda size, **changes: transformers.MambaConfig(
        vocab_size=size, hidden_size=32, num_hidden_layers=2, state_size=4, initializer_range=0.3, **changes
    ),
}  # fmt: skip


@functools.cache
def byte_tokenizer():
    """Byte-level BPE on the training half of the manual, like GPT-2's."""
    tokenizer = Tokenizer(tokenizer_models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(readers.manual_train(), trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=END, eos_token=END, model_max_length=128
    )


def save_random(folder: Path, family: str, *, seed=0, tokenizer=None, positions=None, **changes):
    """An untrained model whose answers depend on every token it sees."""
    torch.manual_seed(seed)
    tokenizer = tokenizer or byte_tokenizer()
    spread = changes.pop("initializer_range", None)
    config = FAMILIES[family](len(tokenizer), bos_token_id=0, eos_token_id=0, pad_token_id=0, **changes)
    config.initializer_range = spread or config.initializer_range
    if positions:
        config.max_position_embeddings = positions
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_reader(folder: Path, *, steps=120):
    """A GPT-2 that has read the training half of the manual."""
    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_positions=256, n_embd=64, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config)
    ids = torch.tensor([token for text in readers.manual_train() for token in [0, *tokenizer(text)["input_ids"]]])
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(steps):
        starts = torch.randint(0, len(ids) - 256, (4,)).tolist()
        batch = torch.stack([ids[start : start + 256] for start in starts])
        loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def word_tokenizer(words):
    """One token a word; spaces are not tokens."""
    tokenizer = Tokenizer(
        tokenizer_models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=END)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END)


def save_planted(folder: Path, words, liked, *, family="gpt2"):
    """A model whose next word depends on the last word alone: `liked` maps (last, next) to a weight above 0.

    Its blocks pass everything through, so that the probabilities are known without it: `planted_logprobs`.
    """
    size = len(words)
    facts = {"bos_token_id": 0, "eos_token_id": 0, "tie_word_embeddings": False}
    if family == "gpt2":
        config = transformers.GPT2Config(vocab_size=size, n_positions=64, n_embd=size, n_layer=1, n_head=1, **facts)
    else:
        config = transformers.LlamaConfig(
            vocab_size=size, max_position_embeddings=64, hidden_size=size, intermediate_size=4, num_hidden_layers=1,
            num_attention_heads=1, **facts,
        )  # fmt: skip
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if any(part in name for part in ("c_proj", "o_proj", "down_proj", "wpe")) or name.endswith("bias"):
                weights.zero_()
        model.get_input_embeddings().weight.copy_(100 * torch.eye(size))
        model.get_output_embeddings().weight.copy_(torch.tensor(_table(words, liked).T))
    model.save_pretrained(folder)
    word_tokenizer(words).save_pretrained(folder)
    return folder


def planted_logprobs(words, liked, *, family="gpt2"):
    """(last, next) log-probabilities of `save_planted`, by arithmetic."""
    table = _table(words, liked).astype(np.float64)
    size = len(words)
    if family == "gpt2":  # a layer norm of one word's direction
        logits = (table - table.mean(axis=0)) / np.sqrt(1 / size * (1 - 1 / size))
    else:
        logits = table * np.sqrt(size)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def _table(words, liked):
    place = {word: number for number, word in enumerate(words)}
    table = np.zeros((len(words), len(words)), dtype=np.float32)
    for (last, following), weight in liked.items():
        table[place[last], place[following]] = weight
    return table


def write_rows(path: Path, rows):
    path.write_text("".join(json.dumps({"id": str(number)} | row) + "\n" for number, row in enumerate(rows)))
    return path


def choices(*, count=12, context_words=(3, 90), seed=0, length=4):
    """Items of four sentences of the manual behind uneven contexts."""
    texts = " ".join(readers.manual_train()).split()
    chooser = np.random.default_rng(seed)

    def words(number):
        start = int(chooser.integers(0, len(texts) - number))
        return " ".join(texts[start : start + number])

    return [
        {
            "contexts": [words(int(chooser.integers(*context_words)))],
            "continuations": [" " + words(int(chooser.integers(1, length + 1))) for _ in range(4)],
        }
        for _ in range(count)
    ]
