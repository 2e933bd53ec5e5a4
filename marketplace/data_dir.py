"""What lies where in a data directory: `MARKETPLACE_DATA_DIR`, or `--data-dir` of `up`.

secrets/    generated once, readable by the owner alone
postgres/   the embedded database          redis/   the embedded broker
run/        sockets, pid files, Beat's schedule
logs/       one file per process           blobs/   file contents by sha256
node/       token and cache of the embedded evaluation node
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A unix socket's whole path may have 107 bytes; PostgreSQL's file is the longest name we put there.
LONGEST_SOCKET_PATH = 107
URL_FILE = "url"  # in run/ while `up` answers there
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"
STAND_INS = Path("/var/lib/model-marketplace")  # of data directories that the servers' account cannot reach


def run_dir(data_dir: Path) -> Path:
    return data_dir / "run"


def socket_dir(data_dir: Path) -> Path:
    """The folder of the sockets: `run/sock/` or, where that path is too long or out of reach, a short one.

    Every command computes the same answer from the data directory alone.
    """
    if os.geteuid() == 0 and not reachable_by_others(data_dir):
        return reachable_dir(data_dir) / "run" / "sock"
    usual = run_dir(data_dir) / "sock"
    if len(os.fsencode(usual / LONGEST_SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return usual
    return Path("/tmp") / f"marketplace-{os.geteuid()}-{fingerprint(data_dir)}"  # noqa: S108  checked when it is made


def server_dir(data_dir: Path, name: str) -> Path:
    """Where the embedded server `name` keeps its files."""
    if os.geteuid() == 0 and not reachable_by_others(data_dir):
        return reachable_dir(data_dir) / name
    return data_dir / name


def reachable_dir(data_dir: Path) -> Path:
    """For root with a data directory below a private folder such as /root.

    The servers run under another account, which cannot pass through that folder, and opening it up
    is not ours to do. The name holds a word kept in the data directory itself: a new one at the same path
    must not get the database of one that was removed, whose passwords nobody knows any more.
    """
    plain = STAND_INS / fingerprint(data_dir)
    # A directory that made its database before there were words goes on with it, under the name without one.
    has_one = plain.exists() and (data_dir / "secrets" / "postgres_superuser").exists()
    word = kept_secret(data_dir, "stand_in", lambda: "" if has_one else secrets.token_hex(6))
    return plain.with_name(f"{plain.name}-{word}") if word else plain


def reachable_by_others(path: Path) -> bool:
    """Whether every folder *above* `path` lets any account pass through."""
    return all(folder.stat().st_mode & 0o001 for folder in path.parents if folder.exists())


def fingerprint(data_dir: Path) -> str:
    return hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]


def kept_secret(data_dir: Path, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)) -> str:
    """The secret in `secrets/NAME`, generated at the first call; two processes at once agree on one."""
    path = data_dir / "secrets" / name
    if not path.exists():
        draft = _draft_of(path, make())
        try:
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    return path.read_text().strip()


def known_secret(data_dir: Path, name: str) -> str:
    """What stands in `secrets/NAME`; "" where there is no such file, and none is made."""
    path = data_dir / "secrets" / name
    return path.read_text().strip() if path.exists() else ""


def write_secret(data_dir: Path, name: str, text: str) -> Path:
    """Replace `secrets/NAME` in one step; readable by the owner alone."""
    path = data_dir / "secrets" / name
    return _draft_of(path, text).replace(path)


def _draft_of(path: Path, text: str) -> Path:
    """The text in a file beside `path`, readable by the owner alone, ready to get that name in one step."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)  # mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return Path(draft)


def new_signing_key() -> str:
    """32 random bytes, base64: an Ed25519 private key."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def embedded_database(data_dir: Path) -> dict[str, Any]:
    """Django's entry for the PostgreSQL that `up` runs in this directory."""
    return {
        "ENGINE": "marketplace.database",
        "NAME": "marketplace",
        "USER": "marketplace",
        "PASSWORD": kept_secret(data_dir, "postgres"),
        "HOST": str(socket_dir(data_dir)),
        "PORT": "5432",
    }


def embedded_redis_url(data_dir: Path) -> str:
    return f"unix://:{kept_secret(data_dir, 'redis')}@{socket_dir(data_dir)}/redis.sock?db=0"
