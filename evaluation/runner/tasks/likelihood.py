"""request: loglikelihood. How likely each continuation of a context is: choices, cloze tests."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch
from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.continuations import Answer, ContinuationScorer, Unit
from evaluation.runner.tasks.decoder import Decoder

Pair = tuple[str, str]  # context, continuation
Ids = tuple[int, ...]


@dataclass(frozen=True)
class Item:
    """The units of one item; `pairs` says which of its continuations each answer belongs to."""

    units: tuple[Unit, ...]
    pairs: tuple[int, ...]


class Likelihood:
    unit = "tokens"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.decoder = Decoder.load(run, loader)
        self.loaded, self.was_loaded = self.decoder.loaded, self.decoder.was_loaded
        self.scorer = ContinuationScorer(self.loaded, self.decoder.max_length, ram_gb=run.limits.get("ram_gb"))
        self.prompt = run.options.get("prompt") or {}
        self.items: list[Item] = []
        self.settings: dict[str, object] = {
            "max_length": self.decoder.max_length,
            "shared_contexts": self.scorer.shares,
        }

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        items = self._in_chats([_pairs(row) for row in rows])
        texts = [text for pairs in items for context, after in pairs if context for text in _whole(context, after)]
        ids = self.decoder.encode(texts)
        bare = self.decoder.encode([after for pairs in items for context, after in pairs if not context], special=False)
        self.items, cut = [], 0
        for pairs in items:
            found = [self._ids(context, after, ids, bare) for context, after in pairs]
            fitted = [self._fitted(context, follow) for context, follow in found]
            cut += any(len(whole[0]) > len(part[0]) for whole, part in zip(found, fitted, strict=True))
            self.items.append(_item(fitted, together=self.scorer.shares))
        self.settings["items_cut"] = cut
        return [self.scorer.length(item.units) for item in self.items]

    def budget(self) -> Budget:
        return self.scorer.budget

    def prepare(self, indexes: list[int]) -> Batch:
        batch = self.scorer.prepare([unit for index in indexes for unit in self.items[index].units])
        return batch | {"items": torch.tensor(indexes)}

    def compute(self, batch: Batch) -> list[Result]:
        answers = iter(self.scorer.compute(batch))
        items = [self.items[index] for index in batch["items"].tolist()]
        return [_result(item, [next(answers) for _ in item.pairs]) for item in items]

    def _in_chats(self, items: list[list[Pair]]) -> list[list[Pair]]:
        """Contexts as turns of a chat where that is asked for; what separates a continuation is the template's then."""
        contexts = list(dict.fromkeys(context for pairs in items for context, _ in pairs))
        chats = self.decoder.chats(contexts, str(self.prompt.get("chat_template", "off")))
        self.settings["chat_template"] = chats is not None
        if chats is None:
            return items
        chat_of, delimiter = dict(zip(contexts, chats, strict=True)), str(self.prompt.get("target_delimiter", ""))
        return [[(chat_of[context], after.removeprefix(delimiter)) for context, after in pairs] for pairs in items]

    def _ids(self, context: str, after: str, ids: dict[str, list[int]], bare: dict[str, list[int]]) -> tuple[Ids, Ids]:
        """Where a context ends and its continuation begins. Source: lm_eval 0.4.13, TemplateLM.loglikelihood."""
        prefix = (self.decoder.prefix_id,)
        if context:
            before, whole = (tuple(ids[text]) for text in _whole(context, after))
            return before or prefix, whole[len(before) :]
        follow = tuple(bare[after])
        return prefix, follow[1:] if follow[:1] == prefix else follow

    def _fitted(self, context: Ids, follow: Ids) -> tuple[Ids, Ids]:
        """Without the beginning of a context that is too long."""
        if not follow:
            raise unsupported("The tokenizer makes no token of its own of one of the answers.")
        if len(follow) > self.decoder.max_length:
            raise unsupported(
                f"One of the answers has {len(follow)} tokens; the model sees {self.decoder.max_length} at once."
            )
        return context[max(0, len(context) + len(follow) - self.decoder.max_length - 1) :], follow


def _pairs(row: InputRow) -> list[Pair]:
    """One context may stand for all continuations."""
    count = len(row.continuations)
    contexts = row.contexts * count if len(row.contexts) == 1 else row.contexts
    if not count or len(contexts) != count:
        raise RunFailed("data_unavailable", "An item of the inputs has other numbers of contexts and continuations.")
    return list(zip(contexts, row.continuations, strict=True))


def _whole(context: str, after: str) -> tuple[str, str]:
    """The context and the whole text; spaces at the end of a context belong to what follows, as tokenizers see it."""
    return context.rstrip(), context + after


def _item(pairs: list[tuple[Ids, Ids]], *, together: bool) -> Item:
    """Continuations by their context, or one by one."""
    numbers: dict[object, list[int]] = {}
    for number, (context, _) in enumerate(pairs):
        numbers.setdefault(context if together else number, []).append(number)
    units = tuple(Unit(pairs[group[0]][0], tuple(pairs[number][1] for number in group)) for group in numbers.values())
    return Item(units=units, pairs=tuple(number for group in numbers.values() for number in group))


def _result(item: Item, answers: list[Answer]) -> Result:
    """In the order of the pairs."""
    ordered = [answer for _, answer in sorted(zip(item.pairs, answers, strict=True), key=lambda pair: pair[0])]
    return {
        "logprobs": [float(f"{answer.logprob:.12g}") for answer in ordered],
        "greedy": [answer.greedy for answer in ordered],
    }
