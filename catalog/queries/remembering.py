"""Costly answers that may be some seconds old, kept in the cache (decision 16).

A first-come lock makes one request compute while all others get the last known value, or none: a hundred
readers of a cold list must not ask the same five-second question a hundred times. Without a cache there is
no lock and no memory, so then nothing is computed at all: a page without counts beats a page that hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, cast

import redis
from django.core.cache import cache

LOCKED_SECONDS: Final = 30  # whoever computes longer has died, or soon has company
SHORTEST_FRESH_SECONDS: Final = 5
FRESH_PER_COST: Final = 100  # what took a second is good for a hundred

T = TypeVar("T")


@dataclass(frozen=True)
class Known(Generic[T]):
    """A value, or None when there is none now: `is_busy` says that another request is computing it."""

    value: T | None
    is_busy: bool = False


@dataclass(frozen=True)
class _Kept(Generic[T]):
    value: T
    fresh_until: float  # time.time()


def remembered(
    key: str, compute: Callable[[], T], *, fresh_seconds: int, kept_seconds: int, any_age: bool = False
) -> Known[T]:
    """Returns what is known under a key, computed here if nobody else does it already.

    Args:
        fresh_seconds: at most; cheap answers are renewed sooner.
        kept_seconds: how long an old value may stand in while a new one is made.
        any_age: take an old value rather than compute.
    """
    try:
        kept = cast("_Kept[T] | None", cache.get(key))
        if kept is not None and (any_age or kept.fresh_until > time.time()):
            return Known(kept.value)
        if not cache.add(f"{key}:lock", 1, LOCKED_SECONDS):
            return Known(kept.value if kept is not None else None, is_busy=True)
    except redis.RedisError:
        return Known(None)
    return Known(_computed(key, compute, fresh_seconds, kept_seconds))


def _computed(key: str, compute: Callable[[], T], fresh_seconds: int, kept_seconds: int) -> T:
    started = time.monotonic()
    try:
        value = compute()
        cost = time.monotonic() - started
        fresh = min(fresh_seconds, max(SHORTEST_FRESH_SECONDS, cost * FRESH_PER_COST))
        _quietly(lambda: cache.set(key, _Kept(value, time.time() + fresh), kept_seconds))
        return value
    finally:
        _quietly(lambda: cache.delete(f"{key}:lock"))


def _quietly(use_cache: Callable[[], object]) -> None:
    """A cache that goes away meanwhile costs the memory, not the answer."""
    try:
        use_cache()
    except redis.RedisError:
        return
