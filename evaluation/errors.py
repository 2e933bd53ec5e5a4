"""What can go wrong in evaluation. *Author's fault* and *ours* are told apart (`is_final`)."""

from __future__ import annotations

from catalog.errors import BadInput, CatalogError, NotFound


class EvaluationError(CatalogError):
    """Root of the evaluation errors."""

    code = "evaluation_error"


class BenchmarkNotFound(NotFound):
    """There is no benchmark of that name."""

    code = "benchmark_not_found"


class RunNotFound(NotFound):
    """There is no such run, or you may not see it."""

    code = "run_not_found"


class NotEvaluable(EvaluationError):
    """This model cannot be evaluated on this benchmark; the message says why."""

    code = "not_evaluable"


class TooManyRuns(EvaluationError):
    """You have as many active runs as one person may have."""

    code = "too_many_runs"


class RunIsOver(EvaluationError):
    """The run has ended; it cannot be changed any more."""

    code = "run_is_over"


class RunLeaseLost(EvaluationError):
    """This lease is over: the run was cancelled, finished or given to another node."""

    code = "run_lease_lost"


class BadNodeToken(EvaluationError):
    """Not a token of an active node."""

    code = "bad_node_token"


class BadOutput(BadInput):
    """What the runner wrote is not a valid answer to the inputs."""

    code = "bad_output"


class BadDefinition(BadInput):
    """The benchmark definition is not valid; the message names the key."""

    code = "bad_definition"
