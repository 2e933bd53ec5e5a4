"""How many requests one person, or one network of strangers, may send: fixed windows counted in Redis.

While Redis is away each process counts for itself, so the limits are wider then, never gone. The headers
are the Hub's (RateLimit, RateLimit-Policy), which its clients read to wait exactly as long as they must.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import redis
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog import actors, errors
from catalog.hub_api import cas_access, lfs_uploads
from marketplace import draining, refusals
from marketplace.networks import network_of
from marketplace.shedding import SENDER

UNCOUNTED = ("/health/", "/static/", "/node_api/")  # probes, files of the pages, nodes (leases bound them)
XET_STORE = ("/v1/", "/v2/")
AVOIDED_SECONDS: Final = 5.0  # a Redis that did not answer is left alone for so long
BLOCKS_PER_QUOTA: Final = 1_000
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
        who = request.META[SENDER] = _who(request)
        used = self._counts.add_one(refusals.bucket_of(request.path), who)
        response = _refusal(request, used) if used.is_over else self.get_response(request)
        used.put_on(response)
        return response


class Counts:
    """Numbers of requests by bucket and sender in the window that runs now.

    A process takes numbers from Redis by the block, a thousandth of the quota at once: one round trip for many
    requests. Every number is given out once, so the limit is never passed; what other processes hold and have not
    given out yet counts as used, so it may be felt some thousandths early.
    """

    def __init__(self) -> None:
        self._redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25)
        self._avoided_until = 0.0
        self._lock = threading.Lock()
        self._own: dict[str, int] = {}
        self._taken: dict[str, list[int]] = {}  # numbers of blocks, the next one last
        self._window = 0

    def add_one(self, bucket: str, who: str) -> Used:
        seconds, quota = settings.RATE_LIMIT_WINDOW_SECONDS, settings.RATE_LIMITS[bucket]
        window, passed = divmod(int(time.time()), seconds)
        key = f"rate:{bucket}:{who}:{window}"
        number = self._held(key, window) or self._by_redis(key, seconds, quota) or self._by_process(key)
        return Used(bucket, number, quota, seconds - passed)

    def _held(self, key: str, window: int) -> int | None:
        """The next number of a block this process has taken."""
        with self._lock:
            if window != self._window:
                self._window, self._own, self._taken = window, {}, {}
            numbers = self._taken.get(key)
            return numbers.pop() if numbers else None

    def _by_redis(self, key: str, seconds: int, quota: int) -> int | None:
        if time.monotonic() < self._avoided_until:
            return None
        size = max(1, quota // BLOCKS_PER_QUOTA)
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.incrby(key, size)
                pipeline.expire(key, seconds + 1)
                last = int(pipeline.execute()[0])
        except redis.RedisError:
            self._avoided_until = time.monotonic() + AVOIDED_SECONDS
            return None
        if size > 1:
            with self._lock:  # another thread may have taken a block at the same time
                self._taken.setdefault(key, []).extend(range(last, last - size + 1, -1))
        return last - size + 1

    def _by_process(self, key: str) -> int:
        with self._lock:
            self._own[key] = self._own.get(key, 0) + 1
            return self._own[key]


def _who(request: HttpRequest) -> str:
    """The account, which tokens of the Xet store and addresses of uploads name, too; else the client's network."""
    try:
        user = actors.actor_of(request).user
    except (errors.BadCredentials, DatabaseError):  # the view says so; here such a request counts for its network
        user_id = cas_access.holder(request) if request.path.startswith(XET_STORE) else None
    else:
        is_upload = user is None and request.path.startswith(lfs_uploads.UPLOADS)
        user_id = lfs_uploads.holder(request) if is_upload else user.pk if user else None
    return f"u{user_id}" if user_id else network_of(request.META.get("REMOTE_ADDR", ""))


def _refusal(request: HttpRequest, used: Used) -> HttpResponse:
    words = _("Too many requests: %(quota)s in %(seconds)s s are the limit. Try again in %(wait)s s.") % {
        "quota": used.quota, "seconds": settings.RATE_LIMIT_WINDOW_SECONDS, "wait": used.seconds_left,
    }  # fmt: skip
    draining.dismiss(request)
    return refusals.later(request, errors.TooManyRequests(words), used.seconds_left)
