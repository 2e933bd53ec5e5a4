"""`python -m tests.commands`: several manage commands in one process, since starting Django costs more than most do.

Reads a JSON list of argument lists from its input, prints a JSON list of what each printed.
"""

import io
import json
import os
import sys

import django
from django.core.management import call_command


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    django.setup()
    printed = []
    for name, *arguments in json.load(sys.stdin):
        out = io.StringIO()
        call_command(name, *arguments, stdout=out)
        printed.append(out.getvalue())
    json.dump(printed, sys.stdout)


if __name__ == "__main__":
    main()
