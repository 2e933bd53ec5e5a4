"""`manage.py import_benchmark FILE --format lm_eval`: a draft definition on stdout, what to decide on stderr."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.benchmarks.exchange import FORMATS, Hints, imported
from evaluation.errors import BadDefinition


class Command(BaseCommand):
    help = "Write a draft definition out of an HF eval.yaml, an lm_eval task or MTEB metadata."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", required=True, choices=sorted(FORMATS))
        parser.add_argument("--dataset", default="", help="owner/name, where the file does not say it")
        parser.add_argument("--revision", default="", help="commit of the dataset, 40 hex digits")
        parser.add_argument("--task", default="", help="which task of an eval.yaml")

    def handle(self, *args: object, file: Path, dataset: str, revision: str, task: str, **options: object) -> None:
        try:
            draft = imported(str(options["format"]), file.read_text(encoding="utf-8"), Hints(dataset, revision, task))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8.") from error
        except BadDefinition as problem:
            raise CommandError(problem.message) from problem
        self.stdout.write(draft.text, ending="")
        for note in draft.notes:
            self.stderr.write(note)
