"""Downloads through Xet, for files that huggingface_hub refuses to fetch by plain HTTP (decision 5).

The store keeps plain blobs; xorbs are made on the way out (`catalog.parsing.xorb_view`). A file's Xet name is its
sha256: clients only ever hand it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

from django.core import signing
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog import access, actors, links
from catalog.actors import Actor
from catalog.errors import BlobUnavailable, GatedRepo, NotAllowed, NotFound, RepoNotFound
from catalog.hub_api import wire, xet_ranges
from catalog.hub_api.cas_access import XetActor
from catalog.hub_api.serving import SIGNED_URL_SECONDS
from catalog.models import AccessToken, Blob, Commit, Repo, TreeEntry, User
from catalog.parsing.xorb import HEADER_BYTES, plain_header
from catalog.parsing.xorb_view import CHUNK_BYTES, STORED_CHUNK_BYTES, XORB_BYTES, ViewTerm, XorbView
from catalog.raw_headers import SAFE_HEADERS
from catalog.stores import blob_store

PIECE_CHUNKS: Final = 8  # sent at a time, 1 MiB
_SALT: Final = "hub-api.xet-xorb"


def xet_headers(request: HttpRequest, repo: Repo, commit: Commit, entry: TreeEntry) -> dict[str, str]:
    """What sends a client to Xet for this file; nothing where plain HTTP will do."""
    name = wire.xet_hash(entry)
    if name is None:
        return {}
    here = links.origin(request)
    routes = {
        "xet-auth": f"{here}/api/{repo.kind_and_name}/xet-read-token/{commit.oid}",
        "xet-reconstruction-info": f"{here}/v1/reconstructions/{name}",
    }
    return {"X-Xet-Hash": name, "Link": ", ".join(f'<{url}>; rel="{rel}"' for rel, url in routes.items())}


def reconstruction(request: HttpRequest, actor: XetActor, file_hash: str) -> HttpResponse:
    """Which chunks of which xorbs hold a range of a file, and where to fetch them."""
    return _reconstruction(request, actor, file_hash, "fetch_info", _fetched_in_v1)


def reconstruction_v2(request: HttpRequest, actor: XetActor, file_hash: str) -> HttpResponse:
    """The same in its newer shape."""
    return _reconstruction(request, actor, file_hash, "xorbs", _fetched_in_v2)


def xorb(request: HttpRequest, actor: Actor, token: str, index: str) -> HttpResponseBase:
    """Ranges of one xorb, by an address made for one reader; the right is looked up again."""
    repo, sha256 = _opened(token)
    view = XorbView(sha256, _size_of(repo, sha256))
    whole = view.xorb(int(index)) if index.isascii() and index.isdigit() and len(index) < 10 else None
    if whole is None:
        raise NotFound(_("there is no such xorb"))
    asked = request.headers.get("Range", "")
    response = xet_ranges.partial(asked, whole.stored_end, lambda start, end: _stored(view, whole, start, end))
    for name, value in {**SAFE_HEADERS, "Cache-Control": "private, no-store"}.items():
        response[name] = value
    return response


def _reconstruction(
    request: HttpRequest, actor: XetActor, file_hash: str, key: str, fetched: Callable[[str, ViewTerm], dict[str, Any]]
) -> HttpResponse:
    if actor.repo is None:
        raise NotFound(_("the file is not known here"))
    view = XorbView(file_hash, _size_of(actor.repo, file_hash))
    spans = xet_ranges.spans_of(request.headers.get("Range", ""), view.size)
    if not spans:
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{view.size}"
        return response
    span = (min(start for start, _end in spans), max(end for _start, end in spans))
    terms = list(view.terms(*span))
    address = f"{links.origin(request)}/-/xorbs/{_sealed(actor, actor.repo, file_hash)}"
    named = [(view.xorb_hash(term.index), term) for term in terms]
    return JsonResponse(
        {
            "offset_into_first_range": span[0] % CHUNK_BYTES,
            "terms": [
                {"hash": name, "unpacked_length": term.length, "range": {"start": term.start, "end": term.end}}
                for name, term in named
            ],
            key: {name: [fetched(f"{address}/{term.index}", term)] for name, term in named},
        }
    )


def _fetched_in_v1(url: str, term: ViewTerm) -> dict[str, Any]:
    return {
        "url": url,
        "url_range": {"start": term.stored_start, "end": term.stored_end - 1},
        "range": {"start": term.start, "end": term.end},
    }


def _fetched_in_v2(url: str, term: ViewTerm) -> dict[str, Any]:
    chunks = {"start": term.start, "end": term.end}
    return {
        "url": url,
        "ranges": [{"chunks": chunks, "bytes": {"start": term.stored_start, "end": term.stored_end - 1}}],
    }


def _size_of(repo: Repo, sha256: str) -> int:
    """Bytes of a large file that some commit of this repo holds. Raises `NotFound`, `BlobUnavailable`."""
    entry = TreeEntry.objects.filter(line__repo=repo, is_lfs=True, blob__sha256=sha256).select_related("blob").first()
    if entry is None or entry.blob is None:
        raise NotFound(_("the file is not known here"))
    if entry.blob.state == Blob.State.CORRUPT:
        raise BlobUnavailable
    return entry.blob.size


def _stored(view: XorbView, whole: ViewTerm, start: int, end: int) -> Iterator[bytes]:
    """Yields these bytes of a xorb: each chunk's header, then what the blob holds there."""
    first, last = start // STORED_CHUNK_BYTES, -(-end // STORED_CHUNK_BYTES)
    left = whole.length - first * CHUNK_BYTES
    buffer = memoryview(bytearray(PIECE_CHUNKS * STORED_CHUNK_BYTES))
    at = first * STORED_CHUNK_BYTES
    with blob_store().open(view.sha256) as source:
        source.seek(whole.index * XORB_BYTES + first * CHUNK_BYTES)
        for number in range(first, last, PIECE_CHUNKS):
            size = 0
            for _ in range(min(PIECE_CHUNKS, last - number)):
                length = min(CHUNK_BYTES, left)
                size += _fill(source, buffer[size:], length)
                left -= length
            yield bytes(buffer[max(start - at, 0) : min(end - at, size)])
            at += size


def _fill(source: BinaryIO, target: memoryview, length: int) -> int:
    """Put one chunk, header and content, into `target`; returns how many bytes that were."""
    target[:HEADER_BYTES] = plain_header(length)
    filled = 0
    while filled < length:
        size = source.readinto(target[HEADER_BYTES + filled : HEADER_BYTES + length])  # type: ignore[attr-defined]
        if not size:
            raise BlobUnavailable
        filled += size
    return HEADER_BYTES + length


def _sealed(actor: XetActor, repo: Repo, sha256: str) -> str:
    user_id, token_id = actor.user.pk if actor.user else 0, actor.token.pk if actor.token else 0
    return signing.dumps([repo.kind, repo.namespace.name, repo.name, sha256, user_id, token_id], salt=_SALT)


def _opened(token: str) -> tuple[Repo, str]:
    """Returns the repo and the file's sha256, if who got this address may still read them.

    Raises:
        NotAllowed: clients then ask for a new reconstruction, which says why.
    """
    try:
        kind, owner, name, sha256, user_id, token_id = signing.loads(token, salt=_SALT, max_age=SIGNED_URL_SECONDS)
        user = User.objects.get(pk=user_id, is_active=True) if user_id else None
        used = AccessToken.objects.usable().get(pk=token_id) if token_id else None
        return access.repo_to_download(actors.actor_with(user, used), kind, owner, name, follow=True), sha256
    except (signing.BadSignature, ValueError, TypeError, ObjectDoesNotExist, RepoNotFound, GatedRepo):
        raise NotAllowed(_("the address of this download is not valid any more")) from None
