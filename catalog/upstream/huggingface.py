"""Source "huggingface": any server that speaks the Hub's HTTP API, huggingface.co or one of ours.

Listing by the API, bytes by ranged GETs of `/resolve/`, never by Xet: an upstream must not choose
our targets. Wire names: hub-api 5, 7, 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urljoin

import httpx
from django.utils.translation import gettext as _

from catalog.errors import UpstreamRefused, UpstreamUnavailable
from catalog.types import UpstreamCommit
from catalog.upstream import git_objects_over_http
from catalog.upstream.base import Partial, Snapshot, UpstreamFile
from catalog.upstream.download import read_ranged
from catalog.upstream.http import UpstreamClient

MAX_FILES = 100_000


class HuggingFaceSource:
    """One repo of one Hub endpoint at one revision."""

    def __init__(self, *, client: UpstreamClient, endpoint: str, kind: str, name: str, revision: str) -> None:
        self._client = client
        self._endpoint = endpoint.rstrip("/")
        self._name = quote(name)
        self._api = f"{self._endpoint}/api/{kind}s/{self._name}"
        prefix = "" if kind == "model" else f"{kind}s/"
        self._web = f"{self._endpoint}/{prefix}{self._name}"
        self._revision = revision

    def head(self) -> str:
        return str(self._info(self._revision)["sha"])

    def snapshot(self, oid: str) -> Snapshot:
        info = self._info(oid)
        objects = git_objects_over_http.commit_and_trees(self._client, self._web, oid)
        files = tuple(self._files(oid, modes=objects.modes if objects else {}))
        return Snapshot(
            commit=self._commit(oid, raw=objects.commit if objects else None),
            files=files,
            is_private=bool(info.get("private")),
            is_gated=bool(info.get("gated")),
            licence_evidence=tuple(_licence_evidence(info, files)),
        )

    def read(self, file: UpstreamFile, *, partial: Partial) -> Iterator[int]:
        return read_ranged(self._client, file.url, size=file.size, partial=partial)

    def _info(self, revision: str) -> dict[str, Any]:
        info = self._json(f"{self._api}/revision/{quote(revision, safe='')}")[0]
        oid = info.get("sha") if isinstance(info, dict) else None
        if not isinstance(oid, str) or not _is_oid(oid):
            raise UpstreamRefused(_("the address does not answer like a Hub: no commit id"))
        return dict(info)

    def _files(self, oid: str, *, modes: dict[str, int]) -> Iterator[UpstreamFile]:
        count = 0
        for entry in self._pages(f"{self._api}/tree/{oid}?recursive=true&expand=false"):
            if entry.get("type") != "file":
                continue
            count += 1
            if count > MAX_FILES:
                raise UpstreamRefused(_("the repo has more than %(max_files)s files") % {"max_files": MAX_FILES})
            yield self._file(oid, entry, modes=modes)

    def _file(self, oid: str, entry: dict[str, Any], *, modes: dict[str, int]) -> UpstreamFile:
        lfs = entry.get("lfs")
        path, size = entry.get("path"), entry.get("size")
        if not isinstance(path, str) or not isinstance(size, int) or size < 0:
            raise UpstreamRefused(_("the other hub's file list is malformed"))
        return UpstreamFile(
            path=path,
            size=size,
            url=f"{self._web}/resolve/{oid}/{quote(path)}",
            sha256=str(lfs["oid"]) if isinstance(lfs, dict) and "oid" in lfs else None,
            git_sha1=str(entry.get("oid") or "") or None,
            is_lfs=isinstance(lfs, dict),
            mode=modes.get(path),
        )

    def _commit(self, oid: str, *, raw: bytes | None) -> UpstreamCommit:
        found = self._json(f"{self._api}/commits/{oid}?limit=1")[0]
        first = found[0] if isinstance(found, list) and found else {}
        authors = first.get("authors") or [{}]
        return UpstreamCommit(
            oid=oid,
            raw=raw,
            title=str(first.get("title") or ""),
            message=str(first.get("message") or ""),
            author_name=str(authors[0].get("user") or ""),
            author_email="",
            committed_at=_moment(first.get("date")),
        )

    def _pages(self, url: str) -> Iterator[dict[str, Any]]:
        for _index in range(MAX_FILES):
            page, following = self._json(url)
            if not isinstance(page, list):
                raise UpstreamRefused(_("the other hub's file list is malformed"))
            yield from page
            if following is None:
                return
            url = urljoin(url, following)

    def _json(self, url: str) -> tuple[Any, str | None]:
        """Returns the parsed body and the address of the next page, if any."""
        answer: httpx.Response = self._client.get(url, headers={"accept": "application/json"})
        try:
            body = answer.json()
        except ValueError:
            raise UpstreamUnavailable(
                _("%(host)s did not answer in JSON") % {"host": answer.request.url.host}
            ) from None
        following = answer.links.get("next", {}).get("url")
        return body, following


def _licence_evidence(info: dict[str, Any], files: tuple[UpstreamFile, ...]) -> Iterator[dict[str, str]]:
    """Yields what speaks for a licence, never a conclusion (mirror-sources, licence capture)."""
    card = info.get("cardData")
    if isinstance(card, dict) and card.get("license"):
        yield {"kind": "card field", "value": str(card["license"])}
    for file in files:
        stem = file.path.rpartition("/")[2].partition(".")[0].upper()
        if stem in ("LICENSE", "LICENCE", "COPYING", "NOTICE"):
            yield {"kind": "file", "value": file.path}


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_oid(text: str) -> bool:
    return len(text) == 40 and all(digit in "0123456789abcdef" for digit in text)
