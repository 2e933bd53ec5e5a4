"""Attachments of comments: received and checked, shown by comments, forgotten when no comment shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from catalog.actions.incoming import uploads
from catalog.errors import BadInput, QuotaExceeded, TooLarge
from catalog.models import Attachment, AttachmentUse, DiscussionEvent, Repo, User
from catalog.parsing.media_types import HEAD_BYTES, MediaType, media_type_of
from catalog.storage.base import Bytes

MB: Final = 1000**2
UNUSED_LIFETIME: Final = timedelta(days=7)
MOST_IN_COMMENT: Final = 50
ROWS_PER_SWEEP: Final = 500

_ADDRESS = re.compile(r"/-/attachments/([0-9a-f]{24})(?![0-9a-f])")
_AUDIO = re.compile(r'<audio\b[^<>]*\ssrc="([^"<>\s]+)"[^<>]*>\s*</audio>', re.IGNORECASE)


def attach(*, chunks: Iterable[Bytes], size: int | None, actor: User) -> Attachment:
    """Receive a file for a comment that is still to be written.

    Args:
        size: what was announced, if anything.

    Raises:
        BadInput: no picture, film or sound that may be attached.
        TooLarge: larger than such a file may be.
        QuotaExceeded: this account's attachments together.
        SizeMismatch, StorageFull
    """
    _check_size(size or 0, _largest_bytes())
    head, rest = _beginning(chunks)
    kind = media_type_of(head[:HEAD_BYTES])
    if kind is None:
        raise BadInput(_("Only PNG, JPEG, GIF, WebP, MP4, MOV, WebM, MP3 and WAV files can be attached."))
    most = _most_bytes(kind)
    _check_size(size or 0, most)
    with uploads.arriving(_bounded(head, rest, most), size=size) as arrival, transaction.atomic():
        _check_room(actor, arrival.names.size)
        blob = uploads.keep(arrival)
        return Attachment.objects.create(user=actor, blob=blob, media_type=kind.name)


def shown_by(text: str, *, repo: Repo, author: User) -> list[Attachment]:
    """The attachments that a comment with this text may show: its author's, and others of the same repo.

    An address of anything else stays an address: who reads the comment learns nothing from it.
    """
    ids = list(dict.fromkeys(_ADDRESS.findall(text)))[:MOST_IN_COMMENT]
    if not ids:
        return []
    in_repo = AttachmentUse.objects.filter(attachment=OuterRef("pk"), comment__discussion__repo=repo)
    return list(Attachment.objects.filter(Q(user=author) | Exists(in_repo), public_id__in=ids).order_by("pk"))


def hold(comment: DiscussionEvent, attachments: Iterable[Attachment]) -> None:
    """Note that a comment shows these; inside the transaction that writes it."""
    # a sweep may just be forgetting one: then the row is gone, and the address leads nowhere
    standing = Attachment.objects.select_for_update(no_key=True).filter(pk__in=[one.pk for one in attachments])
    rows = [AttachmentUse(attachment=one, comment=comment) for one in standing.order_by("pk")]
    AttachmentUse.objects.bulk_create(rows, ignore_conflicts=True)


def release(comment: DiscussionEvent) -> None:
    """A comment was hidden for good: its attachments are their senders' alone again, and go after some days."""
    comment.attachment_uses.all().delete()


def markdown_of(attachment: Attachment, *, words: str) -> str:
    """What a comment says to show it: a picture, or a link to anything else."""
    plain = "".join(char for char in words if char.isprintable() and char not in "[]()<>\\`*_!&")
    mark = "!" if attachment.media_type.startswith("image/") else ""
    return f"{mark}[{plain.strip() or 'file'}]({attachment.path})"


def with_audio_as_links(text: str) -> str:
    """The `<audio>` elements that clients are told to write, as links: sounds are downloaded here, not played."""
    return _AUDIO.sub(r"[\1](\1)", text)


@transaction.atomic
def forget_unused() -> int:
    """Drop what no comment has shown for some days; returns how many. The bytes go by collection."""
    used = AttachmentUse.objects.filter(attachment=OuterRef("pk"))
    unused = Attachment.objects.filter(~Exists(used), created_at__lt=Now() - UNUSED_LIFETIME)
    doomed = list(
        unused.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)[:ROWS_PER_SWEEP]
    )
    # asked again: a comment may have taken one before the lock was ours
    return Attachment.objects.filter(~Exists(used), pk__in=doomed).delete()[0]


def _beginning(chunks: Iterable[Bytes]) -> tuple[bytes, Iterator[Bytes]]:
    """The first bytes, at least `HEAD_BYTES` where there are so many, and what follows them."""
    head, rest = bytearray(), iter(chunks)
    while len(head) < HEAD_BYTES and (chunk := next(rest, None)) is not None:
        head += chunk
    return bytes(head), rest


def _bounded(head: bytes, rest: Iterator[Bytes], most: int) -> Iterator[Bytes]:
    seen = len(head)
    _check_size(seen, most)
    yield head
    for chunk in rest:
        seen += len(chunk)
        _check_size(seen, most)
        yield chunk


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise TooLarge(
            _("An attachment of this kind may have at most %(most)d MB. Put large files into a repo and link to them.")
            % {"most": most // MB}
        )


def _most_bytes(kind: MediaType) -> int:
    limit: int = settings.ATTACHMENT_VIDEO_MB if kind.is_video else settings.ATTACHMENT_MB
    return limit * MB


def _largest_bytes() -> int:
    return max(settings.ATTACHMENT_VIDEO_MB, settings.ATTACHMENT_MB) * MB


def _check_room(actor: User, coming: int) -> None:
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)  # two that fit alone may not fit together
    held: int = actor.attachments.aggregate(total=Sum("blob__size", default=0))["total"]
    most = settings.ATTACHMENT_QUOTA_MB * MB
    if held + coming > most:
        raise QuotaExceeded(
            _(
                "Your attachments may have %(most)d MB together, and hold %(held)d MB. Hide comments whose attachments "
                "are not needed, or put the file into a repo and link to it."
            )
            % {"most": most // MB, "held": held // MB},
            limit_bytes=most,
            used_bytes=held,
        )
