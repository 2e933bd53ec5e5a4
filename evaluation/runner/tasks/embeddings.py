"""request: embed. One vector per text, pooled as the model's sentence-transformers files say."""

from collections.abc import Sequence
from typing import Any

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, on_device
from evaluation.runner.failures import unsupported
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result, pack
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.pooling import SentenceLayout, pool
from evaluation.runner.tasks.texts import TokenisedTexts


class Embeddings:
    unit = "tokens"
    form: Form = "table"
    may_run_at_once = True

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.layout = SentenceLayout.read(run.model_dir)
        self.loaded, self.was_loaded = loader.load(
            self.layout.transformer, transformers.AutoModel, run.dtype, may_miss=_is_pooler
        )
        self.texts = TokenisedTexts(self.loaded, run, own_limit=self.layout.max_length)
        self.heads = self.layout.load_heads(self.loaded.device, self.loaded.dtype)
        self.settings: dict[str, object] = {
            "max_length": self.texts.max_length,
            "pooling": list(self.layout.pooling),
            "normalise": self.layout.normalise,
            "prompts": self.layout.prompts,
        }

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        if not self.layout.ranks_by_cosine and any(row.prompts and row.role for row in rows):
            raise unsupported(
                f"The model ranks by {self.layout.similarity!r}, as mteb would; here embeddings are ranked by cosine."
            )
        texts = [self.layout.prompt(row.role, row.prompts) + row.text for row in rows]
        return self.texts.tokenise([text.lower() for text in texts] if self.layout.lower_case else texts)

    def budget(self) -> Budget:
        return self.texts.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return self.texts.batch(indexes)

    def compute(self, batch: Batch) -> list[Result]:
        def forward() -> torch.Tensor:
            moved = on_device(batch, self.loaded)
            states: Any = self.loaded.model(**moved).last_hidden_state
            pooled = pool(states.float(), moved["attention_mask"], self.layout.pooling)
            for head in self.heads:
                pooled = head(pooled)
            return torch.nn.functional.normalize(pooled, dim=-1) if self.layout.normalise else pooled

        return [{"embedding": pack(row)} for row in as_rows(guarded(forward))]


def _is_pooler(name: str) -> bool:
    """BERT's pooler is not used here, and many checkpoints leave it out."""
    return name.startswith("pooler.")
