"""`manage.py verify_record FILE`: is this downloaded record what the hub signed?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation import signing, verification


class Command(BaseCommand):
    help = "Check the signature of a record from /api/v1/runs/ID/record, and the outputs beside it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--keys", type=Path, help="a saved /.well-known/marketplace-keys.json; default: the keys of this hub"
        )
        parser.add_argument(
            "--outputs", type=Path, help="folder with predictions.jsonl and whatever else was downloaded"
        )

    def handle(self, *args: object, file: Path, keys: Path | None, outputs: Path | None, **options: object) -> None:
        record = _read(file)
        listed = _read(keys).get("keys") if keys else signing.public_keys()
        if not isinstance(listed, list):
            raise CommandError(f"{keys} lists no keys.")
        problem = verification.problem_of(record, listed)
        if problem:
            raise CommandError(problem)
        self.stdout.write(f"The signature of key {record['key_id']} is genuine.")
        for line in _told(json.loads(record["body"])):
            self.stdout.write(line)
        if outputs:
            self._check_outputs(record, outputs)

    def _check_outputs(self, record: dict[str, Any], folder: Path) -> None:
        changed, missing = verification.changed_outputs(record, folder)
        if changed:
            raise CommandError(f"Not what the run sent: {', '.join(changed)}.")
        if missing:
            self.stdout.write(f"Not here, so not checked: {', '.join(missing)}.")
        self.stdout.write(
            "The other outputs are what the run sent." if missing else "All outputs are what the run sent."
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise CommandError(f"{path} cannot be read: {problem}") from problem
    if not isinstance(found, dict):
        raise CommandError(f"{path} is not a JSON object.")
    return found


def _told(body: dict[str, Any]) -> list[str]:
    model, benchmark = body["model"], body["benchmark"]
    head = f"{model['repo']} at {model['commit']} on {benchmark['id']}@{benchmark['version']}:"
    scores = [one for one in body["result"]["scores"] if not one["slice"]]
    lines = [
        f"  {one['metric']} {one['value']:.6g} [{one['low']:.6g}, {one['high']:.6g}] n={one['n']}" for one in scores
    ]
    return [head, *lines]
