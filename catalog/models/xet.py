"""What accounts sent by Xet: chunk tables of xorbs, where their content lies by now, and parts of LFS uploads."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.accounts import User
from catalog.models.blob import Blob, Upload
from catalog.parsing.chunk_table import ChunkTable


class StagedXorb(models.Model):
    """A xorb one account sent here in full and that hashed right.

    Its bytes wait in the staging area until blobs hold all of its chunks; from then on the extents say where.
    """

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    xorb_hash = models.CharField(max_length=64)  # Xet's text form (hub-api 17.2)
    size = models.BigIntegerField()  # bytes as sent
    table = models.BinaryField(default=b"")  # of `ChunkTable`
    is_staged = models.BooleanField(default=True)  # the bytes themselves are here
    received_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now, db_index=True)  # last sent or named by an accepted shard

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["account", "xorb_hash"], name="staged_xorb_unique")
        ]

    def __str__(self) -> str:
        return self.xorb_hash

    @property
    def chunks(self) -> ChunkTable:
        return ChunkTable(bytes(self.table))


class MarkedChunk(models.Model):
    """A chunk by whose hash clients ask whether its surroundings were sent before; it lies in this xorb.

    They ask for the first chunk of a file and for about one in a thousand others, so few are kept (hub-api 17.5).
    """

    # the xorb's own, for the index of the constraint
    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    chunk_hash = models.CharField(max_length=64)
    xorb = models.ForeignKey(StagedXorb, on_delete=models.CASCADE, related_name="marked_chunks")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["account", "chunk_hash"], name="marked_chunk_unique")
        ]

    def __str__(self) -> str:
        return f"chunk {self.chunk_hash} in {self.xorb_id}"


class XorbExtent(models.Model):
    """Chunks `first` to `end` (exclusive) of a xorb lie in a row in a blob, from `blob_offset` on.

    Collection spares a blob while an extent names it; extents go with their xorb, 22 days after its last use.
    """

    xorb = models.ForeignKey(StagedXorb, on_delete=models.CASCADE, related_name="extents")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="xorb_extents")
    first = models.IntegerField()
    end = models.IntegerField()
    blob_offset = models.BigIntegerField()  # bytes

    def __str__(self) -> str:
        return f"chunks {self.first} to {self.end} of {self.xorb_id} in {self.blob_id}"


class UploadPart(models.Model):
    """One part of a large LFS upload, whole in the staging area once it has an etag."""

    # None: the upload is over, and so are these bytes
    upload = models.ForeignKey(Upload, on_delete=models.SET_NULL, null=True, related_name="parts")
    number = models.IntegerField()  # from 1
    size = models.BigIntegerField(default=0)
    etag = models.CharField(max_length=64, default="")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["upload", "number"], name="upload_part_unique")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.upload_id}"
