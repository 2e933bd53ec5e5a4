"""The address of a file: asked for hundreds of times where all else is asked once, so it comes before all else.

Namespaces are no reserved words, so nothing that begins with one is taken away from the routes behind.
"""

from __future__ import annotations

from django.urls import path

import catalog.converters  # noqa: F401  # registers the path converters
from catalog.hub_api import resolve
from catalog.hub_api.endpoint import endpoint
from catalog.models import Repo

_FILE = "<owner:owner>/<segment:name>/resolve/<revision:revision>/<filepath:path>"
_view = endpoint(GET=resolve.resolve)

urlpatterns = [
    path(_FILE, _view, {"kind": Repo.Kind.MODEL.value}),
    path(f"datasets/{_FILE}", _view, {"kind": Repo.Kind.DATASET.value}),
    path(f"spaces/{_FILE}", _view, {"kind": Repo.Kind.SPACE.value}),
]
