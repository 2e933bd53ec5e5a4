"""Sounds of one run, made ready for a model; what audio classification and transcription share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch
from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.loading import Loaded, load_feature_extractor
from evaluation.runner.media import Media
from evaluation.runner.sounds import RESAMPLER
from evaluation.runner.spec import InputRow, RunSpec

SECONDS_PER_BATCH = {"cpu": 60, "cuda": 960}
WHOLE = {"truncation": False, "padding": "longest", "return_attention_mask": True}  # of a sound beyond the window
WINDOWS_PER_BATCH = {"cpu": 4, "cuda": 32}  # of extractors that fill every sound up to one length


@dataclass
class Recordings:
    """All sounds of one run, by name; decoded batch by batch."""

    loaded: Loaded
    run: RunSpec
    extractor: Any = None  # any feature extractor
    rate: int = 0
    names: list[str] = field(default_factory=list)
    seconds: float = 0.0
    in_windows: bool = False  # whether the model can go through sounds that are longer than its window
    long: frozenset[int] = frozenset()  # indexes of these

    def __post_init__(self) -> None:
        self.extractor = load_feature_extractor(self.loaded.snapshot.folder)
        rate = getattr(self.extractor, "sampling_rate", None)
        if not isinstance(rate, int) or not 1000 <= rate <= 768_000:
            raise unsupported("The feature extractor names no sampling rate (preprocessor_config.json).")
        self.rate = rate
        self.media = Media(self.run.inputs.parent)

    @property
    def window_seconds(self) -> float | None:
        """The length to which the extractor fills up every sound, as Whisper's does; None when it leaves them alone."""
        length = getattr(self.extractor, "chunk_length", None)
        return float(length) if isinstance(length, int | float) and hasattr(self.extractor, "n_samples") else None

    @property
    def settings(self) -> dict[str, object]:
        return {
            "sampling_rate": self.rate,
            "resampler": RESAMPLER,
            "feature_extractor": type(self.extractor).__name__,
            "window_seconds": self.window_seconds,
        }

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        """Samples of each sound; 1 where it is filled up to one length."""
        self.names = [row.audio for row in rows]
        facts = [self.media.sound_facts(name) for name in self.names]
        self.seconds = sum(fact.seconds for fact in facts)
        window = self.window_seconds
        if window is None:
            return [fact.samples_at(self.rate) for fact in facts]
        self.long = frozenset(index for index, fact in enumerate(facts) if fact.seconds > window)
        if self.long and not self.in_windows:
            raise unsupported(
                f"The model hears {window:g} s at a time, and {len(self.long)} of the sounds are longer; "
                "cutting them would make a wrong score."
            )
        # A long one exceeds every budget, so that it is computed by itself.
        return [fact.samples_at(self.rate) if index in self.long else 1 for index, fact in enumerate(facts)]

    def budget(self) -> Budget:
        kind = self.loaded.device.type
        if self.window_seconds is not None:
            windows = WINDOWS_PER_BATCH.get(kind, 4)
            return Budget(tokens=windows, items=windows, pad_to=1)
        # Padding changes what convolutions and group norms answer, so only equal lengths share a batch.
        samples = self.rate * SECONDS_PER_BATCH.get(kind, 60)
        return Budget(tokens=samples, items=128, pad_to=1, same_length=True)

    def batch(self, indexes: list[int]) -> Batch:
        waves = [self.media.sound(self.names[index], self.rate) for index in indexes]
        try:
            whole = WHOLE if self.long.intersection(indexes) else {}
            found = self.extractor(waves, sampling_rate=self.rate, return_tensors="pt", **whole)
        except (ValueError, TypeError, RuntimeError) as error:
            raise RunFailed("unsupported", f"The feature extractor failed: {str(error)[:300]}") from error
        pin = self.loaded.device.type == "cuda"
        return {name: tensor.pin_memory() if pin else tensor for name, tensor in found.items()}
