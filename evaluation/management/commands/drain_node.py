"""`manage.py drain_node NAME`: a node finishes what it has and claims nothing; `--undo` ends that."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.actions import nodes
from evaluation.errors import NodeNotFound
from evaluation.queries.drift import node_named


class Command(BaseCommand):
    help = "Let a node finish what it has and claim nothing more, before it is switched off, say."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--undo", action="store_true", help="it claims again")

    def handle(self, *args: Any, name: str, undo: bool, **options: Any) -> None:
        try:
            node = node_named(name)
        except NodeNotFound as problem:
            raise CommandError(problem.message) from problem
        if undo:
            nodes.undrain(node=node)
            self.stdout.write(f"{node.name} claims runs again.")
        else:
            nodes.drain(node=node)
            self.stdout.write(f"{node.name} claims nothing any more; it finishes what it has.")
