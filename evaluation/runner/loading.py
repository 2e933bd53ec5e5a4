"""Model, tokenizer and image processor from a checked snapshot. Safetensors only, no foreign code."""

import copy
import os
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

# What every model needs, though transformers would import it with the first one: it is no part of loading that.
import transformers.modeling_utils
import transformers.models.auto.modeling_auto

from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.memory import is_lack_of_memory
from evaluation.runner.snapshot import Snapshot, check_snapshot, read_json
from evaluation.runner.spec import Dtype

TINY_PARAMETERS = 5_000_000  # below, a second thread costs more than it brings
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "spiece.model", "tokenizer.model",
    "sentencepiece.bpe.model",
)  # fmt: skip
PREPROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
# Families whose trainers put a space before each word (transformers' own token classification does).
SPACED_WORDS = {"bart", "bloom", "deberta", "gpt2", "led", "longformer", "roberta"}
TORCHVISION_ONLY = frozenset({"vgg", "inception", "inception_v3", "faster_rcnn", "mask_rcnn"})  # decision 18
FROM_FILES = {"local_files_only": True, "trust_remote_code": False}


@dataclass(frozen=True)
class Loaded:
    """A model ready to compute."""

    model: Any  # transformers has no types of its own
    snapshot: Snapshot
    device: torch.device
    dtype: torch.dtype
    load_seconds: float
    threads: int
    own_generation: Any = None  # the model's generation_config as its files have it

    @property
    def config(self) -> Any:  # noqa: ANN401 (a configuration of any architecture)
        return self.model.config


class Loader:
    """Loads a model once and hands it to every run of one specification that asks for the same."""

    def __init__(self, device: str) -> None:
        self.device = pick_device(device)
        self._last: tuple[tuple[object, ...], Loaded] | None = None

    def load(
        self, folder: Path, family: type, dtype: Dtype, *, may_miss: Callable[[str], bool] = lambda _: False
    ) -> tuple[Loaded, bool]:
        """The model, and whether it was already in memory.

        Args:
            family: the Auto class that selects the head.
            may_miss: weights without which the model still answers this request.

        Raises:
            RunFailed: unsupported or does_not_fit.
        """
        resolved = pick_dtype(dtype, self.device)
        key = (folder, family, resolved)
        if self._last and self._last[0] == key:
            _forget_use(self._last[1])
            return self._last[1], True
        self._last = None  # frees the model before the next one comes
        started = time.monotonic()
        snapshot = check_snapshot(folder)
        threads = set_threads(snapshot.parameters)
        try:
            model = _from_pretrained(snapshot, family, resolved, may_miss).to(self.device).eval()
        except RuntimeError as error:
            if not is_lack_of_memory(error):
                raise
            raise RunFailed("does_not_fit", "The weights alone do not fit into this node's memory.") from error
        loaded = Loaded(
            model=model,
            snapshot=snapshot,
            device=self.device,
            dtype=resolved,
            load_seconds=time.monotonic() - started,
            threads=threads,
            own_generation=copy.deepcopy(getattr(model, "generation_config", None)),
        )
        self._last = (key, loaded)
        return loaded, False


def _forget_use(loaded: Loaded) -> None:
    """The model as it was loaded: how one run wrote its texts is nothing to the next."""
    if loaded.own_generation is not None:
        loaded.model.generation_config = copy.deepcopy(loaded.own_generation)


def pick_device(wanted: str) -> torch.device:
    if wanted == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def pick_dtype(wanted: Dtype, device: torch.device) -> torch.dtype:
    """`auto` is bfloat16 on accelerators that compute in it, float32 elsewhere."""
    if wanted != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[wanted]
    return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32


def set_threads(parameters: int) -> int:
    """One thread for tiny models, else all CPUs that this process may use."""
    threads = 1 if parameters < TINY_PARAMETERS else len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high")
    return threads


def _from_pretrained(snapshot: Snapshot, family: type, dtype: torch.dtype, may_miss: Callable[[str], bool]) -> Any:  # noqa: ANN401 (any architecture)
    kind = snapshot.config.get("model_type")
    if kind in TORCHVISION_ONLY:
        raise unsupported(f"The architecture {kind!r} needs torchvision, which this runner does not have.")
    if kind not in transformers.CONFIG_MAPPING:
        own_code = " It needs its own code, which is never run here." if "auto_map" in snapshot.config else ""
        raise unsupported(
            f"The architecture {kind!r} is not known to transformers {transformers.__version__}.{own_code}"
        )
    try:
        config = transformers.AutoConfig.from_pretrained(snapshot.folder, **FROM_FILES)
        if type(config) not in family._model_mapping:  # type: ignore[attr-defined]  # noqa: SLF001 (no public question)
            raise unsupported(f"The architecture {kind!r} has no model for this task ({family.__name__}).")
        model, report = _load_weights(snapshot.folder, family, config, dtype)
    except RunFailed:
        raise
    except ImportError as error:
        raise unsupported(
            f"The architecture {kind!r} needs a package that is not here: {_first_line(error)}"
        ) from error
    except Exception as error:  # transformers raises nearly anything on files of strangers
        if is_lack_of_memory(error):
            raise
        raise unsupported(f"The model could not be loaded: {_first_line(error)}") from error
    _check_report(report, may_miss)
    return model


def _load_weights(folder: Path, family: Any, config: Any, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401
    options = FROM_FILES | {"config": config, "dtype": dtype, "use_safetensors": True, "output_loading_info": True}
    # Gemma 2 caps its attention, which no fused kernel does.
    capped = getattr(config.get_text_config(), "attn_logit_softcapping", None)
    try:
        loaded = family.from_pretrained(folder, attn_implementation="eager" if capped else "sdpa", **options)
    except ValueError as error:
        if "scaled_dot_product_attention" not in str(error):
            raise
        loaded = family.from_pretrained(folder, attn_implementation="eager", **options)
    model, report = loaded
    return model, report


def _check_report(report: dict[str, Any], may_miss: Callable[[str], bool]) -> None:
    """Refuses a model of which a part would be random numbers."""
    missing = sorted(name for name in report.get("missing_keys", ()) if not may_miss(name))
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise unsupported(f"The weights lack {missing[0]}{more}; the model would answer at random.")
    mismatched = sorted(
        str(entry[0] if isinstance(entry, tuple) else entry) for entry in report.get("mismatched_keys", ())
    )
    if mismatched:
        raise unsupported(f"The shape of {mismatched[0]} is not the one that config.json describes.")


def load_tokenizer(loaded: Loaded, folder: Path, *, in_words: bool = False) -> Any:  # noqa: ANN401 (any tokenizer)
    """The model's tokenizer, after checking that every token it makes has an embedding.

    Args:
        in_words: it is given words; byte-level families read each as if it stood behind a space, as in training.

    Raises:
        RunFailed: unsupported.
    """
    # Without files transformers makes up an empty tokenizer.
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise unsupported("The tokenizer is missing from the repository (tokenizer.json).")
    try:
        spaced = {"add_prefix_space": True} if in_words and loaded.config.model_type in SPACED_WORDS else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice to install more is not for the log of a run
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **FROM_FILES, **spaced)
        highest = max(tokenizer.get_vocab().values(), default=-1)
    except Exception as error:  # as above
        raise unsupported(f"The tokenizer could not be loaded: {_first_line(error)}") from error
    if highest < 0:
        raise unsupported("The tokenizer is missing from the repository (tokenizer.json), or knows no tokens.")
    rows = _token_rows(loaded)
    if highest >= rows:
        raise unsupported(f"The tokenizer knows {highest + 1} tokens, but the model has embeddings for {rows} only.")
    return tokenizer


def _token_rows(loaded: Loaded) -> int:
    """How many tokens the model knows; one that only writes tokens, as CTC does, has no embeddings of them."""
    try:
        return int(loaded.model.get_input_embeddings().weight.shape[0])
    except (NotImplementedError, AttributeError):
        stated = getattr(loaded.config.get_text_config(), "vocab_size", None)
    if not isinstance(stated, int):
        raise unsupported("The model does not say how many tokens it knows (vocab_size in config.json).")
    return stated


def encoded(tokenizer: Any, *texts: Any, **options: Any) -> Any:  # noqa: ANN401 (any tokenizer, and its own encoding)
    """What the tokenizer makes of texts, or of pairs of them.

    Raises:
        RunFailed: unsupported.
    """
    try:
        return tokenizer(*texts, **options)
    except Exception as error:  # a tokenizer of strangers; it also refuses a stride wider than a window
        raise unsupported(f"The tokenizer failed on this input: {_first_line(error)}") from error


def load_image_processor(folder: Path) -> Any:  # noqa: ANN401 (any processor)
    """The model's image processor.

    Raises:
        RunFailed: unsupported.
    """
    return _load_part(folder, transformers.AutoImageProcessor, "image processor")


def load_feature_extractor(folder: Path) -> Any:  # noqa: ANN401 (any extractor)
    """What turns a sound into the model's input.

    Raises:
        RunFailed: unsupported.
    """
    return _load_part(folder, transformers.AutoFeatureExtractor, "feature extractor")


def _load_part(folder: Path, family: Any, name: str) -> Any:  # noqa: ANN401 (any class of transformers, and its kind)
    """What prepares media for the model."""
    if not any((folder / file).is_file() for file in PREPROCESSOR_FILES):
        raise unsupported(f"The {name} is missing from the repository ({PREPROCESSOR_FILES[0]}).")
    try:
        return family.from_pretrained(folder, **FROM_FILES)
    except Exception as error:  # as above
        raise unsupported(f"The {name} could not be loaded: {_first_line(error)}") from error


def family_of(folder: Path, families: Sequence[Any]) -> Any:  # noqa: ANN401 (an Auto class)
    """The first of these Auto classes that has a model for the architecture; the last one where none has."""
    kind = read_json(folder / "config.json").get("model_type")
    known = transformers.CONFIG_MAPPING
    config = known[kind] if isinstance(kind, str) and kind in known else None
    return next((family for family in families if config in family._model_mapping), families[-1])  # noqa: SLF001 (as above)


def longest_input(loaded: Loaded, tokenizer: Any, asked: Iterable[int | None]) -> int:  # noqa: ANN401
    """How many tokens of one text reach the model: the least of what benchmark, tokenizer and positions allow."""
    limits = [limit for limit in asked if limit]
    if 0 < tokenizer.model_max_length < 10**9:
        limits.append(tokenizer.model_max_length)
    positions = getattr(loaded.config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        # RoBERTa's family counts positions from behind the padding index.
        offset = (loaded.config.pad_token_id or 0) + 1 if "roberta" in loaded.config.model_type else 0
        limits.append(positions - offset)
    return min(limits, default=512)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
