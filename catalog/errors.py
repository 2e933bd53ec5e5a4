"""Everything that can go wrong in the catalogue, as facts; faces decide how to say it.

Each class has a stable `code` (part of our API) and a sentence. No HTTP here: every face has a table
`error class → status`, and a test walks this tree and fails when a face lacks an entry.
"""

from __future__ import annotations


class CatalogError(Exception):
    """Root of the tree. `message` is a sentence for a person; `facts` are fields for a program."""

    code = "error"

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message or self.__class__.__doc__ or self.code)
        self.message = message or (self.__class__.__doc__ or self.code)
        self.facts = facts


# --- who may do what -------------------------------------------------------------------------


class BadCredentials(CatalogError):
    """Invalid credentials in Authorization header"""

    code = "bad_credentials"


class NotSignedIn(CatalogError):
    """This needs signing in, or a token."""

    code = "not_signed_in"


class NotAllowed(CatalogError):
    """Your role or token does not allow this."""

    code = "not_allowed"


class MirrorIsReadOnly(NotAllowed):
    """This is a mirror; duplicate it to edit."""

    code = "mirror_read_only"


class GatedRepo(NotAllowed):
    """Access to this repo is restricted. The fact `access_path` is the page where one asks for it."""

    code = "gated_repo"


class TooManyRequests(CatalogError):
    """Too many requests; try again later. `retry_after_seconds` says when."""

    code = "too_many_requests"


# --- not there -------------------------------------------------------------------------------


class NotFound(CatalogError):
    """Not found."""

    code = "not_found"


class RepoNotFound(NotFound):
    """Repository not found"""

    code = "repo_not_found"


class RepoMoved(RepoNotFound):
    """The repo has another name now. Facts: `kind`, `former` and `repo` as `ns/name`."""

    code = "repo_moved"


class RevisionNotFound(NotFound):
    """Invalid rev id"""

    code = "revision_not_found"


class EntryNotFound(NotFound):
    """Entry not found. The fact `commit` (40 hex) names the commit that was searched."""

    code = "entry_not_found"


# --- bad input -------------------------------------------------------------------------------


class BadInput(CatalogError):
    """The request is malformed."""

    code = "bad_input"


class InvalidName(BadInput):
    """The name breaks the naming rules."""

    code = "invalid_name"


class InvalidReference(BadInput):
    """Invalid reference for a branch or tag."""

    code = "invalid_reference"


class InvalidCursor(BadInput):
    """The page cursor is not one of ours, or belongs to another query."""

    code = "invalid_cursor"


class BadMetadata(BadInput):
    """A file says something about itself that is not true."""

    code = "bad_metadata"


class InvalidXorb(BadInput):
    """The xorb is malformed, or its content does not hash to its name."""

    code = "invalid_xorb"


class InvalidShard(BadInput):
    """The shard is malformed, or names data that was not sent here."""

    code = "invalid_shard"


class InvalidPath(CatalogError):
    """The file path breaks the path rules."""

    code = "invalid_path"


class TooLarge(CatalogError):
    """Larger than this server accepts."""

    code = "too_large"


# --- conflicts -------------------------------------------------------------------------------


class NameTaken(CatalogError):
    """The name is in use (names differ in more than upper and lower case)."""

    code = "name_taken"


class RefExists(CatalogError):
    """The branch or tag exists already."""

    code = "ref_exists"


class RefProtected(CatalogError):
    """The default branch cannot be deleted."""

    code = "ref_protected"


class BranchMoved(CatalogError):
    """The branch was updated since you opened this page. Please refresh and try again."""

    code = "branch_moved"


class MergeConflict(CatalogError):
    """Both sides changed the same files; the fact `paths` lists them."""

    code = "merge_conflict"


# --- bytes -----------------------------------------------------------------------------------


class HashMismatch(CatalogError):
    """The bytes do not hash to what was announced; nothing was kept."""

    code = "hash_mismatch"


class SizeMismatch(CatalogError):
    """The number of bytes differs from what was announced; nothing was kept."""

    code = "size_mismatch"


class BlobNotUploaded(CatalogError):
    """A commit names a large file that was not uploaded to this repo."""

    code = "blob_not_uploaded"


class BlobUnavailable(CatalogError):
    """The stored bytes are damaged or unreachable; an operator has been told."""

    code = "blob_unavailable"


class UploadGone(CatalogError):
    """The upload session has expired or was finished."""

    code = "upload_gone"


class StorageFull(CatalogError):
    """The server has no room for this upload."""

    code = "storage_full"


class Busy(CatalogError):
    """Another change is in progress; try again in a moment."""

    code = "busy"


class QuotaExceeded(TooLarge):
    """The namespace has no room left for these bytes."""

    code = "quota_exceeded"


# --- upkeep, by operators ---------------------------------------------------------------------


class UpkeepBusy(Busy):
    """Other upkeep work (a collection, a scrub or a backup) is running."""

    code = "upkeep_busy"


class CollectionRefused(CatalogError):
    """The collection would delete more than a tenth of everything."""

    code = "collection_refused"


class BackupUnusable(CatalogError):
    """The backup cannot be made or restored."""

    code = "backup_unusable"


# --- mirrors ---------------------------------------------------------------------------------


class UpstreamNotAllowed(CatalogError):
    """This address is not on the list of hosts that may be mirrored."""

    code = "upstream_not_allowed"


class UpstreamRefused(CatalogError):
    """The other hub refused: missing, gated or not permitted. Trying again does not help."""

    code = "upstream_refused"


class UpstreamUnavailable(CatalogError):
    """The other hub did not answer properly; worth another try later."""

    code = "upstream_unavailable"


class LeaseLost(CatalogError):
    """Somebody else holds this job by now; stop and write nothing."""

    code = "lease_lost"


# --- not here --------------------------------------------------------------------------------


class NotServed(CatalogError):
    """This server does not offer that."""

    code = "not_served"
