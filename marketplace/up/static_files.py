"""Whether what the pages load was collected since it last changed; `make install` does so, a working copy may not."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

MANIFEST = "staticfiles.json"


def are_stale() -> bool:
    if settings.IS_STATIC_PLAIN:
        return False
    manifest = Path(settings.STATIC_ROOT) / MANIFEST
    return not manifest.exists() or newest_change(settings.BASE_DIR / "static") > manifest.stat().st_mtime


def newest_change(folder: Path) -> float:
    """The time of the newest file, in seconds since the epoch; 0 without one."""
    return max((file.stat().st_mtime for file in folder.rglob("*") if file.is_file()), default=0.0)
