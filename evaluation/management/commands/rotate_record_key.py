"""`manage.py rotate_record_key`: sign scores with a new key; what the old one signed stays valid."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from evaluation import signing
from marketplace import data_dir


class Command(BaseCommand):
    help = "Make a new key for records. The old public key stays listed as retired. Restart afterwards."

    def handle(self, *args: Any, **options: Any) -> None:
        fresh, retired = signing.new_key()
        listed = list(dict.fromkeys([*settings.RETIRED_RECORD_KEYS, retired]))
        if settings.IS_EMBEDDED:
            # The old key is listed before the new one signs anything, whatever happens in between.
            data_dir.write_secret(settings.DATA_DIR, "retired_record_keys", "\n".join(listed))
            data_dir.write_secret(settings.DATA_DIR, "record_key", fresh)
            self.stdout.write("The new key is written; restart the site, and it signs.")
            return
        self.stdout.write("Set these where the other secrets are, for web and worker processes, and restart them:")
        self.stdout.write(f"RECORD_KEY={fresh}")
        self.stdout.write(f"RETIRED_RECORD_KEYS={','.join(listed)}")
