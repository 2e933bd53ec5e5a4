"""Routes of this face. Everything under `/api` that is not listed answers 501 with a JSON error."""

from django.urls import URLPattern, URLResolver, path, re_path

from catalog.hub_api import (
    accounts,
    attachments,
    cas,
    commit,
    community_urls,
    discussions,
    info,
    lfs,
    lfs_files,
    lfs_uploads,
    listing,
    preupload,
    refs,
    repos,
    resolve,
    small,
    tree,
    xet,
    xet_reading,
)
from catalog.hub_api.cas_access import bearer
from catalog.hub_api.endpoint import anyone, endpoint, on_any_method
from catalog.models import Repo

REPO = "api/<kinds:kind>/<segment:owner>/<segment:name>"
MODEL = {"kind": Repo.Kind.MODEL.value}
DATASET = {"kind": Repo.Kind.DATASET.value}
SPACE = {"kind": Repo.Kind.SPACE.value}
_not_served = on_any_method(small.not_served)
_no_such_repo = on_any_method(small.no_such_repo)
_bare_id = small.no_such_repo

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/whoami-v2", endpoint(GET=accounts.whoami)),
    path("api/repos/create", endpoint(POST=repos.create)),
    path("api/repos/delete", endpoint(DELETE=repos.delete)),
    path("api/validate-yaml", endpoint(POST=small.validate_yaml, authenticate=anyone)),
    path("api/agent-harnesses", endpoint(GET=small.agent_harnesses, authenticate=anyone)),
    path("api/telemetry/<filepath:topic>", endpoint(GET=small.telemetry, POST=small.telemetry, authenticate=anyone)),
    path("api/<kinds:kind>", endpoint(GET=listing.repos)),
    # Nothing changes at this address; who tries means a bare id: `DELETE /api/models/gpt2/like`
    path(REPO, endpoint(GET=info.info, POST=_bare_id, PUT=_bare_id, PATCH=_bare_id, DELETE=_bare_id)),
    path(f"{REPO}/revision/<revision:revision>", endpoint(GET=info.info)),
    path(f"{REPO}/auth-check", endpoint(GET=repos.may_read)),
    path(f"{REPO}/auth-check/write", endpoint(GET=repos.may_write)),
    path(f"{REPO}/settings", endpoint(PUT=repos.settings)),
    path(f"{REPO}/tree/<revision:revision>", endpoint(GET=tree.tree)),
    path(f"{REPO}/tree/<revision:revision>/", endpoint(GET=tree.tree)),
    path(f"{REPO}/tree/<revision:revision>/<filepath:path>", endpoint(GET=tree.tree)),
    path(f"{REPO}/paths-info/<revision:revision>", endpoint(POST=tree.paths_info)),
    path(f"{REPO}/commits/<revision:revision>", endpoint(GET=tree.commits)),
    path(f"{REPO}/refs", endpoint(GET=tree.refs)),
    path(f"{REPO}/branch/<filepath:branch>", endpoint(POST=refs.create_branch, DELETE=refs.delete_branch)),
    path(f"{REPO}/tag/<filepath:revision>", endpoint(POST=refs.create_tag, DELETE=refs.delete_tag)),
    path(f"{REPO}/super-squash/<filepath:branch>", endpoint(POST=refs.super_squash)),
    path(f"{REPO}/lfs-files", endpoint(GET=lfs_files.listed)),
    path(f"{REPO}/lfs-files/batch", endpoint(POST=lfs_files.delete)),
    path(f"{REPO}/discussions", endpoint(GET=discussions.listed, POST=discussions.create)),
    path(f"{REPO}/discussions/<int:num>", endpoint(GET=discussions.details)),
    path(f"{REPO}/discussions/<int:num>/comment", endpoint(POST=discussions.comment)),
    path(f"{REPO}/discussions/<int:num>/comment/<segment:comment_id>/edit", endpoint(POST=discussions.edit_comment)),
    path(f"{REPO}/discussions/<int:num>/comment/<segment:comment_id>/hide", endpoint(POST=discussions.hide_comment)),
    path(f"{REPO}/discussions/<int:num>/title", endpoint(POST=discussions.rename)),
    path(f"{REPO}/discussions/<int:num>/status", endpoint(POST=discussions.change_status)),
    path(f"{REPO}/discussions/<int:num>/merge", endpoint(POST=discussions.merge)),
    path(f"{REPO}/preupload/<revision:revision>", endpoint(POST=preupload.preupload)),
    path(f"{REPO}/commit/<revision:revision>", endpoint(POST=commit.commit)),
    path(f"{REPO}/xet-read-token/<revision:revision>", endpoint(GET=xet.read_token)),
    path(f"{REPO}/xet-write-token/<revision:revision>", endpoint(GET=xet.write_token)),
    # Xet's store; clients know its address from the token routes alone
    path("v1/chunks/<segment:prefix>/<segment:chunk_hash>", endpoint(GET=cas.chunk, authenticate=bearer)),
    path("v1/xorb-grants/<segment:prefix>/<segment:xorb_hash>", endpoint(POST=cas.grant, authenticate=bearer)),
    path("v1/xorbs/<segment:prefix>/<segment:xorb_hash>", endpoint(POST=cas.xorb, authenticate=bearer)),
    path("v1/shards", endpoint(POST=cas.shard, authenticate=bearer)),
    path("v2/shards", endpoint(POST=cas.shard_with_progress, authenticate=bearer)),
    path("v1/reconstructions/<segment:file_hash>", endpoint(GET=xet_reading.reconstruction, authenticate=bearer)),
    path("v2/reconstructions/<segment:file_hash>", endpoint(GET=xet_reading.reconstruction_v2, authenticate=bearer)),
    path("v1/telemetry", endpoint(POST=small.telemetry, authenticate=anyone)),
    re_path("^v[12]/", on_any_method(cas.not_kept, anyone)),
    # Bytes, by addresses that are their own credential
    path(
        "-/uploads/<segment:upload_id>",
        endpoint(PUT=lfs_uploads.receive, POST=lfs_uploads.complete, DELETE=lfs_uploads.abort, authenticate=anyone),
    ),
    path(
        "-/uploads/<segment:upload_id>/parts/<segment:number>",
        endpoint(PUT=lfs_uploads.receive_part, authenticate=anyone),
    ),
    path("-/xorbs/<segment:token>/<segment:index>", endpoint(GET=xet_reading.xorb, authenticate=anyone)),
    path("-/attachments/<segment:attachment_id>", endpoint(GET=attachments.send)),
    path("uploads", endpoint(POST=attachments.upload)),
    path("-/lfs/<segment:token>", endpoint(GET=lfs.send, authenticate=anyone)),
    *community_urls.urlpatterns,
    # What is not here
    re_path("^api/(?:kernels|buckets)/", _no_such_repo),
    re_path(
        "^api/(?:models|datasets|spaces)/[^/]+(?:/(?:revision|tree|paths-info|commits|preupload|commit)/.*)?$",
        _no_such_repo,
    ),
    re_path("^api/(?!v1(?:/|$)|docs(?:/|$))", _not_served),
]


def _files(prefix: str, kind: dict[str, str]) -> list[URLPattern]:
    """Routes outside `/api`, besides `file_urls`: files as git has them, and LFS beside the clone address."""
    repo = f"{prefix}<segment:owner>/<segment:name>"
    return [
        *community_urls.beside(repo, kind),
        path(f"{repo}/raw/<revision:revision>/<filepath:path>", endpoint(GET=resolve.raw), kind),
        path(f"{repo}.git/info/lfs/objects/batch", endpoint(POST=lfs.batch), kind),
        path(f"{repo}.git/info/lfs/objects/verify", endpoint(POST=lfs.verify), kind),
        path(f"{repo}.git/info/lfs/<filepath:rest>", on_any_method(small.not_served), kind),  # locks
    ]


urlpatterns += [
    *_files("datasets/", DATASET),
    *_files("spaces/", SPACE),
    *_files("", MODEL),
    path("<segment:name>/resolve/<revision:revision>/<filepath:path>", _no_such_repo),
    re_path("^(?:kernels|buckets)/.+/resolve/", _no_such_repo),
    re_path("^[^/]+/[^/]+/resolve/[^/]+/", _no_such_repo),  # in a namespace that nobody can have
]
