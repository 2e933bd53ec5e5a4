"""The account of the embedded servers: ours, or for root an unprivileged one (PostgreSQL refuses root)."""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from marketplace import data_dir as places
from marketplace.embedded.problems import CannotStart

# Existing accounts only; `nobody` comes last, since sandboxes like to run as that one.
CANDIDATES = ("marketplace", "postgres", "daemon", "nobody")


class PopenArguments(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]
    umask: int


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)


def popen_arguments(account: Account | None) -> PopenArguments:
    """For Popen: become that account, or stay who we are."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": [], "umask": 0o077}


def servers_account() -> Account | None:
    """None when we are not root: the servers then run as we do."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(found.pw_uid, found.pw_gid)
    raise CannotStart("PostgreSQL does not run as root, and no account of " + ", ".join(CANDIDATES) + " exists.")


def make_private_dir(path: Path, account: Account | None) -> None:
    """A folder for the servers' account alone; its parents are left as they are."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        account.own(path)
        path.parent.chmod(path.parent.stat().st_mode | 0o011)  # ours, too: the data directory or its stand-in


def make_socket_dir(data_dir: Path, account: Account | None) -> Path:
    """The folder of the sockets, made safely even where it is below /tmp."""
    path = places.socket_dir(data_dir)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid not in {os.geteuid(), account.uid if account else os.geteuid()}:
        raise CannotStart(f"{path} belongs to somebody else; remove it, or choose a shorter --data-dir.")
    make_private_dir(path, account)
    return path


def reachable_program(program: Path, *, root: Path, account: Account | None) -> Path:
    """`program` itself, or a copy the servers' account can reach (a clone below /root, say).

    Args:
        root: the folder that must come along, with everything the program needs.
    """
    if account is None or (places.reachable_by_others(program) and program.stat().st_mode & 0o005 == 0o005):
        return program
    copies = places.STAND_INS / "programs" / places.fingerprint(root)
    if not copies.exists():
        draft = copies.with_name(f"{copies.name}.{os.getpid()}")
        shutil.copytree(root, draft, symlinks=True)
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        draft.rename(copies)
    return copies / program.relative_to(root)
