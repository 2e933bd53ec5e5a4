#!/usr/bin/env python
"""Every command of the marketplace: `manage.py help` lists them."""

import os
import sys


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  an old interpreter must get a sentence, not a traceback
        found = ".".join(str(part) for part in sys.version_info[:3])
        raise SystemExit("Python 3.11 or newer is needed; this is Python %s." % found)  # noqa: UP031
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    if sys.argv[1:2] == ["up"]:
        from marketplace.up.arguments import adopt

        adopt(sys.argv[2:])  # `up --data-dir` decides what the settings will read
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        raise SystemExit(f"Configuration: {problem}") from None


if __name__ == "__main__":
    main()
