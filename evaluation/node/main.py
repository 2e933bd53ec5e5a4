"""Entry of the node process: options to agent, signals to an orderly end."""

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from evaluation.node.agent import Agent
from evaluation.node.errors import HubRefused, HubUnavailable
from evaluation.node.sandbox import Level

logger = logging.getLogger("evaluation.node")


def main(
    *,
    hub: str,
    token: str,
    data_dir: Path,
    sandbox_min: Level = "namespaces",
    name: str = "node",
    device: str = "auto",
    cache_gb: float = 20.0,
    once: bool = False,
) -> int:
    """Serves one hub until SIGTERM or SIGINT; with `once`, does at most one run. Returns the exit code."""
    stop = threading.Event()
    agent = Agent(
        hub_url=hub,
        token=token,
        data_dir=data_dir,
        sandbox_min=sandbox_min,
        name=name,
        device=device,
        cache_bytes=int(cache_gb * 10**9),
    )
    with _signals(stop), contextlib.closing(agent):
        try:
            if once:
                agent.work_once(stop)
            else:
                agent.run_forever(stop)
        except (HubRefused, HubUnavailable) as error:
            logger.error("the hub refuses this node: %s", error)  # noqa: TRY400 (a sentence, not a trace)
            return 1
    return 0


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
