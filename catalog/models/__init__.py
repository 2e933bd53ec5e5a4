"""What is true: rows and the constraints the database keeps."""

from catalog.models import lookups as _lookups  # noqa: F401  fields know them once this is imported
from catalog.models.access_request import AccessRequest
from catalog.models.accounts import (
    AccessToken,
    Membership,
    Namespace,
    Organisation,
    Reach,
    User,
)
from catalog.models.attachment import Attachment, AttachmentUse
from catalog.models.audit import AuditEntry, AuditSeal
from catalog.models.blob import Blob, RepoBlob, Upload
from catalog.models.collection import Collection, CollectionItem
from catalog.models.device_login import DeviceLogin, RefreshToken
from catalog.models.discussion import CommentVersion, Discussion, DiscussionEvent
from catalog.models.follow import Follow
from catalog.models.git_tag import TagObject
from catalog.models.idempotency import KeptAnswer
from catalog.models.identity import ExternalIdentity, PendingSignIn
from catalog.models.like import Like
from catalog.models.metadata import RepoFacts
from catalog.models.mirror import Mirror, SyncRun
from catalog.models.rating import Rating, RatingEdit
from catalog.models.redirect import RepoRedirect
from catalog.models.repo import DownloadCount, Repo, WeightsDownload
from catalog.models.revision import Commit, Line, Ref, TreeEntry
from catalog.models.tally import Tally
from catalog.models.token_grant import TokenGrant
from catalog.models.trusted_publisher import TrustedPublisher, UsedToken
from catalog.models.upkeep import NamespaceQuota, RemovedFile, UpkeepLease
from catalog.models.webhook import RepoEvent, Webhook, WebhookDelivery, WebhookWatch
from catalog.models.xet import MarkedChunk, StagedXorb, UploadPart, XorbExtent

__all__ = [
    "AccessRequest",
    "AccessToken",
    "Attachment",
    "AttachmentUse",
    "AuditEntry",
    "AuditSeal",
    "Blob",
    "Collection",
    "CollectionItem",
    "CommentVersion",
    "Commit",
    "DeviceLogin",
    "Discussion",
    "DiscussionEvent",
    "DownloadCount",
    "ExternalIdentity",
    "Follow",
    "KeptAnswer",
    "Like",
    "Line",
    "MarkedChunk",
    "Membership",
    "Mirror",
    "Namespace",
    "NamespaceQuota",
    "Organisation",
    "PendingSignIn",
    "Rating",
    "RatingEdit",
    "Reach",
    "Ref",
    "RefreshToken",
    "RemovedFile",
    "Repo",
    "RepoBlob",
    "RepoEvent",
    "RepoFacts",
    "RepoRedirect",
    "StagedXorb",
    "SyncRun",
    "TagObject",
    "Tally",
    "TokenGrant",
    "TreeEntry",
    "TrustedPublisher",
    "UpkeepLease",
    "Upload",
    "UploadPart",
    "UsedToken",
    "User",
    "Webhook",
    "WebhookDelivery",
    "WebhookWatch",
    "WeightsDownload",
    "XorbExtent",
]
