"""Builds a minimal root out of bind mounts inside fresh namespaces, drops all privileges and becomes the command.

Started by `unshare` as a plain script, before any package is importable: standard library only.
"""

# Paths are text for mount(2) here:
# ruff: noqa: PTH103, PTH112, PTH114, PTH115, PTH120, PTH123, PTH211, S108

import ctypes
import json
import os
import sys
from typing import Any

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = 1024, 2048, 4096, 16384, 1 << 18, 1 << 21
MNT_DETACH = 2
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG = 24, 38, 1
SIGKILL = 9
ROOT = "/tmp"  # covered by a private tmpfs at once

libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """mount(2). Raises OSError."""
    packed = [text.encode() if text is not None else None for text in (source, target, kind, options)]
    if libc.mount(packed[0], packed[1], packed[2], ctypes.c_ulong(flags), packed[3]) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {target}: {os.strerror(number)}")


def bind(path: str, source: str, *, read_only: bool) -> None:
    """Shows `path` at the same place of the new root; `source` is how it is reached from here."""
    target = ROOT + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        with open(target, "a"):
            pass
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        # Flags of the original are locked inside a user namespace and have to be repeated.
        mount(source, target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | locked_flags(target))


def locked_flags(path: str) -> int:
    found = os.statvfs(path).f_flag
    pairs = (
        (os.ST_NOSUID, MS_NOSUID),
        (os.ST_NODEV, MS_NODEV),
        (os.ST_NOEXEC, MS_NOEXEC),
        (os.ST_NOATIME, MS_NOATIME),
        (os.ST_NODIRATIME, MS_NODIRATIME),
        (os.ST_RELATIME, MS_RELATIME),
    )
    return sum(flag for own, flag in pairs if found & own)


def build_root(view: dict[str, Any], sources: dict[str, str]) -> None:
    """Mounts everything of the view below ROOT. What lies in ROOT itself is reached by descriptors opened before."""
    mount("tmpfs", ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    os.makedirs(ROOT + "/tmp")
    mount("tmpfs", ROOT + "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={view['scratch_bytes']}")
    for path in view["read_only"]:
        bind(path, sources.get(path, path), read_only=True)
    for path in view["masked"]:
        mount("tmpfs", ROOT + path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV)
    for path in view["writable"] + view["devices"]:
        bind(path, sources.get(path, path), read_only=False)
    os.makedirs(ROOT + "/proc")
    mount("proc", ROOT + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("tmpfs", ROOT, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def drop_privileges() -> None:
    libc.prctl(PR_SET_PDEATHSIG, SIGKILL)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")


def main() -> None:
    view = json.loads(sys.argv[1])
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    everything = view["read_only"] + view["writable"]
    opened = {path: os.open(path, os.O_PATH) for path in everything if path.startswith(ROOT + "/")}
    build_root(view, {path: f"/proc/self/fd/{descriptor}" for path, descriptor in opened.items()})
    for descriptor in opened.values():
        os.close(descriptor)
    os.chdir(ROOT)
    if libc.pivot_root(b".", b".") != 0 or libc.umount2(b".", MNT_DETACH) != 0:
        raise OSError(ctypes.get_errno(), "pivot_root")
    os.chdir("/tmp")  # the new one
    drop_privileges()
    os.execve(view["command"][0], view["command"], view["environment"])  # noqa: S606 (what this program is for)


if __name__ == "__main__":
    main()
