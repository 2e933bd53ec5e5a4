"""Sources of mirrors: one adapter per kind of hub. The only code that fetches remote bytes."""

from __future__ import annotations

from django.utils.translation import gettext as _

from catalog.errors import BadInput
from catalog.upstream.addresses import AllowList
from catalog.upstream.base import Snapshot, Source, UpstreamFile
from catalog.upstream.http import UpstreamClient
from catalog.upstream.huggingface import HuggingFaceSource

SOURCES = {"huggingface": HuggingFaceSource}


def open_source(*, source: str, client: UpstreamClient, endpoint: str, kind: str, name: str, revision: str) -> Source:
    """Returns the adapter for one upstream repo. Raises `BadInput` for an unknown source."""
    adapter = SOURCES.get(source)
    if adapter is None:
        raise BadInput(
            _("unknown source %(source)r; known: %(names)s") % {"source": source, "names": ", ".join(sorted(SOURCES))}
        )
    return adapter(client=client, endpoint=endpoint, kind=kind, name=name, revision=revision)


__all__ = [
    "SOURCES",
    "AllowList",
    "Snapshot",
    "Source",
    "UpstreamClient",
    "UpstreamFile",
    "open_source",
]
