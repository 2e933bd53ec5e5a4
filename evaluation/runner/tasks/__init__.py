"""One adapter per request: what a request needs of a model, and what one item's answer looks like."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch
from evaluation.runner.loading import Loaded, Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec


class Task(Protocol):
    """A model made ready for one run.

    With an attribute `may_run_at_once` that is true, several threads may prepare and compute batches at the same time.
    """

    loaded: Loaded
    was_loaded: bool  # in memory already, from an earlier run of this process
    unit: str  # what lengths and budget count: tokens or images
    settings: dict[str, object]  # facts for the score's provenance
    form: Form  # of the results: lines of JSON, or one table of numbers

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        """Loads and checks. Raises RunFailed."""

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        """Prepares all items once; one length per item, in `unit`."""

    def budget(self) -> Budget: ...

    def prepare(self, indexes: list[int]) -> Batch:
        """A batch on the CPU; called on another thread."""

    def compute(self, batch: Batch) -> list[Result]: ...


ADAPTERS = {
    "caption": "captions:Captions",
    "classify": "text_classification:TextClassification",
    "detect": "object_detection:ObjectDetection",
    "embed": "embeddings:Embeddings",
    "generate": "generation:generation",
    "audio-classify": "audio_classification:AudioClassification",
    "features": "features:Features",
    "image-classify": "image_classification:ImageClassification",
    "loglikelihood": "likelihood:Likelihood",
    "rolling": "rolling:Rolling",
    "mask": "masks:Masks",
    "span": "spans:Spans",
    "token-classify": "token_classification:TokenClassification",
    "image-text-embed": "image_text_embeddings:ImageTextEmbeddings",
    "segment": "segmentation:Segmentation",
    "transcribe": "transcription:Transcription",
    "vqa": "visual_questions:VisualQuestions",
    "zero-shot": "zero_shot:ZeroShot",
}


def task_for(request: str) -> Callable[[RunSpec, Loader], Task] | None:
    """The adapter of a request, or what chooses it, imported only now; None when there is none."""
    if request not in ADAPTERS:
        return None
    module, name = ADAPTERS[request].split(":")
    found: Callable[[RunSpec, Loader], Task] = getattr(import_module(f"evaluation.runner.tasks.{module}"), name)
    return found
