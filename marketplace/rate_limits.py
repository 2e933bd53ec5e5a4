"""How many requests one person, or one network of strangers, may send: fixed windows counted in Redis.

While Redis is away each process counts for itself, so the limits are wider then, never gone. The headers
are the Hub's (RateLimit, RateLimit-Policy), which its clients read to wait exactly as long as they must.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import redis
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog import access, errors
from catalog.access import ANONYMOUS, Actor
from catalog.hub_api.bodies import drain
from catalog.pages import errors as pages
from marketplace.networks import network_of

UNCOUNTED = ("/health/", "/static/", "/node_api/")  # probes, files of the pages, nodes (leases bound them)
PROGRAMS = ("/api/", "/-/", "/v1/", "/v2/")
RESOLVERS = re.compile(r"/resolve/|/raw/|\.git/")
AVOIDED_SECONDS: Final = 5.0  # a Redis that did not answer is left alone for so long
WARNED_SHARE: Final = 10  # a client hears that it nears its limit when less than 1/10 is left


@dataclass(frozen=True)
class Used:
    """What one request found: how many there were in this window, of how many, and when the next begins."""

    bucket: str
    number: int
    quota: int
    seconds_left: int

    @property
    def is_over(self) -> bool:
        return self.number > self.quota

    @property
    def left(self) -> int:
        return max(0, self.quota - self.number)

    def put_on(self, response: HttpResponseBase) -> None:
        response["RateLimit"] = f'"{self.bucket}";r={self.left};t={self.seconds_left}'
        response["RateLimit-Policy"] = (
            f'"fixed window";"{self.bucket}";q={self.quota};w={settings.RATE_LIMIT_WINDOW_SECONDS}'
        )
        if self.left < self.quota // WARNED_SHARE and not self.is_over:
            response["X-HF-Warning"] = f"rate-limit;{self.left} of {self.quota} requests are left in this window."


class RateLimits:
    """Refuses with 429 what exceeds the quota; every other answer says how much is left."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._counts = Counts()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(UNCOUNTED):
            return self.get_response(request)
        bucket, actor = bucket_of(request.path), _actor(request)
        used = self._counts.add_one(bucket, _who(request, actor))
        response = _refusal(request, actor, used) if used.is_over else self.get_response(request)
        used.put_on(response)
        return response


class Counts:
    """Numbers of requests by bucket and sender in the window that runs now."""

    def __init__(self) -> None:
        self._redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25)
        self._avoided_until = 0.0
        self._lock = threading.Lock()
        self._own: dict[str, int] = {}
        self._own_window = 0

    def add_one(self, bucket: str, who: str) -> Used:
        seconds = settings.RATE_LIMIT_WINDOW_SECONDS
        window, passed = divmod(int(time.time()), seconds)
        key = f"rate:{bucket}:{who}:{window}"
        number = self._by_redis(key, seconds) or self._by_process(key, window)
        return Used(bucket, number, settings.RATE_LIMITS[bucket], seconds - passed)

    def _by_redis(self, key: str, seconds: int) -> int | None:
        if time.monotonic() < self._avoided_until:
            return None
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, seconds + 1)
                return int(pipeline.execute()[0])
        except redis.RedisError:
            self._avoided_until = time.monotonic() + AVOIDED_SECONDS
            return None

    def _by_process(self, key: str, window: int) -> int:
        with self._lock:
            if window != self._own_window:
                self._own_window, self._own = window, {}
            self._own[key] = self._own.get(key, 0) + 1
            return self._own[key]


def bucket_of(path: str) -> str:
    """The Hub's names: what programs ask, files, and what people look at."""
    if RESOLVERS.search(path):
        return "resolvers"
    return "api" if path.startswith(PROGRAMS) else "pages"


def _actor(request: HttpRequest) -> Actor:
    try:
        return access.actor_of(request)
    except (errors.BadCredentials, DatabaseError):  # the view says so; here such a request counts for its network
        return ANONYMOUS


def _who(request: HttpRequest, actor: Actor) -> str:
    return f"u{actor.user.pk}" if actor.user else network_of(request.META.get("REMOTE_ADDR", ""))


def _refusal(request: HttpRequest, actor: Actor, used: Used) -> HttpResponse:
    words = _("Too many requests: %(quota)s in %(seconds)s s are the limit. Try again in %(wait)s s.") % {
        "quota": used.quota, "seconds": settings.RATE_LIMIT_WINDOW_SECONDS, "wait": used.seconds_left,
    }  # fmt: skip
    if used.bucket == "pages":
        return pages.answer(request, errors.TooManyRequests(words, retry_after_seconds=used.seconds_left))
    drain(request, trusted=not actor.is_anonymous)  # a client still sending would see a broken connection instead
    return JsonResponse(
        {
            "error": words,
            "error_code": "TooManyRequests",
            "request_id": request.META.get("REQUEST_ID", ""),
            "details": {"retry_after_seconds": used.seconds_left},
        },
        status=429,
        headers={
            "Retry-After": str(used.seconds_left),
            "X-Error-Code": "TooManyRequests",
            "X-Error-Message": words.encode("ascii", "backslashreplace").decode(),
        },
    )
