"""Models and datasets: lists, one repo, its files."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access, links
from catalog.errors import BadInput
from catalog.models import Repo, RepoFacts, TreeEntry
from catalog.queries import search, stats, trees
from catalog.queries.paging import LARGEST_PAGE, Cursor
from catalog.queries.search_request import SORTS, request_from
from catalog.rest_api.v1.base import CURSOR, LIMIT, REPO_PATH, ApiView, actor_of, django_request, next_url
from catalog.rest_api.v1.ratings import RatingSummaryOut

DEFAULT_REVISION: Final = "main"
_SEVERAL = "Several values are alternatives, `!value` excludes one."
SEARCH: Final = [
    OpenApiParameter("search", str, description="Words of id, title, tags, task or card; the last may be unfinished."),
    OpenApiParameter("author", str, description="User or team."),
    OpenApiParameter("filter", str, many=True, description="Tags, which must all be there, such as `license:mit`."),
    *(
        OpenApiParameter(name, str, many=True, description=_SEVERAL)
        for name in ("task", "library", "license", "language", "format")
    ),
    OpenApiParameter("params", str, description="Number of parameters: `min:1B,max:8B`, either part."),
    OpenApiParameter("rating", float, description="Mean rating, at least; only repos with three ratings match."),
    OpenApiParameter("sort", str, enum=SORTS, description="Always downwards."),
    LIMIT,
    CURSOR,
]


class BriefRatingOut(serializers.Serializer[RepoFacts]):
    count = serializers.IntegerField(source="rating_count")
    mean = serializers.FloatField(source="rating_mean", allow_null=True)


class RepoFieldsOut(serializers.Serializer[RepoFacts]):
    id = serializers.CharField(source="repo.full_name")
    kind = serializers.ChoiceField(choices=Repo.Kind.choices)
    private = serializers.BooleanField(source="repo.is_private")
    mirror = serializers.BooleanField(source="repo.is_mirror")
    sha = serializers.CharField(source="commit.oid", default=None, allow_null=True)
    title = serializers.CharField()
    summary = serializers.CharField()
    task = serializers.CharField()
    library = serializers.CharField()
    license = serializers.CharField(source="licence")
    languages = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    formats = serializers.ListField(child=serializers.CharField())
    parameters = serializers.IntegerField(allow_null=True)
    total_bytes = serializers.IntegerField()
    downloads = serializers.IntegerField(help_text="Of the last 30 days.")
    created_at = serializers.DateTimeField(source="repo.created_at")
    updated_at = serializers.DateTimeField()


class RepoOut(RepoFieldsOut):
    """A repo in a list."""

    rating = BriefRatingOut(source="*")


class RepoPageOut(serializers.Serializer[object]):
    results = RepoOut(many=True)
    next = serializers.URLField(allow_null=True)


class MirrorSourceOut(serializers.Serializer[object]):
    hub = serializers.CharField(source="source")
    endpoint = serializers.URLField()
    repo = serializers.CharField(source="upstream_name")
    revision = serializers.CharField()
    sha = serializers.CharField(source="upstream_oid")
    state = serializers.CharField(source="upstream_state")


class RepoDetailOut(RepoFieldsOut):
    """A repo with all we know of it."""

    datasets = serializers.ListField(child=serializers.CharField())
    base_models = serializers.ListField(child=serializers.CharField())
    base_relation = serializers.CharField()
    parameters_by_dtype = serializers.DictField(child=serializers.IntegerField())
    architectures = serializers.SerializerMethodField()
    file_count = serializers.IntegerField()
    downloads_all_time = serializers.IntegerField()
    claims = serializers.ListField(
        child=serializers.DictField(), help_text="Scores that the card states; not checked here."
    )
    card_data = serializers.JSONField(help_text="The card's front matter.")
    card_problems = serializers.ListField(child=serializers.DictField())
    file_problems = serializers.ListField(child=serializers.DictField())
    rating = serializers.SerializerMethodField()
    mirror_of = MirrorSourceOut(source="repo.mirror", default=None, allow_null=True)
    links = serializers.SerializerMethodField()

    def get_architectures(self, facts: RepoFacts) -> list[str]:
        named = (facts.config or {}).get("architectures")
        return [str(name) for name in named] if isinstance(named, list) else []

    @extend_schema_field(RatingSummaryOut)
    def get_rating(self, facts: RepoFacts) -> object:
        return RatingSummaryOut(stats.rating_summary(facts.repo)).data

    def get_links(self, facts: RepoFacts) -> dict[str, str]:
        return _links(facts, self.context["request"])


class RepoListView(ApiView):
    """All models (or datasets) the caller may read."""

    kind: str = Repo.Kind.MODEL

    @extend_schema(parameters=SEARCH, responses=RepoPageOut)
    def get(self, request: Request) -> Response:
        """Search; an exact id comes first."""
        actor = actor_of(request)
        page = search.find_repos(request_from(request.query_params, kind=self.kind), user=actor.user)
        answer = {"results": page.items, "next": next_url(request, page.next_cursor)}
        return Response(RepoPageOut(answer).data)


class RepoView(ApiView):
    """One repo."""

    kind: str = Repo.Kind.MODEL

    @extend_schema(parameters=REPO_PATH, responses=RepoDetailOut)
    def get(self, request: Request, owner: str, name: str) -> Response:
        """What the repo says of itself, what its files say, and what people say."""
        repo = access.repo_to_read(actor_of(request), self.kind, owner, name)
        return Response(RepoDetailOut(repo.facts, context={"request": request}).data)


def _links(facts: RepoFacts, request: Request) -> dict[str, str]:
    repo = facts.repo
    api = f"/api/v1/{repo.kind_and_name}"
    paths = {
        "self": api,
        "page": repo.web_path,
        "files": f"{api}/files",
        "reviews": f"{api}/reviews",
        "rating": f"{api}/rating",
    }
    if facts.commit is not None:
        paths["archive"] = f"{api}/archive/{facts.commit.oid}.tar"
        paths["card"] = links.resolve(repo, facts.commit.oid, "README.md")
    return {name: django_request(request).build_absolute_uri(path) for name, path in paths.items()}


class FileOut(serializers.Serializer[TreeEntry]):
    path = serializers.CharField()
    type = serializers.SerializerMethodField()
    size = serializers.IntegerField(help_text="Bytes; 0 for folders.")
    oid = serializers.CharField(help_text="git's id of the object.")
    sha256 = serializers.CharField(source="blob.sha256", default=None, allow_null=True)
    lfs = serializers.BooleanField(source="is_lfs")
    changed_in = serializers.CharField(source="changed_in.oid", help_text="The commit that last changed it.")

    def get_type(self, entry: TreeEntry) -> str:
        return "folder" if entry.is_folder else "file"


class FilePageOut(serializers.Serializer[object]):
    sha = serializers.CharField(help_text="The commit that the revision names.")
    results = FileOut(many=True)
    next = serializers.URLField(allow_null=True)


class FileQuery(serializers.Serializer[object]):
    revision = serializers.CharField(required=False, default=DEFAULT_REVISION, max_length=255)
    folder = serializers.CharField(required=False, default="", allow_blank=True, max_length=1024)
    recursive = serializers.BooleanField(required=False, default=True)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_PAGE, default=LARGEST_PAGE)
    cursor = serializers.CharField(required=False, default="")


class FileListView(ApiView):
    """Files of one revision."""

    kind: str = Repo.Kind.MODEL

    @extend_schema(
        parameters=[
            *REPO_PATH,
            OpenApiParameter("revision", str, description="Branch, tag or commit; the default is `main`."),
            OpenApiParameter("folder", str, description="Only what is in here."),
            OpenApiParameter("recursive", bool, description="Folders below it, too: the default."),
            LIMIT,
            CURSOR,
        ],
        responses=FilePageOut,
    )
    def get(self, request: Request, owner: str, name: str) -> Response:
        """Files of one revision, by path."""
        repo = access.repo_to_read(actor_of(request), self.kind, owner, name)
        query = FileQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        commit = trees.resolve_revision(repo, asked["revision"])
        folder, limit = asked["folder"].strip("/"), asked["limit"]
        list_name = f"files:{commit.pk}:{asked['recursive']}:{folder}"
        found = trees.entries_of(
            commit,
            folder=folder,
            recursive=asked["recursive"],
            after=_path_after(asked["cursor"], list_name),
            limit=limit + 1,
        )
        page = found[:limit]
        cursor = Cursor(keys=(page[-1].path,)).seal(list_name) if len(found) > limit else None
        # The next page belongs to this commit, wherever the branch goes meanwhile.
        answer = {"sha": commit.oid, "results": page, "next": next_url(request, cursor, revision=commit.oid)}
        return Response(FilePageOut(answer).data, headers={"X-Repo-Commit": commit.oid})


def _path_after(cursor: str, list_name: str) -> str:
    if not cursor:
        return ""
    (path,) = Cursor.unseal(cursor, list_name).keys
    if not isinstance(path, str):
        raise BadInput(_("The cursor belongs to another list."))
    return path
