"""request: transcribe. One text per sound, by CTC or by a decoder that generates it; greedy, as the score says."""

from collections.abc import Sequence
from typing import Any

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, model_inputs
from evaluation.runner.loading import Loaded, Loader, family_of, load_tokenizer
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.greedy import GREEDY
from evaluation.runner.tasks.recordings import Recordings

FAMILIES = (transformers.AutoModelForCTC, transformers.AutoModelForSpeechSeq2Seq)
MOST_NEW_TOKENS = 224  # half of Whisper's positions, as its authors do

# transformers' own way through a long sound, without what it may try besides when a window seems to have failed.
IN_WINDOWS: dict[str, Any] = {"return_timestamps": True, "condition_on_prev_tokens": False, "temperature": 0.0}


class Transcription:
    unit = "samples"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        family = family_of(run.model_dir, FAMILIES)
        self.loaded, self.was_loaded = loader.load(run.model_dir, family, run.dtype)
        self.recordings = Recordings(self.loaded, run)
        # Where the model marks the time, it goes on from the last mark (Radford et al. 2022, section 3.8).
        self.recordings.in_windows = hasattr(
            getattr(self.loaded.model, "generation_config", None), "no_timestamps_token_id"
        )
        self.tokenizer = load_tokenizer(self.loaded, run.model_dir)
        self.by_ctc = self.may_run_at_once = family is transformers.AutoModelForCTC
        self.generation = {} if self.by_ctc else generation_options(run, self.loaded)
        self.settings: dict[str, object] = self.recordings.settings | {
            "decoding": "ctc, greedy" if self.by_ctc else "autoregressive, greedy",
            "generation": dict(self.generation),
        }

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        lengths = self.recordings.lengths(rows)
        self.settings["audio_seconds"] = round(self.recordings.seconds, 3)
        self.settings["heard_in_windows"] = len(self.recordings.long)
        return lengths

    def budget(self) -> Budget:
        return self.recordings.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return self.recordings.batch(indexes)

    def compute(self, batch: Batch) -> list[Result]:
        tokens = guarded(lambda: self._tokens(model_inputs(batch, self.loaded)))
        return [{"text": text.strip()} for text in self.tokenizer.batch_decode(tokens, skip_special_tokens=True)]

    def _tokens(self, inputs: dict[str, torch.Tensor]) -> Any:  # noqa: ANN401 (rows of token ids, as the tokenizer takes them)
        if not self.by_ctc:
            in_windows = IN_WINDOWS if inputs.get("attention_mask") is not None and self.recordings.in_windows else {}
            return self.loaded.model.generate(**inputs, **GREEDY | self.generation | in_windows).cpu()
        rows: Any = as_rows(self.loaded.model(**inputs).logits)
        return rows.argmax(axis=-1)


def generation_options(run: RunSpec, loaded: Loaded) -> dict[str, Any]:
    """Greedy decoding in the benchmark's language, where the model can be told one."""
    asked = run.options.get("generation") or {}
    positions = getattr(loaded.config, "max_target_positions", None)
    most = min(int(asked.get("max_new_tokens", MOST_NEW_TOKENS)), (positions or 2 * MOST_NEW_TOKENS) // 2)
    options: dict[str, Any] = {"max_new_tokens": most, "num_beams": 1, "do_sample": False}
    languages: Sequence[str] = run.options.get("languages") or ()
    if getattr(loaded.model.generation_config, "is_multilingual", False) and len(languages) == 1:
        options |= {"language": languages[0], "task": "transcribe"}
    return options
