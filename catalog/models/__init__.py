"""What is true: rows and the constraints the database keeps."""

from catalog.models.accounts import (
    AccessToken,
    AuditEntry,
    Membership,
    Namespace,
    Organisation,
    User,
)
from catalog.models.blob import Blob, RepoBlob, StagedXorb, Upload
from catalog.models.metadata import RepoFacts
from catalog.models.mirror import Mirror, SyncRun
from catalog.models.rating import Rating, RatingEdit
from catalog.models.repo import DownloadCount, Repo, WeightsDownload
from catalog.models.revision import Commit, Line, Ref, TreeEntry

__all__ = [
    "AccessToken",
    "AuditEntry",
    "Blob",
    "Commit",
    "DownloadCount",
    "Line",
    "Membership",
    "Mirror",
    "Namespace",
    "Organisation",
    "Rating",
    "RatingEdit",
    "Ref",
    "Repo",
    "RepoBlob",
    "RepoFacts",
    "StagedXorb",
    "SyncRun",
    "TreeEntry",
    "Upload",
    "User",
    "WeightsDownload",
]
