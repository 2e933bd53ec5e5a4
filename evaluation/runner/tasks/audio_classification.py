"""request: audio-classify. One label per sound, with the probability of every label."""

from collections.abc import Sequence

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, model_inputs
from evaluation.runner.labels import LabelMap
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.recordings import Recordings


class AudioClassification:
    unit = "samples"
    form: Form = "lines"
    may_run_at_once = True

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModelForAudioClassification, run.dtype
        )
        self.labels = LabelMap.of(self.loaded, run.labels, several=run.options.get("multi_label") is True)
        self.recordings = Recordings(self.loaded, run)
        self.settings: dict[str, object] = self.recordings.settings

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        lengths = self.recordings.lengths(rows)
        self.settings["audio_seconds"] = round(self.recordings.seconds, 3)
        return lengths

    def budget(self) -> Budget:
        return self.recordings.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return self.recordings.batch(indexes)

    def compute(self, batch: Batch) -> list[Result]:
        def forward() -> torch.Tensor:
            logits: torch.Tensor = self.loaded.model(**model_inputs(batch, self.loaded)).logits
            return self.labels.probabilities(logits)

        return self.labels.results(as_rows(guarded(forward)))
