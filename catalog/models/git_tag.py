"""Annotated tags as git knows them: objects of their own, which name a commit."""

from __future__ import annotations

from django.db import models

from catalog.models.revision import Ref


class TagObject(models.Model):
    """The git object of a pushed annotated tag, kept as it came: its id and a signature depend on every byte.

    It counts as long as the tag is at the commit the object names; tags made through the API have none.
    """

    ref = models.OneToOneField(Ref, on_delete=models.CASCADE, related_name="tag_object")
    oid = models.CharField(max_length=40)
    target_oid = models.CharField(max_length=40)  # of the commit
    raw = models.BinaryField()  # body of the object

    def __str__(self) -> str:
        return self.oid
