"""The runner beside `transformers.pipeline` on images and sounds: same model, same files, same threads, equal answers.

    .venv/bin/python -m tests.bench.media_vs_pipeline [--images 48] [--sounds 24] [--rounds 3]

Both are timed from files to labels, after loading and one warm-up; rounds alternate, the best counts. The pipeline has
several batch sizes and is given its best; of sounds the best at which it answers as it does to each alone, since
filling up sounds of uneven lengths changes what wav2vec 2.0 hears where it has no attention mask.
"""

import argparse
import tempfile
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

from evaluation.runner.sounds import read_sound
from evaluation.runner.spec import InputRow, RunSpec
from tests.bench.contest import Figure, in_turns, show, with_passive_threads
from tests.bench.our_runner import answers_of

LABELS = tuple("abcdefgh")
NAMED = {"id2label": dict(enumerate(LABELS)), "label2id": {label: number for number, label in enumerate(LABELS)}}
BATCHES = {"image": (1, 8, 32), "audio": (1, 4)}  # of the pipeline; sounds only get slower, being filled up
RATE = 16_000
CLOSE = 1e-4  # between probabilities

Answers = list[list[float]]


def save_vit(folder: Path) -> Path:
    """ViT of the tiny size, 16 by 16 patches of 224 by 224; random weights, which cost as much as any."""
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=192, num_hidden_layers=12, num_attention_heads=3, intermediate_size=768, initializer_range=0.1,
        **NAMED,
    )  # fmt: skip
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    transformers.ViTImageProcessor().save_pretrained(folder)
    return folder


def save_resnet(folder: Path) -> Path:
    """ResNet-18 with random weights."""
    torch.manual_seed(0)
    config = transformers.ResNetConfig(
        embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic", **NAMED
    )
    transformers.ResNetForImageClassification(config).save_pretrained(folder)
    transformers.ConvNextImageProcessor(size={"shortest_edge": 224}, crop_pct=0.875).save_pretrained(folder)
    return folder


def save_wav2vec2(folder: Path, norm: str) -> Path:
    """wav2vec 2.0 with 6 layers of 256: "group" as its base models, "layer" as its large ones, which take a mask."""
    torch.manual_seed(0)
    is_large = norm == "layer"
    config = transformers.Wav2Vec2Config(
        hidden_size=256, num_hidden_layers=6, num_attention_heads=4, intermediate_size=1024, conv_dim=(256,) * 7,
        feat_extract_norm=norm, do_stable_layer_norm=is_large, conv_bias=is_large, initializer_range=0.1, **NAMED,
    )  # fmt: skip
    transformers.Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=is_large).save_pretrained(folder)
    return folder


def write_images(folder: Path, count: int) -> list[Path]:
    """JPEGs of 240 to 1000 pixels a side, as smooth as photographs."""
    chance = np.random.default_rng(1)
    paths = []
    for number in range(count):
        width, height = (int(side) for side in chance.integers(240, 1000, 2))
        coarse = chance.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
        paths.append(folder / f"{number}.jpg")
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(paths[-1], quality=90)
    return paths


def write_sounds(folder: Path, count: int) -> list[Path]:
    """Noise of 1 to 8 seconds, 16 bits at 16 kHz."""
    chance = np.random.default_rng(2)
    paths = []
    for number in range(count):
        samples = chance.standard_normal(int(RATE * chance.uniform(1, 8))) * 3000
        paths.append(folder / f"{number}.wav")
        with wave.open(str(paths[-1]), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples.astype("<i2").tobytes())
    return paths


def compare(title: str, model: Path, paths: Sequence[Path], rounds: int, *, are_sounds: bool) -> Figure:
    request, task = (
        ("audio-classify", "audio-classification") if are_sounds else ("image-classify", "image-classification")
    )
    folder = paths[0].parent
    run = RunSpec(
        run_id="1", request=request, model_dir=model, inputs=folder / "inputs.jsonl", output=folder, labels=LABELS
    )
    ours, pipe = answers_of(run), transformers.pipeline(task, model=str(model), device="cpu")
    column = "audio" if are_sounds else "image"
    rows = [InputRow(id=path.stem, **{column: path.name}) for path in paths]

    def theirs(batch: int, some: Sequence[Path]) -> list[list[dict[str, Any]]]:
        # A pipeline reads sounds with ffmpeg or torchcodec, which are not here: it is given what our reader reads.
        given = (read_sound(path.read_bytes(), RATE) if are_sounds else str(path) for path in some)
        return list(pipe(given, batch_size=batch, top_k=len(LABELS)))

    ours(rows[:4]), theirs(1, paths[:4])
    ways: dict[str, Callable[[], Any]] = {"ours": lambda: ours(rows)}
    ways |= {f"{batch}": lambda batch=batch: theirs(batch, paths) for batch in BATCHES[column]}
    outcome = in_turns(ways, rounds)
    found: Answers = [answer["probs"] for answer in outcome.answers["ours"]]
    others = {way: [_ordered(answer) for answer in outcome.answers[way]] for way in ways if way != "ours"}
    best = outcome.fastest([way for way, answers in others.items() if _apart(answers, others["1"]) <= CLOSE])
    apart = _apart(found, others[best])
    return Figure(
        title=title,
        ours=len(paths) / outcome.seconds["ours"],
        theirs=len(paths) / outcome.seconds[best],
        beside=f"pipeline(batch_size={best})",
        largest_difference=apart,
        same=apart <= CLOSE and _labels(found) == _labels(others[best]),
    )


def _apart(some: Answers, others: Answers) -> float:
    return float(np.abs(np.array(some) - np.array(others)).max())


def _labels(answers: Answers) -> list[int]:
    return [int(np.argmax(answer)) for answer in answers]


def _ordered(answers: list[dict[str, Any]]) -> list[float]:
    scores = {answer["label"]: answer["score"] for answer in answers}
    return [scores[label] for label in LABELS]


def compare_all(images: int, sounds: int, rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        pictures, recordings = write_images(folder, images), write_sounds(folder, sounds)
        found = [
            compare(f"runner, {images} uneven images, {name}", save(folder / name), pictures, rounds, are_sounds=False)
            for name, save in (("ViT-tiny", save_vit), ("ResNet-18", save_resnet))
        ]
        for name, norm in (("base", "group"), ("large", "layer")):
            title, model = f"runner, {sounds} uneven sounds, wav2vec 2.0 as {name}", save_wav2vec2(folder / name, norm)
            found.append(compare(title, model, recordings, rounds, are_sounds=True))
        return found


def main() -> None:
    with_passive_threads()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--sounds", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    show(compare_all(options.images, options.sounds, options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
