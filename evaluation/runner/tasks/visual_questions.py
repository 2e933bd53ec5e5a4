"""request: vqa. One short answer to a question about an image, out of the answers that the model knows."""

from collections.abc import Sequence

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, model_inputs
from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.loading import Loader, encoded, load_tokenizer
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.pictures import Pictures


class VisualQuestions:
    unit = "images"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModelForVisualQuestionAnswering, run.dtype
        )
        if self.loaded.config.model_type != "vilt":
            raise unsupported(
                f"Questions to {self.loaded.config.model_type!r} are not supported: it writes its answers."
            )
        self.tokenizer = load_tokenizer(self.loaded, run.model_dir)
        self.pictures = Pictures(self.loaded, run)
        self.questions: list[str] = []
        self.max_length = int(self.loaded.config.max_position_embeddings)
        self.settings: dict[str, object] = self.pictures.settings | {"max_length": self.max_length}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        self.questions = [row.text for row in rows]
        return self.pictures.lengths(rows)

    def budget(self) -> Budget:
        return self.pictures.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        asked = [self.questions[index] for index in indexes]
        options = {"truncation": True, "max_length": self.max_length, "padding": True, "return_tensors": "pt"}
        words = encoded(self.tokenizer, asked, **options)
        return dict(words) | self.pictures.batch(indexes)

    def compute(self, batch: Batch) -> list[Result]:
        def forward() -> torch.Tensor:
            logits: torch.Tensor = self.loaded.model(**model_inputs(batch, self.loaded)).logits
            return logits

        names = self.loaded.config.id2label
        best = as_rows(guarded(forward)).argmax(axis=-1)
        if any(int(number) not in names for number in best):
            raise RunFailed(
                "unsupported", "The model has more outputs than it names answers (id2label in config.json)."
            )
        return [{"text": str(names[int(number)])} for number in best]
