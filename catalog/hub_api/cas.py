"""The smallest Xet store that takes uploads (hub-api 17.5). Downloads need none: they are plain HTTP here."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any, BinaryIO, Final, cast

from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from catalog.actions.incoming import xet, xet_dedup
from catalog.actions.incoming.xet import ShardPlan
from catalog.actors import Actor
from catalog.errors import BadInput, CatalogError, NotFound, TooLarge
from catalog.hub_api import bodies
from catalog.hub_api.cas_access import WRITE, XetActor, sender
from catalog.hub_api.errors import answer_for
from catalog.hub_api.serving import DOWNLOAD_TYPE
from catalog.parsing.shard import MOST_SHARD_BYTES
from catalog.parsing.xorb import MOST_XORB_BYTES

PREFIXES: Final = ("default", "default-merkledb")
PROGRESS_SECONDS: Final = 2.0


def chunk(request: HttpRequest, actor: XetActor, prefix: str, chunk_hash: str) -> HttpResponse:
    """A shard of xorbs that this account sent before; whether somebody else did is nobody's business (ADR 0017)."""
    account = actor.user if actor.scope == WRITE else None
    known = xet_dedup.answer(account, chunk_hash) if account is not None else None
    if known is None:
        raise NotFound(_("the chunk is not known here"))
    response = HttpResponse(known, content_type=DOWNLOAD_TYPE)
    response["Cache-Control"] = "private, no-store"
    return response


def grant(request: HttpRequest, actor: XetActor, prefix: str, xorb_hash: str) -> HttpResponse:
    """404 makes the client send the xorb itself; 200 would make it believe that we have it."""
    raise NotFound(_("xorbs are sent directly here"))


def not_kept(request: HttpRequest, actor: Actor, **parts: str) -> HttpResponse:
    raise NotFound(_("this server does not offer that part of the Xet protocol"))


def xorb(request: HttpRequest, actor: XetActor, prefix: str, xorb_hash: str) -> JsonResponse:
    account, _repo = sender(actor)
    if prefix not in PREFIXES:
        raise BadInput(_("unknown prefix"))
    pieces = _bounded(request, MOST_XORB_BYTES)
    is_new = xet.receive_xorb(account=account, xorb_hash=xorb_hash, pieces=pieces)
    return JsonResponse({"was_inserted": is_new})


def shard(request: HttpRequest, actor: XetActor) -> JsonResponse:
    with _received(request) as source:
        return JsonResponse({"result": int(xet.materialise(_plan(source, actor)))})


def shard_with_progress(request: HttpRequest, actor: XetActor) -> StreamingHttpResponse:
    """As `shard`; meanwhile lines tell that we are alive, because a large file takes a while."""
    source = _received(request)
    try:
        plan = _plan(source, actor)
    except BaseException:
        source.close()
        raise
    return StreamingHttpResponse(_told(plan, source), content_type="application/x-ndjson")


def _received(request: HttpRequest) -> IO[bytes]:
    """The body in a nameless file; whoever takes it closes it."""
    file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115
    try:
        for piece in _bounded(request, MOST_SHARD_BYTES):
            file.write(piece)
    except BaseException:
        file.close()
        raise
    return file


def _plan(source: IO[bytes], actor: XetActor) -> ShardPlan:
    account, repo = sender(actor)
    return xet.read_plan(repo=repo, account=account, source=cast("BinaryIO", source))


def _told(plan: ShardPlan, source: IO[bytes]) -> Iterator[bytes]:
    total = len(plan.files)
    with source, ThreadPoolExecutor(max_workers=1, thread_name_prefix="shard") as pool:
        yield _line({"type": "validating", "verified": total, "total": total})
        work = pool.submit(_materialise, plan)
        while not _is_done(work):
            yield _line({"type": "committing", "stage": "uploading"})
    yield _line(_outcome(work))


def _materialise(plan: ShardPlan) -> bool:
    try:
        return xet.materialise(plan)
    finally:
        connections.close_all()  # this thread's own


def _is_done(work: Future[bool]) -> bool:
    try:
        work.exception(timeout=PROGRESS_SECONDS)
    except TimeoutError:
        return False
    return True


def _outcome(work: Future[bool]) -> dict[str, Any]:
    problem = work.exception()
    if problem is None:
        return {"type": "result", "result": int(work.result())}
    if isinstance(problem, CatalogError):
        retryable = answer_for(problem).status >= 500
        return {"type": "error", "message": problem.message, "retryable": retryable}
    raise problem


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _bounded(request: HttpRequest, most: int) -> Iterator[memoryview]:
    """Yields the body, each piece valid until the next."""
    announced = bodies.content_length(request)
    if announced is not None and announced > most:
        raise TooLarge(_("at most %(most)s bytes are accepted here") % {"most": most})
    size = 0
    for piece in bodies.views(request):
        size += len(piece)
        if size > most:
            raise TooLarge(_("at most %(most)s bytes are accepted here") % {"most": most})
        yield piece
