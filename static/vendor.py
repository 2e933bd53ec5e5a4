"""Copies what pages load from node_modules (`npm ci`) to static/vendor, and checks that the copy is true.

    npm ci --ignore-scripts && python static/vendor.py          copy
    npm ci --ignore-scripts && python static/vendor.py --check  compare only; exit 1 when something differs

Each copied file stands in static/vendor/SHA256SUMS. Nothing of Node runs in production.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "htmx.org/LICENSE": "htmx/LICENSE",
}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy() -> None:
    for source, target in FILES.items():
        (VENDOR / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "node_modules" / source, VENDOR / target)
    sums = [f"{sha256(VENDOR / target)}  {target}" for target in sorted(FILES.values())]
    (VENDOR / "SHA256SUMS").write_text("\n".join(sums) + "\n")


def differences() -> list[str]:
    return [
        target
        for source, target in FILES.items()
        if not (VENDOR / target).exists() or sha256(VENDOR / target) != sha256(ROOT / "node_modules" / source)
    ]


def main() -> int:
    if "--check" not in sys.argv[1:]:
        copy()
        return 0
    different = differences()
    for target in different:
        sys.stderr.write(f"static/vendor/{target} is not what npm ci installed\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
