"""The rest of a refused body: a client that is still sending would see a broken connection instead of our answer."""

from __future__ import annotations

from collections.abc import Callable

PIECE_BYTES = 1024 * 1024


def drain(read: Callable[[int], bytes], most_bytes: int) -> None:
    """Read until the end, within reason."""
    left = most_bytes
    try:
        while left > 0 and (piece := read(PIECE_BYTES)):
            left -= len(piece)
    except Exception:  # noqa: BLE001, S110  the connection is gone or the body was read elsewhere: nothing to answer
        pass
