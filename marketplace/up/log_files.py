"""Log files that stay small: past a limit the text moves to NAME.log.1, and the file goes on empty."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LONGEST_BYTES = 20 * 1024 * 1024


def limit(folder: Path, longest_bytes: int = LONGEST_BYTES) -> None:
    for file in folder.glob("*.log"):
        if file.stat().st_size > longest_bytes:
            # The writers keep the file open for appending, so it is emptied, not replaced.
            shutil.copyfile(file, file.with_suffix(".log.1"))
            os.truncate(file, 0)
