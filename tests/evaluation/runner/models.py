"""Tiny real models, built in seconds and always the same."""

import io
import json
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from evaluation.benchmarks import readers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def build_tokenizer(texts, size=800):
    """Byte-level BPE with BERT's frame around each text."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=128,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )


def bert_config(tokenizer, **changes):
    facts = {
        "vocab_size": len(tokenizer),
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 96,
        "max_position_embeddings": 128,
        "pad_token_id": 0,
        "initializer_range": 0.3,  # random weights of the usual size answer nearly alike
    }
    return transformers.BertConfig(**(facts | changes))


def save_text_classifier(folder: Path, labels, **changes):
    torch.manual_seed(0)
    tokenizer = build_tokenizer([text for text, _ in readers.langid_train()[::5]])
    config = bert_config(tokenizer, **changes)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    model = transformers.BertForSequenceClassification(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_encoder(folder: Path):
    torch.manual_seed(1)
    tokenizer = build_tokenizer([text for text, _ in readers.langid_train()[::5]])
    transformers.BertModel(bert_config(tokenizer), add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_digit_reader(folder: Path, *, epochs=10):
    """A small ViT, really trained on the training split."""
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        image_size=16, patch_size=4, num_channels=1, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=96, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, initializer_range=0.05,
        id2label={number: str(number) for number in range(10)}, label2id={str(number): number for number in range(10)},
    )  # fmt: skip
    model = transformers.ViTForImageClassification(config)
    processor = transformers.AutoImageProcessor.from_pretrained(_processor_files(folder), local_files_only=True)
    pixels, labels = training_pixels(processor)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * -(-len(labels) // 32))
    for _ in range(epochs):
        for part in torch.randperm(len(labels)).split(32):
            loss = model(pixel_values=pixels[part], labels=labels[part]).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval().save_pretrained(folder)
    return folder


def training_pixels(processor):
    images = [np.asarray(Image.open(io.BytesIO(png)).convert("L"))[:, :, None] for png, _ in readers.digits_train()]
    found = processor(images, return_tensors="pt", input_data_format="channels_last")
    return found["pixel_values"], torch.tensor([int(label) for _, label in readers.digits_train()])


def _processor_files(folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    body = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": 16, "width": 16},
        "image_mean": [0.5],
        "image_std": [0.5],
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(body))
    (folder / "config.json").write_text(json.dumps({"model_type": "vit"}))
    return folder
