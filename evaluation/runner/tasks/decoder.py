"""A decoder-only language model made ready: its weights, its tokens, and how much text it can see."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import transformers

from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.loading import Loaded, Loader, encoded, load_tokenizer
from evaluation.runner.spec import RunSpec
from evaluation.runner.tasks.texts import TOKENISE_AT_ONCE

DEFAULT_LENGTH = 2048  # of a model that says nothing, as in lm_eval
CHAT_SECONDS = 60.0  # for all chats of one run


@dataclass(frozen=True)
class Decoder:
    """Model and tokenizer of one run. Token ids are made as lm_eval makes them, so that log-likelihoods agree."""

    loaded: Loaded
    was_loaded: bool
    tokenizer: Any  # any tokenizer
    max_length: int  # tokens the model sees at once
    prefix_id: int  # stands before a text that has nothing before it

    @classmethod
    def load(cls, run: RunSpec, loader: Loader) -> "Decoder":
        """Raises RunFailed."""
        loaded, was_loaded = loader.load(run.model_dir, transformers.AutoModelForCausalLM, run.dtype)
        tokenizer = load_tokenizer(loaded, run.model_dir)
        prefix = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        if prefix is None:
            raise unsupported("The tokenizer has neither a first nor a last token (bos_token, eos_token).")
        longest = _longest_input(loaded, tokenizer)
        return cls(
            loaded=loaded,
            was_loaded=was_loaded,
            tokenizer=tokenizer,
            max_length=min(longest, run.max_length or longest),
            prefix_id=int(prefix),
        )

    def encode(self, texts: Sequence[str], *, special: bool | None = None) -> dict[str, list[int]]:
        """The token ids of each distinct text.

        Args:
            special: whether special tokens are added; None leaves it to the tokenizer, except that
                a text that begins with the first token gets no second one.
        """
        first = self.tokenizer.decode([self.prefix_id])
        plain: list[str] = []
        framed: list[str] = []
        for text in dict.fromkeys(texts):
            (plain if special is None and first and text.startswith(first) else framed).append(text)
        options = {} if special is None else {"add_special_tokens": special}
        found = dict(self._encoded(plain, {"add_special_tokens": False}))
        found.update(self._encoded(framed, options))
        if special is None and self._closes_texts():
            found.update({text: found[text][:-1] for text in framed})
        return found

    def _encoded(self, texts: list[str], options: dict[str, bool]) -> Iterator[tuple[str, list[int]]]:
        for start in range(0, len(texts), TOKENISE_AT_ONCE):
            part = texts[start : start + TOKENISE_AT_ONCE]
            found = encoded(self.tokenizer, part, return_attention_mask=False, **options)
            yield from zip(part, found["input_ids"], strict=True)

    def _closes_texts(self) -> bool:
        """Whether the tokenizer ends every text with a last token, behind which nothing can go on."""
        end = self.tokenizer.eos_token_id
        ids = encoded(self.tokenizer, "a")["input_ids"]
        return end is not None and len(ids) > 1 and ids[-1] == end

    def chats(self, texts: Sequence[str], mode: str) -> list[str] | None:
        """Each text as one turn of a user in the model's own chat template; None where it has none or none is wanted.

        Raises:
            RunFailed: unsupported, when the template fails or does not end.
        """
        if mode != "auto" or not self.tokenizer.chat_template:
            return None
        with _within(CHAT_SECONDS, "The chat template of the model takes too long."):
            return [self._chat(text) for text in texts]

    def _chat(self, text: str) -> str:
        try:
            # transformers renders it in Jinja's immutable sandbox.
            made = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
            )
        except RunFailed:
            raise
        except Exception as error:  # a template of strangers raises anything
            said = str(error).splitlines() or [type(error).__name__]
            raise unsupported(f"The chat template of the model failed: {said[0][:300]}") from error
        return str(made)


def _longest_input(loaded: Loaded, tokenizer: Any) -> int:  # noqa: ANN401 (any tokenizer)
    """The configuration before the tokenizer, then 2048. Source: lm_eval 0.4.13, HFLM.max_length."""
    config = loaded.config.get_text_config()
    for name in ("n_positions", "max_position_embeddings", "n_ctx"):
        stated = getattr(config, name, None)
        if isinstance(stated, int) and stated > 0:
            return int(stated)
    limit = tokenizer.model_max_length
    return int(limit) if isinstance(limit, int) and 0 < limit < 10**9 else DEFAULT_LENGTH


@contextmanager
def _within(seconds: float, problem: str) -> Iterator[None]:
    """Ends what takes longer. Only for the main thread, which is where texts are prepared."""

    def stop(number: int, frame: object) -> None:
        raise unsupported(problem)

    before: Callable[..., object] | int | None = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
