"""A hub, a node and a model for the node's tests."""

import contextlib
import threading

import pytest
import torch

from evaluation.benchmarks import readers
from evaluation.benchmarks.definitions import builtin_definitions, run_spec
from evaluation.node.agent import Agent
from evaluation.node.sandbox import LEVELS, leaks
from tests.evaluation.node import confined
from tests.evaluation.node.hub import TOKEN, HubServer, Run
from tests.evaluation.runner import models

LANGID = next(definition for definition in builtin_definitions() if definition.id == "langid")


@pytest.fixture(scope="session")
def walls(tmp_path_factory):
    """The levels whose walls hold on this machine, and "none", which has no walls to hold."""
    folder = tmp_path_factory.mktemp("walls")
    return {level for level in LEVELS if level == "none" or not leaks(level, folder)}


@pytest.fixture(autouse=True)
def _strangers():
    confined.note_strangers()


@pytest.fixture
def hub():
    server = HubServer()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    torch.set_num_threads(1)
    return models.save_text_classifier(tmp_path_factory.mktemp("small"), LANGID.label_names)


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory):
    torch.set_num_threads(1)
    return models.save_text_classifier(
        tmp_path_factory.mktemp("slow"),
        LANGID.label_names,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=8,
    )


@pytest.fixture(scope="session")
def medium_model(tmp_path_factory):
    """Takes seconds: long enough to be stopped half way."""
    torch.set_num_threads(1)
    return models.save_text_classifier(
        tmp_path_factory.mktemp("medium"),
        LANGID.label_names,
        hidden_size=96,
        intermediate_size=384,
        num_hidden_layers=4,
    )


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    return readers.materialise(LANGID, run_seed="node", directory=tmp_path_factory.mktemp("inputs"))


@pytest.fixture
def run_of(inputs):
    """A function that makes a run of a model on `langid`."""

    def make(model, run_id=1, **changes):
        spec = run_spec(LANGID)
        spec["limits"] = spec["limits"] | changes
        return Run(
            run_id=run_id,
            spec=spec,
            model={path.name: path for path in model.iterdir()},
            inputs={"inputs.jsonl": inputs.directory / "inputs.jsonl"},
        )

    return make


class Node:
    """An agent at work on a thread."""

    def __init__(self, agent):
        self.agent, self.stop, self.error = agent, threading.Event(), None
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self):
        try:
            self.agent.run_forever(self.stop)
        except Exception as error:  # noqa: BLE001 (looked at by the test)
            self.error = error

    def end(self):
        self.stop.set()
        self.thread.join(60)
        assert not self.thread.is_alive()
        self.agent.close()


@pytest.fixture
def node(hub, tmp_path):
    """A function that starts a node; all are stopped at the end."""
    with contextlib.ExitStack() as stack:

        def start(**options):
            settings = {
                "hub_url": hub.url, "token": TOKEN, "data_dir": tmp_path / "node", "device": "cpu",
                "wait_seconds": 5, "heartbeat_seconds": 0.2,
            }  # fmt: skip
            started = Node(Agent(**(settings | options)))
            stack.callback(started.end)
            return started

        yield start
