"""Tiny models of sounds: trained in seconds where that is possible, random where only equality is asked."""

import json
import string
from pathlib import Path

import torch
import transformers

from evaluation.benchmarks.sources.generated_sounds import KEYS, WORDS, dialled_train, dtmf_train
from evaluation.runner.sounds import read_sound

TOKENS = ["<pad>", "|", *WORDS.values(), "<unk>"]  # whole words: letters would take minutes to learn
TOWER = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
    "conv_dim": (32, 32, 32), "conv_kernel": (640, 4, 2), "conv_stride": (80, 4, 1), "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 4, "feat_extract_norm": "layer",
    "do_stable_layer_norm": True, "conv_bias": True, "classifier_proj_size": 32,
    "hidden_dropout": 0.0, "activation_dropout": 0.0, "attention_dropout": 0.0, "feat_proj_dropout": 0.0,
    "final_dropout": 0.0, "layerdrop": 0.0, "apply_spec_augment": False,
}  # fmt: skip


def save_extractor(folder: Path, rate=16_000):
    extractor = transformers.Wav2Vec2FeatureExtractor(
        feature_size=1, sampling_rate=rate, padding_value=0.0, do_normalize=True, return_attention_mask=False
    )
    extractor.save_pretrained(folder)
    return extractor


def save_key_listener(folder: Path, *, epochs=5):
    """wav2vec 2.0 that names the key of a telephone, really trained on the training split."""
    torch.manual_seed(0)
    save_extractor(folder)
    config = transformers.Wav2Vec2Config(
        **TOWER, id2label=dict(enumerate(KEYS)), label2id={key: number for number, key in enumerate(KEYS)}
    )
    model = transformers.Wav2Vec2ForSequenceClassification(config)

    def loss(states, labels):
        logits = model.classifier(model.projector(states).mean(dim=1))
        return torch.nn.functional.cross_entropy(logits, torch.tensor(labels))

    _train(model, dtmf_train(), KEYS.index, loss, epochs)
    model.eval().save_pretrained(folder)
    return folder


def save_dialler(folder: Path, *, epochs=30):
    """wav2vec 2.0 with CTC that writes the digits of a dialled number."""
    torch.manual_seed(0)
    save_extractor(folder)
    save_words(folder)
    model = transformers.Wav2Vec2ForCTC(transformers.Wav2Vec2Config(**TOWER, vocab_size=len(TOKENS), pad_token_id=0))

    def loss(states, texts):
        likely = model.lm_head(states).log_softmax(-1).transpose(0, 1)
        frames = torch.full((len(texts),), len(likely))
        lengths = torch.tensor([len(text) for text in texts])
        return torch.nn.functional.ctc_loss(
            likely, torch.tensor([token for text in texts for token in text]), frames, lengths, zero_infinity=True
        )

    _train(model, dialled_train(), spelled, loss, epochs)
    model.eval().save_pretrained(folder)
    return folder


def spelled(text):
    return [TOKENS.index(word) for word in text.replace(" ", " | ").split()]


def save_words(folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(TOKENS)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(
        str(folder / "vocab.json"), pad_token="<pad>", unk_token="<unk>", bos_token=None, eos_token=None,
        word_delimiter_token="|",
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_listening_writer(folder: Path, *, marks_time=False):
    """Whisper with random weights: what it writes is nonsense, and always the same nonsense."""
    torch.manual_seed(0)
    names = ["<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"]
    tokenizer = _byte_tokenizer(names)
    if marks_time:
        marks = [f"<|{number / 50:.2f}|>" for number in range(1501)]
        tokenizer.add_special_tokens({"additional_special_tokens": [*names[1:], *marks]})
    tokenizer.save_pretrained(folder)
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, num_mel_bins=80, max_source_positions=1500,
        max_target_positions=64, pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=1,
        init_std=0.4, suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    model = transformers.WhisperForConditionalGeneration(config)
    if marks_time:
        model.generation_config._from_model_config = False  # else it is made anew from config.json
        model.generation_config.no_timestamps_token_id = tokenizer.convert_tokens_to_ids("<|0.00|>") - 1
    model.save_pretrained(folder)
    transformers.WhisperFeatureExtractor().save_pretrained(folder)
    return folder


def _byte_tokenizer(special):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([string.ascii_lowercase], trainers.BpeTrainer(special_tokens=special, vocab_size=40))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=special[0], pad_token=special[0], unk_token=special[0]
    )


def _train(model, items, label_of, loss_of, epochs):
    """What lies behind the convolutions; these are set by hand and computed once, which saves minutes."""
    _hear_tones(model.wav2vec2.feature_extractor)
    batches = [
        (_heard(model, [wav for wav, _ in part]), [label_of(label) for _, label in part]) for part in _like(items)
    ]
    behind = [weights for name, weights in model.named_parameters() if "feature_extractor" not in name]
    optimizer = torch.optim.AdamW(behind, lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * len(batches))
    for _ in range(epochs):
        for number in torch.randperm(len(batches)):
            features, labels = batches[number]
            projected, _ = model.wav2vec2.feature_projection(features)
            loss = loss_of(model.wav2vec2.encoder(projected)[0], labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _like(items, size=16):
    """Sounds of like lengths together."""
    ordered = sorted(items, key=lambda item: len(item[0]))
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _heard(model, sounds):
    waves = [torch.from_numpy(read_sound(wav, 16_000)) for wav in sounds]
    normal = [(wave - wave.mean()) / (wave.var(correction=0) + 1e-7).sqrt() for wave in waves]
    with torch.no_grad():
        filled = torch.nn.utils.rnn.pad_sequence(normal, batch_first=True)
        return model.wav2vec2.feature_extractor(filled).transpose(1, 2)


def _hear_tones(convolutions):
    """A bank of the eight tones, each in four phases; then how loud each one is, whatever its phase."""
    first, second, third = (layer.conv for layer in convolutions.conv_layers)
    moments = torch.arange(640) / 16_000
    tones = torch.tensor([697, 770, 852, 941, 1209, 1336, 1477, 1633], dtype=torch.float32)
    angles = 2 * torch.pi * tones[:, None] * moments[None]
    bank = torch.cat([angles.sin(), angles.cos(), -angles.sin(), -angles.cos()])
    with torch.no_grad():
        first.weight[:, 0] = bank * torch.hann_window(640) / 40
        for layer, phases in ((second, 4), (third, 1)):
            layer.weight.zero_()
            for tone in range(8):
                for phase in range(phases):
                    layer.weight[tone, tone + 8 * phase] = 1 / layer.weight.shape[-1]
