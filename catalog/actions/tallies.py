"""Counting what must not happen too often: in Redis, and in the database while Redis is away (security 11)."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

from catalog.models import Tally

T = TypeVar("T")
AVOIDED_SECONDS: Final = 5.0  # a Redis that did not answer is left alone: each try may take its whole timeout
_avoided_until = 0.0

logger = logging.getLogger(__name__)


def add_one(key: str, *, window_seconds: int) -> int:
    """Count one more under `key`; returns how many there are by now in the window its first one began."""
    return _either(
        lambda: _add_to_cache(key, window_seconds), lambda: Tally.objects.add_one(key, window_seconds=window_seconds)
    )


def take_one_back(key: str) -> None:
    """Count one less under `key`: what was counted beforehand turned out harmless."""
    _either(lambda: _take_from_cache(key), lambda: Tally.objects.take_one_back(key))


def numbers(keys: Iterable[str]) -> dict[str, int]:
    """How many there are under each key; a key without any is left out."""
    asked = list(keys)
    return _either(lambda: cache.get_many(asked), lambda: Tally.objects.numbers(asked))


def clear() -> int:
    """Remove counts whose window has passed; returns how many."""
    return Tally.objects.over().delete()[0]


def _either(by_redis: Callable[[], T], by_database: Callable[[], T]) -> T:
    global _avoided_until  # noqa: PLW0603  one memory for each process
    if time.monotonic() >= _avoided_until:
        try:
            return by_redis()
        except RedisError as problem:
            _avoided_until = time.monotonic() + AVOIDED_SECONDS
            logger.warning("Redis does not answer (%s): the database counts", type(problem).__name__)
    return by_database()


def _add_to_cache(key: str, window_seconds: int) -> int:
    cache.add(key, 0, window_seconds)
    try:
        return int(cache.incr(key))
    except ValueError:  # it ended in this moment
        return 1


def _take_from_cache(key: str) -> None:
    with contextlib.suppress(ValueError):  # it ended in this moment
        cache.decr(key)
