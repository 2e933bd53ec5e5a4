"""The last word on a run, and its log."""

import json
import logging
import time
from pathlib import Path

from evaluation.node.errors import HubRefused, HubUnavailable, NodeError, RunFailed
from evaluation.node.work import LONGEST_LOG, Place, Work

ATTEMPTS = 5
TAIL_BYTES = 64 * 1024

logger = logging.getLogger("evaluation.node")


def tell(work: Work, outcome: NodeError | None, shown: Place) -> None:
    """Says how the run ended until it is heard or no longer wanted.

    Args:
        shown: the place whose model it computed with.
    """
    hub, order = work.station.hub, work.order
    for attempt in range(ATTEMPTS):
        try:
            if outcome is None:
                hub.complete(order, converted=_converted_weights(shown))
                logger.info("run %s: handed in", order.run_id)
            elif isinstance(outcome, RunFailed):
                tail = _tail(work.place.log)
                hub.fail(order, reason=outcome.reason, message=outcome.message, log_tail=tail)
                logger.info("run %s: %s: %s", order.run_id, outcome.reason, outcome.message)
            else:
                logger.info("run %s: %s", order.run_id, outcome)
            return
        except HubRefused as error:
            logger.info("run %s: %s", order.run_id, error)
            return
        except HubUnavailable as error:
            logger.warning("run %s: the hub is away (%s)", order.run_id, error)
            time.sleep(min(2**attempt, 5))


def note_log(shared: Path, begin: int, own: Path) -> None:
    """Takes the run's part out of the log of a process; of one that is too long the end."""
    with shared.open("rb") as stream:
        end = stream.seek(0, 2)
        stream.seek(max(begin, end - LONGEST_LOG))
        own.write_bytes(stream.read(LONGEST_LOG))


def _converted_weights(place: Place) -> dict[str, object]:
    """Files that were converted for this run; none where nothing was pickled."""
    try:
        found: dict[str, object] = json.loads(place.conversion.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _tail(log: Path, lines: int = 50) -> list[str]:
    """The last lines of the runner's standard error."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return stream.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []
