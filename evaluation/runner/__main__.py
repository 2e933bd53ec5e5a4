"""Entry: a specification in, files and JSON lines out; the exit code is that of the first failure."""

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from evaluation.runner.events import Events
from evaluation.runner.failures import EXIT_CODES, DeviceBroken, Reason, RunFailed
from evaluation.runner.spec import RunSpec, Spec, read_spec


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when every run of the specification has its results."""
    parser = argparse.ArgumentParser(prog="evaluation.runner", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--spec", type=Path)
    what.add_argument("--convert", type=Path, help="folder of a model with pickled weights")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.convert:
        return _convert(options.convert, options.output)
    try:
        spec = read_spec(options.spec, options.output)
    except RunFailed as failure:
        Events("").failed(failure.reason, failure.message)
        return EXIT_CODES[failure.reason]
    failures = _perform_all(spec)
    return EXIT_CODES[failures[0]] if failures else 0


def _convert(folder: Path, output: Path) -> int:
    from evaluation.runner.conversion import convert  # late, as below

    events = Events("")
    try:
        convert(folder, output, events)
    except RunFailed as failure:
        events.failed(failure.reason, failure.message)
        return EXIT_CODES[failure.reason]
    return 0


def _perform_all(spec: Spec) -> list[Reason]:
    # Imported late: a specification that cannot be read fails at once, not after torch has loaded.
    import transformers

    from evaluation.runner.loading import Loader
    from evaluation.runner.measuring import Process, seconds_since_start
    from evaluation.runner.running import perform

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # transformers' own gap
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # likewise
    logging.captureWarnings(capture=True)
    loader, start_seconds = Loader(spec.device), seconds_since_start()
    failures: list[Reason] = []
    for before, run in enumerate(_in_order(spec.runs)):
        events = Events(run.run_id)
        events.began()
        try:
            perform(run, loader, events, Process(start_seconds, before))
            events.finished()
        except RunFailed as failure:
            events.failed(failure.reason, failure.message)
            failures.append(failure.reason)
            if isinstance(failure, DeviceBroken):
                break
        except Exception:
            traceback.print_exc()
            events.failed("node_error", "The runner itself failed; the log of the run has the details.")
            raise
    return failures


def _in_order(runs: Sequence[RunSpec]) -> list[RunSpec]:
    """The first stays first, and runs of one model, dtype and request stand together: the model is loaded once."""
    places: dict[tuple[str, str, str], int] = {}
    keys = [(str(run.model_dir), run.dtype, run.request) for run in runs]
    order = [places.setdefault(key, len(places)) for key in keys]
    return [run for _, run in sorted(zip(order, runs, strict=True), key=lambda pair: pair[0])]


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All files are closed and synced; taking torch apart in good order would only take time.
    os._exit(code)
