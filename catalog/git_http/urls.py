"""Routes of this face: beside the address of a repo, with `.git` or without."""

from __future__ import annotations

from django.urls import URLPattern, path

from catalog.git_http.advertising import info_refs
from catalog.git_http.endpoint import endpoint
from catalog.git_http.receive_pack import receive_pack
from catalog.git_http.upload_pack import upload_pack
from catalog.models import Repo

_FOLDERS = {Repo.Kind.MODEL: "", Repo.Kind.DATASET: "datasets/", Repo.Kind.SPACE: "spaces/"}


def _routes(kind: Repo.Kind, folder: str) -> list[URLPattern]:
    repo, of_kind = f"{folder}<owner:owner>/<segment:name>", {"kind": kind.value}
    return [
        path(f"{repo}/info/refs", endpoint("GET", info_refs), of_kind),
        path(f"{repo}/git-upload-pack", endpoint("POST", upload_pack), of_kind),
        path(f"{repo}/git-receive-pack", endpoint("POST", receive_pack), of_kind),
    ]


urlpatterns = [route for kind, folder in _FOLDERS.items() for route in _routes(kind, folder)]
