"""Attachments of comments: `POST /uploads` takes one, `/-/attachments/{id}` serves it to whoever may read a comment.

Source: huggingface_hub 2.4, hf_api.py (upload_attachment).
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from catalog import actors, discussion_access, links
from catalog.actions.community import attachments
from catalog.actors import Actor
from catalog.errors import BlobUnavailable
from catalog.hub_api import bodies
from catalog.hub_api.serving import Content, content_response
from catalog.models import Blob
from catalog.parsing import media_types


def upload(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The raw body is the file; the answer is its address as plain text."""
    user = actors.personally(actor)
    size = bodies.content_length(request)
    made = attachments.attach(chunks=bodies.pieces(request), size=size, actor=user)
    return HttpResponse(links.origin(request) + made.path, content_type="text/plain; charset=utf-8")


def send(request: HttpRequest, actor: Actor, attachment_id: str) -> HttpResponseBase:
    """Pictures in place, films and sounds as downloads; asked every time (security 8)."""
    found, is_public = discussion_access.attachment_to_read(actor, attachment_id)
    if found.blob.state == Blob.State.CORRUPT:
        raise BlobUnavailable
    kind = media_types.named(found.media_type)
    name = found.public_id + (kind.suffix if kind else "")
    content = Content(found.blob.sha256, found.blob.size, found.blob.sha256, name, not is_public)
    return content_response(request, content, {})
