"""Everything that can go wrong in the catalogue, as facts; faces decide how to say it.

Each class has a stable `code` (part of our API) and a sentence, `words`, for want of a more exact one.
No HTTP here: every face has a table `error class → status`, and a test walks this tree and fails when
a face lacks an entry. No Django either: scoring reads benchmarks without it, and raises these.
"""

from __future__ import annotations

from typing import ClassVar


def marked(words: str) -> str:
    """Returns the words as they are; faces look them up in the reader's language when they tell an error."""
    return words


_ = marked  # what makemessages looks for


class CatalogError(Exception):
    """Root of the tree. `message` is a sentence for a person; `facts` are fields for a program."""

    code = "error"
    words: ClassVar[str] = _("Something went wrong.")  # where nothing more exact is known

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message or self.words)
        self.message = message or self.words
        self.facts = facts


# --- who may do what -------------------------------------------------------------------------


class BadCredentials(CatalogError):
    code = "bad_credentials"
    words = _("Invalid credentials in Authorization header")


class NotSignedIn(CatalogError):
    code = "not_signed_in"
    words = _("This needs signing in, or a token.")


class NotAllowed(CatalogError):
    code = "not_allowed"
    words = _("Your role or token does not allow this.")


class SignInAgain(NotAllowed):
    code = "sign_in_again"
    words = _("You signed in too long ago for this; sign in again.")  # the fact `back` is where to go then


class MirrorIsReadOnly(NotAllowed):
    code = "mirror_read_only"
    words = _("This is a mirror; duplicate it to edit.")


class GatedRepo(NotAllowed):
    code = "gated_repo"
    words = _("Access to this repo is restricted.")  # the fact `access_path` is the page where one asks for it


class IdentityRefused(CatalogError):
    code = "identity_refused"
    words = _("What the identity provider says is not accepted.")  # the message is the reason


class TooManyRequests(CatalogError):
    code = "too_many_requests"
    words = _("Too many requests; try again later.")  # the fact `retry_after_seconds` says when


# --- not there -------------------------------------------------------------------------------


class NotFound(CatalogError):
    code = "not_found"
    words = _("Not found.")


class RepoNotFound(NotFound):
    code = "repo_not_found"
    words = _("Repository not found")


class RepoMoved(RepoNotFound):
    code = "repo_moved"
    words = _("The repo has another name now.")  # facts: `kind`, `former` and `repo` as `ns/name`


class RevisionNotFound(NotFound):
    code = "revision_not_found"
    words = _("Invalid rev id")


class EntryNotFound(NotFound):
    code = "entry_not_found"
    words = _("Entry not found.")  # the fact `commit` (40 hex) names the commit that was searched


# --- bad input -------------------------------------------------------------------------------


class BadInput(CatalogError):
    code = "bad_input"
    words = _("The request is malformed.")


class InvalidName(BadInput):
    code = "invalid_name"
    words = _("The name breaks the naming rules.")


class InvalidReference(BadInput):
    code = "invalid_reference"
    words = _("Invalid reference for a branch or tag.")


class InvalidCursor(BadInput):
    code = "invalid_cursor"
    words = _("The page cursor is not one of ours, or belongs to another query.")


class IdempotencyKeyReused(BadInput):
    code = "idempotency_key_reused"
    words = _("This Idempotency-Key came with another body before; use a new one.")


class BadMetadata(BadInput):
    code = "bad_metadata"
    words = _("A file says something about itself that is not true.")


class InvalidXorb(BadInput):
    code = "invalid_xorb"
    words = _("The xorb is malformed, or its content does not hash to its name.")


class InvalidShard(BadInput):
    code = "invalid_shard"
    words = _("The shard is malformed, or names data that was not sent here.")


class InvalidPath(CatalogError):
    code = "invalid_path"
    words = _("The file path breaks the path rules.")


class TooLarge(CatalogError):
    code = "too_large"
    words = _("Larger than this server accepts.")


# --- conflicts -------------------------------------------------------------------------------


class NameTaken(CatalogError):
    code = "name_taken"
    words = _("The name is in use (names differ in more than upper and lower case).")


class RefExists(CatalogError):
    code = "ref_exists"
    words = _("The branch or tag exists already.")


class RefProtected(CatalogError):
    code = "ref_protected"
    words = _("The default branch cannot be deleted.")


class BranchMoved(CatalogError):
    code = "branch_moved"
    words = _("The branch was updated since you opened this page. Please refresh and try again.")


class MergeConflict(CatalogError):
    code = "merge_conflict"
    words = _("Both sides changed the same files.")  # the fact `paths` lists them


# --- bytes -----------------------------------------------------------------------------------


class HashMismatch(CatalogError):
    code = "hash_mismatch"
    words = _("The bytes do not hash to what was announced; nothing was kept.")


class SizeMismatch(CatalogError):
    code = "size_mismatch"
    words = _("The number of bytes differs from what was announced; nothing was kept.")


class BlobNotUploaded(CatalogError):
    code = "blob_not_uploaded"
    words = _("A commit names a large file that was not uploaded to this repo.")


class BlobUnavailable(CatalogError):
    code = "blob_unavailable"
    words = _("The stored bytes are damaged or unreachable; an operator has been told.")


class UploadGone(CatalogError):
    code = "upload_gone"
    words = _("The upload session has expired or was finished.")


class StorageFull(CatalogError):
    code = "storage_full"
    words = _("The server has no room for this upload.")


class Busy(CatalogError):
    code = "busy"
    words = _("The server is busy; try again in a moment.")


class QuotaExceeded(TooLarge):
    code = "quota_exceeded"
    words = _("The namespace has no room left for these bytes.")


# --- upkeep, by operators ---------------------------------------------------------------------


class UpkeepBusy(Busy):
    code = "upkeep_busy"
    words = _("Other upkeep work (a collection, a scrub or a backup) is running.")


class CollectionRefused(CatalogError):
    code = "collection_refused"
    words = _("The collection would delete more than a tenth of everything.")


class BackupUnusable(CatalogError):
    code = "backup_unusable"
    words = _("The backup cannot be made or restored.")


# --- mirrors ---------------------------------------------------------------------------------


class UpstreamNotAllowed(CatalogError):
    code = "upstream_not_allowed"
    words = _("This address is not on the list of hosts that may be mirrored.")


class UpstreamRefused(CatalogError):
    code = "upstream_refused"
    words = _("The other hub refused: missing, gated or not permitted. Trying again does not help.")


class UpstreamUnavailable(CatalogError):
    code = "upstream_unavailable"
    words = _("The other hub did not answer properly; worth another try later.")


class LeaseLost(CatalogError):
    code = "lease_lost"
    words = _("Somebody else holds this job by now; stop and write nothing.")


# --- not here --------------------------------------------------------------------------------


class NotServed(CatalogError):
    code = "not_served"
    words = _("This server does not offer that.")
