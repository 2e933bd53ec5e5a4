"""`manage.py create_node NAME` prints the token of a new evaluation node, and nothing else."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandParser

from evaluation.actions import nodes
from evaluation.queries import classes


class Command(BaseCommand):
    help = "Create a node, or give an existing one a new token. Prints the token, which is shown only now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--queue",
            action="append",
            choices=classes.CLASSES,
            help="the only classes it shall serve; without: its own and those below, by its hardware",
        )

    def handle(self, *args: object, name: str, queue: list[str] | None, **options: object) -> None:
        _node, secret = nodes.create_node(name, queues=tuple(queue or ()))
        self.stdout.write(secret)
