"""request: generate. Texts that the model writes; which adapter fits depends on the model's architecture."""

from typing import TYPE_CHECKING

from evaluation.runner.loading import Loader
from evaluation.runner.snapshot import read_json
from evaluation.runner.spec import RunSpec

if TYPE_CHECKING:
    from evaluation.runner.tasks import Task


def generation(run: RunSpec, loader: Loader) -> "Task":
    """For models that read a source whole and then write, and for models that go on from a prompt.

    Every result is {"outputs": [{"text", "tokens", "truncated"}]}, one output per repeat.

    Raises:
        RunFailed: unsupported.
    """
    from evaluation.runner.tasks.seq2seq import SourceToText, reads_a_source
    from evaluation.runner.tasks.writing import PromptToText

    if reads_a_source(read_json(run.model_dir / "config.json")):
        return SourceToText(run, loader)
    return PromptToText(run, loader)
