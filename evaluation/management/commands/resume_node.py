"""`manage.py resume_node NAME`: publish again what a paused node measures."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.actions import sentinels
from evaluation.errors import NodeNotFound
from evaluation.queries.drift import node_named


class Command(BaseCommand):
    help = "A node that drifted publishes again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--accept",
            action="store_true",
            help="its results are right: the next ones are the baseline of its hardware",
        )

    def handle(self, *args: Any, name: str, accept: bool, **options: Any) -> None:
        try:
            node = node_named(name)
        except NodeNotFound as problem:
            raise CommandError(problem.message) from problem
        sentinels.resume(node=node, accept=accept)
        self.stdout.write(f"{node.name} publishes again.")
