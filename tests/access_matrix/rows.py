"""The access matrix: for every route of the site, what it needs.

A route that is about one repo (a run, a mirror, a collection of the team) has a line `METHOD need route`. The needs:

    read      whoever sees the repo
    files     … and has passed its gate
    discuss   whoever sees it and may write somewhere: likes, ratings, discussions, requests for access
    propose   … and has passed its gate
    copy      … wherever their token writes: what they copy to is asked for besides
    author    … and wrote the comment
    person    … and is not a fine-grained token, which is for repos
    write     who may commit to it
    settings  who may change its settings: a fine-grained token needs the role admin
    nobody    no token at all, though who sees the repo is told so: it takes a session that began lately

For whoever does not see the repo, every one of them answers exactly as if there were no such repo.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

HUB: Final = "api/<kinds:kind>/<segment:owner>/<segment:name>"
PAGE: Final = "<owner:owner>/<segment:name>"
FILE: Final = "<segment:owner>/<segment:name>"
V1: Final = "api/v1/models/<segment:owner>/<segment:name>"

_OF_REPOS = f"""
GET     read     {HUB}
GET     read     {HUB}/revision/<revision:revision>
GET     files    {HUB}/auth-check
GET     write    {HUB}/auth-check/write
PUT     settings {HUB}/settings
GET     read     {HUB}/tree/<revision:revision>
GET     read     {HUB}/tree/<revision:revision>/
GET     read     {HUB}/tree/<revision:revision>/<filepath:path>
POST    read     {HUB}/paths-info/<revision:revision>
GET     read     {HUB}/commits/<revision:revision>
GET     read     {HUB}/refs
POST    write    {HUB}/branch/<filepath:branch>
DELETE  write    {HUB}/branch/<filepath:branch>
POST    write    {HUB}/tag/<filepath:revision>
DELETE  write    {HUB}/tag/<filepath:revision>
POST    write    {HUB}/super-squash/<filepath:branch>
GET     read     {HUB}/lfs-files
POST    write    {HUB}/lfs-files/batch
GET     read     {HUB}/discussions
POST    discuss  {HUB}/discussions
GET     read     {HUB}/discussions/<int:num>
POST    discuss  {HUB}/discussions/<int:num>/comment
POST    author   {HUB}/discussions/<int:num>/comment/<segment:comment_id>/edit
POST    write    {HUB}/discussions/<int:num>/comment/<segment:comment_id>/hide
POST    write    {HUB}/discussions/<int:num>/title
POST    write    {HUB}/discussions/<int:num>/status
POST    write    {HUB}/discussions/<int:num>/merge
POST    write    {HUB}/preupload/<revision:revision>
POST    write    {HUB}/commit/<revision:revision>
GET     files    {HUB}/xet-read-token/<revision:revision>
GET     write    {HUB}/xet-write-token/<revision:revision>
POST    settings {HUB}/user-access-request/handle
POST    settings {HUB}/user-access-request/grant
GET     settings {HUB}/user-access-request/<segment:state>
POST    person   {HUB}/like
DELETE  person   {HUB}/like
GET     read     {HUB}/likers
POST    copy     {HUB}/duplicate
POST    copy     {HUB}/lfs-files/duplicate
GET     files    api/models/<segment:owner>/<segment:name>/safetensors-metadata/<filepath:path>
GET     files    {PAGE}/resolve/<revision:revision>/<filepath:path>
HEAD    files    {PAGE}/resolve/<revision:revision>/<filepath:path>
RANGE   files    {PAGE}/resolve/<revision:revision>/<filepath:path>
KNOWN   files    {PAGE}/resolve/<revision:revision>/<filepath:path>
GET     files    {FILE}/raw/<revision:revision>/<filepath:path>
POST    person   {FILE}/ask-access
FETCH   files    {FILE}.git/info/lfs/objects/batch
POST    propose  {FILE}.git/info/lfs/objects/batch
POST    propose  {FILE}.git/info/lfs/objects/verify
GET     files    {PAGE}/info/refs
PUSH    propose  {PAGE}/info/refs
POST    files    {PAGE}/git-upload-pack
POST    propose  {PAGE}/git-receive-pack

GET     read     {V1}
GET     read     {V1}/files
GET     files    {V1}/archive/<segment:revision>.tar
GET     settings {V1}/publishers
POST    nobody   {V1}/publishers
DELETE  settings {V1}/publishers/<int:publisher_id>
GET     read     {V1}/rating
PUT     person   {V1}/rating
DELETE  person   {V1}/rating
GET     read     {V1}/reviews
GET     read     {V1}/runs
POST    propose  {V1}/runs
GET     read     {V1}/scores
GET     read     {V1}/efficiency
GET     read     {V1}/results/<slug:form>.yaml
GET     read     api/v1/runs/<int:run_id>
POST    write    api/v1/runs/<int:run_id>/cancel
GET     read     api/v1/runs/<int:run_id>/record
GET     read     api/v1/runs/<int:run_id>/records
POST    write    api/v1/runs/<int:run_id>/withdraw
GET     read     api/v1/runs/<int:run_id>/diagnostics
GET     read     api/v1/runs/<int:run_id>/attributions
GET     read     api/v1/runs/<int:run_id>/items
GET     read     api/v1/runs/<int:run_id>/items.<slug:ending>
GET     read     api/v1/runs/<int:run_id>/outputs/<segment:name>
GET     read     api/v1/mirrors/<int:mirror_id>
POST    settings api/v1/mirrors/<int:mirror_id>/sync

GET     read     api/collections/<segment:owner>/<segment:slug>
PATCH   write    api/collections/<segment:owner>/<segment:slug>
DELETE  write    api/collections/<segment:owner>/<segment:slug>
POST    write    api/collections/<segment:owner>/<segment:slug>/items
PATCH   write    api/collections/<segment:owner>/<segment:slug>/items/<segment:item_id>
DELETE  write    api/collections/<segment:owner>/<segment:slug>/items/<segment:item_id>
GET     read     collections/<segment:owner>/<segment:slug>

GET     read     {PAGE}
GET     read     {PAGE}/tree
GET     read     {PAGE}/tree/<revision:revision>
GET     read     {PAGE}/tree/<revision:revision>/<filepath:path>
GET     files    {PAGE}/blob/<revision:revision>/<filepath:path>
GET     read     {PAGE}/commits/<revision:revision>
GET     read     {PAGE}/commit/<segment:oid>
GET     read     {PAGE}/reviews
POST    person   {PAGE}/reviews
POST    person   {PAGE}/reviews/withdraw
GET     read     {PAGE}/discussions
GET     discuss  {PAGE}/discussions/new
POST    discuss  {PAGE}/discussions/new
GET     read     {PAGE}/discussions/<int:num>
POST    discuss  {PAGE}/discussions/<int:num>
GET     read     {PAGE}/discussions/<int:num>/files
POST    discuss  {PAGE}/discussions/<int:num>/status
POST    discuss  {PAGE}/discussions/<int:num>/title
POST    discuss  {PAGE}/discussions/<int:num>/merge
POST    author   {PAGE}/discussions/<int:num>/edit
POST    discuss  {PAGE}/discussions/<int:num>/hide
POST    settings {PAGE}/settings/discussions
GET     write    {PAGE}/upload/<revision:revision>
POST    write    {PAGE}/upload/<revision:revision>
GET     settings {PAGE}/settings
POST    settings {PAGE}/settings
POST    settings {PAGE}/settings/delete
GET     settings {PAGE}/settings/publishers
POST    settings {PAGE}/settings/publishers
POST    settings {PAGE}/settings/publishers/<int:publisher_id>/remove
GET     read     {PAGE}/access
POST    person   {PAGE}/access
POST    person   {PAGE}/like
GET     settings {PAGE}/settings/access
POST    settings {PAGE}/settings/access
GET     read     {PAGE}/activity
GET     read     {PAGE}/scores
GET     read     {PAGE}/evaluate
POST    discuss  {PAGE}/evaluate
GET     read     runs/<int:run_id>
GET     read     runs/<int:run_id>/status
GET     read     runs/<int:run_id>/attributions
GET     read     runs/<int:run_id>/attributions/<int:number>.png
POST    write    runs/<int:run_id>/cancel
POST    propose  runs/<int:run_id>/again
POST    write    runs/<int:run_id>/withdraw
GET     read     mirrors/<int:mirror_id>
GET     read     mirrors/<int:mirror_id>/status
POST    write    mirrors/<int:mirror_id>/sync
"""

# Routes about no one repo: what a stranger, a person who is in no team, and an administrator of the site are answered.
_OTHERS = """
GET     200 200 200  health/live
GET     200 200 200  health/ready
POST    401 401 401  node_api/register
POST    401 401 401  node_api/claim
POST    401 401 401  node_api/runs/<int:run_id>/companion
POST    401 401 401  node_api/runs/<int:run_id>/hand_back
POST    401 401 401  node_api/runs/<int:run_id>/heartbeat
GET     401 401 401  node_api/runs/<int:run_id>/files/<filepath:path>
GET     401 401 401  node_api/runs/<int:run_id>/inputs/<segment:name>
PUT     401 401 401  node_api/runs/<int:run_id>/outputs/<segment:name>
POST    401 401 401  node_api/runs/<int:run_id>/complete
POST    401 401 401  node_api/runs/<int:run_id>/fail
GET     200 200 200  .well-known/marketplace-keys.json
GET     200 200 200  api/v1/benchmarks
POST    401 400 400  api/v1/benchmarks
GET     200 200 200  api/v1/benchmarks/<slug:slug>
GET     200 200 200  api/v1/benchmarks/<slug:slug>/export
POST    401 415 415  api/v1/benchmark-datasets
POST    401 400 400  api/v1/benchmark-imports
GET     200 200 200  api/v1/runs
GET     200 200 200  api/v1/leaderboards/<slug:slug>.csv
GET     200 200 200  api/v1/leaderboards/<slug:slug>
GET     200 200 200  api/v1/keys
GET     401 403 200  api/v1/drift
GET     401 403 200  api/v1/nodes
POST    401 403 404  api/v1/nodes/<segment:name>/drain
DELETE  401 403 404  api/v1/nodes/<segment:name>/drain
POST    401 403 404  api/v1/drift/<segment:name>/resume
GET     400 400 400  api/v1/comparisons
GET     400 400 400  api/v1/comparisons/items
GET     400 400 400  api/v1/comparisons/items.<slug:ending>
GET     200 200 200  api/v1/models
GET     200 200 200  api/v1/mirrors
POST    401 400 400  api/v1/mirrors
GET     401 403 200  api/v1/namespaces/<segment:owner>/publishers
POST    401 403 403  api/v1/namespaces/<segment:owner>/publishers
DELETE  401 403 404  api/v1/namespaces/<segment:owner>/publishers/<int:publisher_id>
GET     401 200 200  api/v1/tokens
POST    401 403 403  api/v1/tokens
DELETE  401 404 404  api/v1/tokens/<int:token_id>
GET     200 200 200  api/v1/schema
GET     404 404 404  api/v1/<filepath:rest>
GET     200 200 200  api/docs
GET     401 200 200  api/whoami-v2
POST    401 400 400  api/repos/create
DELETE  401 400 400  api/repos/delete
POST    401 400 400  api/repos/move
POST    200 200 200  api/validate-yaml
GET     200 200 200  api/agent-harnesses
GET     200 200 200  api/telemetry/<filepath:topic>
POST    200 200 200  api/telemetry/<filepath:topic>
GET     200 200 200  api/<kinds:kind>
GET     401 401 401  v1/chunks/<segment:prefix>/<segment:chunk_hash>
POST    401 401 401  v1/xorb-grants/<segment:prefix>/<segment:xorb_hash>
POST    401 401 401  v1/xorbs/<segment:prefix>/<segment:xorb_hash>
POST    401 401 401  v1/shards
POST    401 401 401  v2/shards
GET     401 401 401  v1/reconstructions/<segment:file_hash>
GET     401 401 401  v2/reconstructions/<segment:file_hash>
POST    200 200 200  v1/telemetry
PUT     403 403 403  -/uploads/<segment:upload_id>
POST    403 403 403  -/uploads/<segment:upload_id>
DELETE  403 403 403  -/uploads/<segment:upload_id>
PUT     403 403 403  -/uploads/<segment:upload_id>/parts/<segment:number>
GET     403 403 403  -/xorbs/<segment:token>/<segment:index>
GET     403 403 403  -/lfs/<segment:token>
GET     404 404 404  -/attachments/<segment:attachment_id>
POST    401 400 400  uploads
POST    401 200 200  api/users/<segment:user>/follow
DELETE  401 200 200  api/users/<segment:user>/follow
POST    401 200 200  api/organizations/<segment:organisation>/follow
DELETE  401 200 200  api/organizations/<segment:organisation>/follow
GET     401 200 200  api/v1/activity
GET     401 200 200  api/v1/deleted-repos
DELETE  401 404 404  api/v1/deleted-repos/<segment:repo_id>
POST    401 404 404  api/v1/deleted-repos/<segment:repo_id>/restore
POST    400 400 400  oauth/device
POST    400 400 400  oauth/token
GET     200 200 200  api/collections
POST    401 400 400  api/collections
GET     401 200 200  api/settings/webhooks
POST    401 400 400  api/settings/webhooks
GET     401 404 404  api/settings/webhooks/<segment:webhook_id>
POST    401 404 404  api/settings/webhooks/<segment:webhook_id>
DELETE  401 404 404  api/settings/webhooks/<segment:webhook_id>
POST    401 404 404  api/settings/webhooks/<segment:webhook_id>/enable
POST    401 404 404  api/settings/webhooks/<segment:webhook_id>/disable
GET     200 200 200  api/models-tags-by-type
GET     200 200 200  api/datasets-tags-by-type
GET     401 404 404  api/datasets/<segment:owner>/<segment:name>/leaderboard
GET     200 200 200  api/users/<segment:user>/overview
GET     200 200 200  api/users/<segment:user>/likes
GET     200 200 200  api/users/<segment:user>/followers
GET     200 200 200  api/users/<segment:user>/following
GET     200 200 200  api/organizations/<segment:organisation>/overview
GET     200 200 200  api/organizations/<segment:organisation>/members
GET     200 200 200  api/organizations/<segment:organisation>/followers
GET     401 403 200  api/organizations/<segment:organisation>/settings/repositories
GET     401 200 200  api/settings/repositories
GET     401 404 404  <segment:name>/resolve/<revision:revision>/<filepath:path>
POST    501 501 501  <segment:owner>/<segment:name>.git/info/lfs/<filepath:rest>
GET     200 200 200  benchmarks
GET     302 200 200  benchmarks/new
POST    401 422 422  benchmarks/new
POST    401 422 422  benchmarks/new/data
POST    401 422 422  benchmarks/new/draft
GET     200 200 200  benchmarks/<slug:slug>
GET     200 200 200  leaderboards
GET     200 200 200  leaderboards/<slug:slug>
GET     200 200 200  runs
GET     200 200 200  compare
GET     302 403 200  ops/drift
GET     302 403 200  ops/nodes
POST    401 403 404  ops/nodes/<segment:name>/drain
POST    401 403 404  ops/drift/<segment:name>/resume
GET     200 200 200  (home)
GET     200 200 200  robots.txt
GET     200 200 200  docs/coverage
GET     302 302 302  favicon.ico
GET     200 302 302  login
GET     302 302 302  login/code
POST    302 302 302  login/code
GET     404 404 404  login/oidc/<slug:slug>
GET     404 404 404  login/oidc/<slug:slug>/callback
POST    302 302 302  login/new-account
POST    302 302 302  logout
GET     404 404 404  join/<segment:code>/<segment:token>
POST    404 404 404  join/<segment:code>/<segment:token>
GET     200 200 200  reset
POST    302 302 302  settings/theme
POST    302 302 302  settings/shortcuts
GET     302 200 200  settings/profile
POST    401 200 200  settings/profile
GET     302 200 200  settings/tokens
POST    401 200 200  settings/tokens
POST    401 404 404  settings/tokens/<int:token_id>/revoke
GET     302 200 200  settings/tokens/fine-grained
POST    401 422 422  settings/tokens/fine-grained
POST    401 403 200  settings/link/<owner:owner>
GET     302 403 200  settings/publishers/<owner:owner>
POST    401 403 200  settings/publishers/<owner:owner>
POST    401 403 404  settings/publishers/<owner:owner>/<int:publisher_id>/remove
GET     302 200 200  settings/sign-in
POST    401 404 404  settings/sign-in/<slug:slug>/link
POST    401 404 404  settings/sign-in/<int:identity_id>/remove
GET     302 200 200  settings/second-factor
GET     302 200 200  settings/second-factor/new
POST    401 200 200  settings/second-factor/new
POST    401 400 400  settings/second-factor/codes
POST    401 302 302  settings/second-factor/off
GET     302 200 200  settings/second-factor/passkeys/new
POST    401 200 200  settings/second-factor/passkeys/new
POST    401 302 302  settings/second-factor/passkeys/<int:passkey_id>/remove
GET     302 200 200  settings/deleted
POST    401 404 404  settings/deleted/<segment:public_id>/restore
POST    401 404 404  settings/deleted/<segment:public_id>/give-up
GET     302 200 200  activity
GET     200 200 200  activity/<owner:owner>
GET     200 200 200  users/<owner:owner>/followers
GET     200 200 200  users/<owner:owner>/following
POST    401 302 302  settings/follow/<owner:owner>
GET     200 200 200  teams
GET     302 200 200  teams/new
POST    401 200 200  teams/new
GET     302 200 200  teams/<owner:name>
POST    401 403 200  teams/<owner:name>
POST    401 403 302  teams/<owner:name>/members/<owner:person>
GET     302 200 200  new
POST    401 200 200  new
GET     200 200 200  mirrors
GET     302 200 200  mirrors/new
POST    401 200 200  mirrors/new
GET     200 200 200  models
GET     200 200 200  models/counted
GET     302 200 200  oauth/approve
POST    401 200 200  oauth/approve
GET     200 200 200  collections
GET     302 200 200  settings/webhooks
POST    401 422 422  settings/webhooks
POST    401 404 404  settings/webhooks/<segment:webhook_id>
GET     200 200 200  <owner:owner>
"""

# Requests that are more than method and address.
SPECIAL: Final = {
    "RANGE": ("GET", {"Range": "bytes=0-3"}),
    "KNOWN": ("GET", {"If-None-Match": "*"}),
    "FETCH": ("POST", {}),
    "PUSH": ("GET", {}),
}
_OBJECT: Final = {"oid": "0" * 64, "size": 1}
BODIES: Final[dict[str, object]] = {
    f"POST {FILE}.git/info/lfs/objects/batch": {"operation": "upload", "objects": [_OBJECT]},
    f"FETCH {FILE}.git/info/lfs/objects/batch": {"operation": "download", "objects": [_OBJECT]},
    f"POST {FILE}.git/info/lfs/objects/verify": _OBJECT,
    f"POST {HUB}/paths-info/<revision:revision>": {"paths": ["w.bin"]},
    f"PUT {HUB}/settings": {"discussionsDisabled": False},
    f"POST {HUB}/discussions/<int:num>/title": {"title": "Another"},
}


@dataclass(frozen=True)
class Row:
    method: str
    need: str
    route: str

    @property
    def is_page(self) -> bool:
        """Whether people come here with a session, not programs with a token."""
        is_git = self.route.endswith(("info/refs", "git-upload-pack", "git-receive-pack"))
        return not is_git and self.route.startswith((PAGE, "runs/", "mirrors/", "collections/"))

    @property
    def verb(self) -> str:
        return SPECIAL[self.method][0] if self.method in SPECIAL else self.method

    @property
    def headers(self) -> dict[str, str]:
        return SPECIAL[self.method][1] if self.method in SPECIAL else {}

    def body(self, comment: str) -> dict[str, object]:
        """Keywords for the test client; `comment` is one that is there."""
        if self.verb in ("GET", "HEAD"):
            query = {"POST": "", "PUSH": "git-receive-pack"}.get(self.method, "git-upload-pack")
            return {"data": {"service": query}} if self.route.endswith("info/refs") else {}
        if self.is_page:
            return {"data": {"comment": comment}}
        if self.route.endswith(("git-upload-pack", "git-receive-pack")):
            return {"data": b"0000", "content_type": f"application/x-{self.route.rpartition('/')[2]}-request"}
        if "/commit/" in self.route:
            return {"data": b"", "content_type": "application/x-ndjson"}
        body = BODIES.get(f"{self.method} {self.route}", {})
        return {"data": json.dumps(body), "content_type": "application/json"}


def _rows() -> list[Row]:
    return [Row(*line.split(maxsplit=2)) for line in _OF_REPOS.strip().splitlines() if line.strip()]


OF_REPOS: Final = _rows()


@dataclass(frozen=True)
class OtherRow:
    method: str
    statuses: tuple[int, int, int]  # stranger, person, administrator
    route: str

    @property
    def is_page(self) -> bool:
        return not self.route.startswith(
            ("api/", "node_api/", "v1/", "v2/", "-/", "oauth/device", "oauth/token", "uploads")
        )


def _other_rows() -> list[OtherRow]:
    found = []
    for line in _OTHERS.strip("\n").splitlines():
        method, *statuses, route = re.split(r" +", line, maxsplit=4)
        route = "" if route == "(home)" else route
        found.append(OtherRow(method, (int(statuses[0]), int(statuses[1]), int(statuses[2])), route))
    return found


OTHERS: Final = _other_rows()
