"""Routes of this face. Evaluation adds its own under the same prefix, before these."""

from django.urls import URLPattern, path
from rest_framework.views import APIView

from catalog.models import Repo
from catalog.rest_api.v1 import docs
from catalog.rest_api.v1.activity import ActivityListView
from catalog.rest_api.v1.archives import ArchiveView
from catalog.rest_api.v1.deleted_repos import DeletedRepoListView, DeletedRepoView, RestoreView
from catalog.rest_api.v1.mirrors import MirrorListView, MirrorSyncView, MirrorView
from catalog.rest_api.v1.publishers import (
    NamespacePublisherListView,
    NamespacePublisherView,
    PublisherListView,
    PublisherView,
)
from catalog.rest_api.v1.ratings import MyRatingView, ReviewListView
from catalog.rest_api.v1.repos import FileListView, RepoListView, RepoView
from catalog.rest_api.v1.tokens import TokenListView, TokenView

REPO = "<segment:owner>/<segment:name>"
_REPO_VIEWS: dict[str, type[APIView]] = {
    "": RepoListView,
    f"/{REPO}": RepoView,
    f"/{REPO}/files": FileListView,
    f"/{REPO}/archive/<segment:revision>.tar": ArchiveView,
    f"/{REPO}/publishers": PublisherListView,
    f"/{REPO}/publishers/<int:publisher_id>": PublisherView,
    f"/{REPO}/rating": MyRatingView,
    f"/{REPO}/reviews": ReviewListView,
}


def _routes_of(kind: Repo.Kind) -> list[URLPattern]:
    return [path(f"{kind.value}s{tail}", view.as_view(kind=kind.value)) for tail, view in _REPO_VIEWS.items()]


urlpatterns = [
    *_routes_of(Repo.Kind.MODEL),
    *_routes_of(Repo.Kind.DATASET),
    *_routes_of(Repo.Kind.SPACE),
    path("activity", ActivityListView.as_view()),
    path("deleted-repos", DeletedRepoListView.as_view()),
    path("deleted-repos/<segment:repo_id>", DeletedRepoView.as_view()),
    path("deleted-repos/<segment:repo_id>/restore", RestoreView.as_view()),
    path("mirrors", MirrorListView.as_view()),
    path("mirrors/<int:mirror_id>", MirrorView.as_view()),
    path("mirrors/<int:mirror_id>/sync", MirrorSyncView.as_view()),
    path("namespaces/<segment:owner>/publishers", NamespacePublisherListView.as_view()),
    path("namespaces/<segment:owner>/publishers/<int:publisher_id>", NamespacePublisherView.as_view()),
    path("tokens", TokenListView.as_view()),
    path("tokens/<int:token_id>", TokenView.as_view()),
    path("schema", docs.schema, name="api-schema"),
    path("<filepath:rest>", docs.UnknownAddressView.as_view()),
]
