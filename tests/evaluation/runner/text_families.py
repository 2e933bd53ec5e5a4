"""Tiny text models of many architectures, with the tokenizers those come with; always the same."""

import json
import warnings
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from evaluation.benchmarks.sources.python_manual import openings_train

BERT_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
XLNET_TOKENS = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
T5_TOKENS = ["<pad>", "</s>", "<unk>"]
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
WIDE = {"initializer_range": 0.4}  # random weights of the usual size answer nearly alike


def wordpiece(cls=transformers.BertTokenizer, size=400):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        openings_train(), trainers.WordPieceTrainer(vocab_size=size, special_tokens=BERT_TOKENS)
    )
    return cls(vocab=tokenizer.get_vocab(), model_max_length=64)


def byte_level(size=400):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        openings_train(),
        trainers.BpeTrainer(vocab_size=size, special_tokens=ROBERTA_TOKENS, initial_alphabet=alphabet),
    )
    merges = [tuple(pair) for pair in _model_of(tokenizer)["merges"]]
    return transformers.RobertaTokenizer(vocab=tokenizer.get_vocab(), merges=merges, model_max_length=64)


def unigram(cls, special, size=400):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(openings_train(), trainer)
    pieces = [(piece, score) for piece, score in _model_of(tokenizer)["vocab"]]
    options = {"extra_ids": 0} if cls is transformers.T5Tokenizer else {}
    return cls(vocab=pieces, model_max_length=64, **options)


def _model_of(tokenizer):
    return json.loads(tokenizer.to_str())["model"]


def bert(tokenizer, **changes):
    return transformers.BertConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        pad_token_id=tokenizer.pad_token_id,
        **SMALL,
        **WIDE,
        **changes,
    )


def roberta(tokenizer, **changes):
    return transformers.RobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id,
        bos_token_id=0, eos_token_id=2, **SMALL, **WIDE, **changes,
    )  # fmt: skip


def distilbert(tokenizer, **changes):
    return transformers.DistilBertConfig(
        vocab_size=len(tokenizer), max_position_embeddings=64, dim=32, n_layers=2, n_heads=4, hidden_dim=64,
        pad_token_id=tokenizer.pad_token_id, **WIDE, **changes,
    )  # fmt: skip


def xlnet(tokenizer, **changes):
    return transformers.XLNetConfig(
        vocab_size=len(tokenizer), d_model=32, n_layer=2, n_head=4, d_inner=64, pad_token_id=tokenizer.pad_token_id,
        **WIDE, **changes,
    )  # fmt: skip


FAMILIES = {
    "bert": (wordpiece, bert),
    "distilbert": (lambda: wordpiece(transformers.DistilBertTokenizer), distilbert),
    "roberta": (byte_level, roberta),
    "xlnet": (lambda: unigram(transformers.XLNetTokenizer, XLNET_TOKENS), xlnet),
}


def save(folder: Path, family, auto, **changes):
    """A model of this family with random weights under the head that `auto` chooses."""
    torch.manual_seed(7)
    make_tokenizer, make_config = FAMILIES[family]
    tokenizer = make_tokenizer()
    auto.from_config(make_config(tokenizer, **changes)).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def labels(names):
    return {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}


def save_lookup(folder: Path, words, auto, **changes):
    """A BERT that sees one word at a time: what it says of a word is set by hand, through `see` below."""
    torch.manual_seed(7)
    vocabulary = {token: number for number, token in enumerate([*BERT_TOKENS, *words])}
    tokenizer = transformers.BertTokenizer(vocab=vocabulary, model_max_length=64)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=len(vocabulary), num_hidden_layers=0, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=64, pad_token_id=0, **changes,
    )  # fmt: skip
    model = auto.from_config(config).eval()
    with torch.no_grad():
        embeddings = model.bert.embeddings
        embeddings.position_embeddings.weight.zero_()
        embeddings.token_type_embeddings.weight.zero_()
        embeddings.word_embeddings.weight.copy_(torch.eye(len(vocabulary)))
    tokenizer.save_pretrained(folder)
    return model, vocabulary


def t5(tokenizer, **changes):
    return transformers.T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, pad_token_id=0,
        eos_token_id=1, decoder_start_token_id=0, initializer_factor=3.0, dropout_rate=0.0, **changes,
    )  # fmt: skip


def save_t5(folder: Path):
    torch.manual_seed(7)
    tokenizer = unigram(transformers.T5Tokenizer, T5_TOKENS)
    transformers.T5ForConditionalGeneration(t5(tokenizer)).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_marian(folder: Path, pairs, *, steps=120):
    """A MarianMT that has learnt these translations by heart, with tokenizers of SentencePiece as Helsinki's have."""
    import sentencepiece

    torch.manual_seed(7)
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "text"
    text.write_text("\n".join(side for pair in pairs for side in pair))
    for name in ("source", "target"):
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(folder / name), vocab_size=120, hard_vocab_limit=False,
            minloglevel=2, num_threads=1,
        )  # fmt: skip
        (folder / f"{name}.model").rename(folder / f"{name}.spm")
        (folder / f"{name}.vocab").unlink()
    text.unlink()
    known = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    pieces = [known.id_to_piece(number) for number in range(known.vocab_size())]
    names = ["</s>", "<unk>", *(piece for piece in pieces if piece not in {"<s>", "</s>", "<unk>"}), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({name: number for number, name in enumerate(names)}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends sacremoses
        tokenizer = transformers.MarianTokenizer.from_pretrained(folder, model_max_length=64)
    pad = tokenizer.pad_token_id
    config = transformers.MarianConfig(
        vocab_size=len(names), d_model=48, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=96, decoder_ffn_dim=96, max_position_embeddings=64, dropout=0.0,
        pad_token_id=pad, eos_token_id=0, bos_token_id=0, decoder_start_token_id=pad, forced_eos_token_id=0,
        scale_embedding=True, init_std=0.05, num_beams=4, bad_words_ids=[[pad]],
    )  # fmt: skip
    model = transformers.MarianMTModel(config)
    given = tokenizer([source for source, _ in pairs], padding=True, return_tensors="pt")
    wanted = tokenizer(text_target=[target for _, target in pairs], padding=True, return_tensors="pt")["input_ids"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(steps):
        loss = model(**given, labels=wanted.masked_fill(wanted == pad, -100)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
