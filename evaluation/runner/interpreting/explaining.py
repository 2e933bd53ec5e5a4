"""A few answers taken apart, each by itself: one that fails takes no other along."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from evaluation.runner.batching import Budget, OutOfMemory
from evaluation.runner.computing import free_memory
from evaluation.runner.events import Events
from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.interpreting import PROTOCOL
from evaluation.runner.interpreting.gradients import integrated_gradients
from evaluation.runner.interpreting.subjects import SUBJECTS, Method, Subject
from evaluation.runner.measuring import seconds_left
from evaluation.runner.memory import is_lack_of_memory
from evaluation.runner.outputs import Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks import Task

TOLERANCE = 0.05  # of the sum against what the output changes; above, more steps are taken
LEAST_CHANGE = 1e-3  # of an output: below, a share of it means nothing
MOST_DOUBLINGS = 3
SHARE_KEPT = 0.2  # of the parts, the strongest ones: for comprehensiveness and sufficiency
SAME_ANSWER = 0.02  # a probability may differ so much between the run and an item by itself
MOST_AT_ONCE = 64
LONGEST_TEXT = 300
FAILURES = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, OSError, MemoryError)
NO_TIME = "The time bound left none for this item."


def explain(
    run: RunSpec,
    task: Task,
    *,
    rows: Sequence[InputRow],
    answers: Mapping[str, Result],
    budget: Budget,
    events: Events,
) -> dict[str, Any]:
    """The attributions as JSON. Answers and measurements of the run are written by now, and stay as they are."""
    started = time.monotonic()
    asked = dict(run.interpret or {})
    wanted = set(asked.get("items") or ())
    chosen = [row for row in rows if row.id in wanted]
    events.progress("explaining", 0, len(chosen) + 1)  # always said: from here on the answers are safe
    for parameter in task.loaded.model.parameters():
        parameter.requires_grad_(False)  # gradients of the weights would only take memory
    bench = Bench(run, task, asked, budget, started + min(float(asked["max_seconds"]), seconds_left(run.limits)))
    found = []
    for done, row in enumerate(chosen, start=1):
        found.append({"id": row.id} | bench.explained(row, answers[row.id]))
        events.progress("explaining", done, len(chosen) + 1)
    return {"protocol": PROTOCOL, "items": found, "seconds": round(time.monotonic() - started, 3)}


@dataclass
class Bench:
    """A task that has answered its items, and what is asked of a few."""

    run: RunSpec
    task: Task
    asked: Mapping[str, Any]
    budget: Budget
    deadline: float

    @property
    def late(self) -> bool:
        return time.monotonic() >= self.deadline

    def explained(self, row: InputRow, answer: Result) -> dict[str, Any]:
        """What one answer rests on, or the reason why nobody knows. Where gradients are not to be had, by occlusion."""
        try:
            return self._taken_apart(row, answer, self.asked["method"])
        except (RunFailed, OutOfMemory, *FAILURES) as problem:
            reason = _said(problem)
            lacks_memory = isinstance(problem, OutOfMemory) or is_lack_of_memory(problem)
        if self.asked["method"] == "occlusion" or lacks_memory or self.late:
            return {"reason": reason}
        try:
            return self._taken_apart(row, answer, "occlusion") | {"note": reason}
        except (RunFailed, OutOfMemory, *FAILURES):
            return {"reason": reason}

    def _taken_apart(self, row: InputRow, answer: Result, method: Method) -> dict[str, Any]:
        if self.late:
            raise RunFailed("node_error", NO_TIME)
        subject: Subject = SUBJECTS[self.run.request](self.task, row, method, str(self.asked["baseline"]))
        target = max(range(len(answer["probs"])), key=answer["probs"].__getitem__)
        with torch.no_grad():
            outputs = torch.cat([subject.outputs(end[None]) for end in (subject.point, subject.baseline)])
        probability = float(self._probability(subject, outputs)[0, target])
        if abs(probability - answer["probs"][target]) > SAME_ANSWER:
            raise unsupported("Asked about this item in this way, the model answers otherwise than in the run.")
        output, of_baseline = outputs[:, target].tolist()
        if method == "occlusion":
            values, steps = self._occlusion(subject, target, output), 0
        else:
            values, steps = self._gradients(subject, target, output - of_baseline)
        return {
            "method": method, "note": "", "baseline": subject.kind, "label": subject.labels.names[target],
            "probability": round(probability, 6), "output": output, "output_of_baseline": of_baseline,
            "steps": steps, "values": [float(f"{value:.6g}") for value in values.tolist()],
            **self._faithfulness(subject, target, values, probability), **subject.described(),
        }  # fmt: skip

    def _gradients(self, subject: Subject, target: int, change: float) -> tuple[torch.Tensor, int]:
        """By part; with more steps as long as the sum does not come out and there is time."""
        steps = int(self.asked["steps"])
        most = steps << MOST_DOUBLINGS
        while True:
            values = subject.by_part(self._integrated(subject, target, steps))
            if not bool(torch.isfinite(values).all()):
                raise unsupported("The gradients are not finite numbers.")
            error = abs(float(values.sum()) - change) / max(abs(change), LEAST_CHANGE)
            if error <= TOLERANCE or self.late or steps >= most:
                return values, steps
            steps *= 2

    def _integrated(self, subject: Subject, target: int, steps: int) -> torch.Tensor:
        at_once = self._at_once(subject)
        while True:
            try:
                return integrated_gradients(
                    lambda points: subject.outputs(points)[:, target],
                    subject.point, subject.baseline, steps=steps, at_once=at_once,
                )  # fmt: skip
            except RuntimeError as error:
                if at_once == 1 or not is_lack_of_memory(error):
                    raise
                free_memory(self.task.loaded)
                at_once //= 2

    def _occlusion(self, subject: Subject, target: int, output: float) -> torch.Tensor:
        """What the output loses when a part is covered, part by part."""
        found = []
        at_once = self._at_once(subject)
        for start in range(0, subject.parts, at_once):
            if self.late:
                raise RunFailed("node_error", NO_TIME)
            with torch.no_grad():
                parts = range(start, min(start + at_once, subject.parts))
                covered = subject.outputs(torch.stack([subject.without([part]) for part in parts]))
            found.append(output - covered[:, target].double().cpu())
        return torch.cat(found)

    def _faithfulness(
        self, subject: Subject, target: int, values: torch.Tensor, probability: float
    ) -> dict[str, float]:
        """What of the probability goes without the fifth of the parts that speak most for it, and with it alone."""
        order = values.argsort(descending=True).tolist()
        kept = max(1, round(SHARE_KEPT * subject.parts))
        with torch.no_grad():
            pair = [subject.outputs(subject.without(hidden)[None]) for hidden in (order[:kept], order[kept:])]
        without, alone = self._probability(subject, torch.cat(pair))[:, target].tolist()
        return {
            "comprehensiveness": round(probability - without, 6),
            "sufficiency": round(probability - alone, 6),
        }

    @staticmethod
    def _probability(subject: Subject, outputs: torch.Tensor) -> torch.Tensor:
        return subject.labels.probabilities(outputs).cpu()

    def _at_once(self, subject: Subject) -> int:
        """Points in one pass; a gradient remembers about four times what an answer does."""
        room = self.budget.tokens // (4 * max(subject.length, 1))
        return max(1, min(room, MOST_AT_ONCE)) if subject.pads else 1


def _said(problem: BaseException) -> str:
    if isinstance(problem, OutOfMemory | MemoryError) or is_lack_of_memory(problem):
        return "There was too little memory for this."
    first = (str(problem).splitlines() or [""])[0]
    said = (
        problem.message
        if isinstance(problem, RunFailed)
        else f"The model failed at this: {type(problem).__name__} {first}"
    )
    return "".join(sign if sign.isprintable() else " " for sign in said)[:LONGEST_TEXT]
