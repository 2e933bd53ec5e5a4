"""What can go wrong in evaluation. *Author's fault* and *ours* are told apart (`is_final`)."""

from __future__ import annotations

from catalog.errors import BadInput, CatalogError, NotFound
from catalog.errors import marked as _


class EvaluationError(CatalogError):
    """Root of the evaluation errors."""

    code = "evaluation_error"


class BenchmarkNotFound(NotFound):
    code = "benchmark_not_found"
    words = _("There is no benchmark of that name.")


class RunNotFound(NotFound):
    code = "run_not_found"
    words = _("There is no such run, or you may not see it.")


class NotEvaluable(EvaluationError):
    code = "not_evaluable"
    words = _("This model cannot be evaluated on this benchmark.")


class TooManyRuns(EvaluationError):
    code = "too_many_runs"
    words = _("You have as many active runs as one person may have.")


class RunIsOver(EvaluationError):
    code = "run_is_over"
    words = _("The run has ended; it cannot be changed any more.")


class RunLeaseLost(EvaluationError):
    code = "run_lease_lost"
    words = _("This lease is over: the run was cancelled, finished or given to another node.")


class NodeNotFound(NotFound):
    code = "node_not_found"
    words = _("There is no node of that name.")


class NotComparable(EvaluationError):
    code = "not_comparable"
    words = _("These results cannot be compared.")


class BadNodeToken(EvaluationError):
    code = "bad_node_token"
    words = _("Not a token of an active node.")


class BadOutput(BadInput):
    code = "bad_output"
    words = _("What the runner wrote is not a valid answer to the inputs.")


class BadDataset(BadInput):
    """The fact `problems` lists the first faults, each with its line."""

    code = "bad_dataset"
    words = _("The data cannot be used.")


class BadDefinition(BadInput):
    code = "bad_definition"
    words = _("The benchmark definition is not valid.")
