"""Forms of discussions."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.actions.community.discussions import LONGEST_TITLE
from catalog.pages.forms import PageForm
from catalog.parsing.media_types import MEDIA_TYPES

MARKDOWN_HELP = _("Markdown: **bold**, `code`, [links](https://…), lists.")


def _attachment() -> forms.FileField:
    types = ",".join(kind.name for kind in MEDIA_TYPES)
    return forms.FileField(
        label=_("Picture, film or sound"),
        required=False,
        max_length=200,
        widget=forms.FileInput(attrs={"class": "input", "accept": types}),
    )


class DiscussionForm(PageForm):
    title = forms.CharField(label=_("Title"), max_length=LONGEST_TITLE)
    text = forms.CharField(
        label=_("What is it about"), required=False, widget=forms.Textarea(attrs={"rows": 8}), help_text=MARKDOWN_HELP
    )
    attachment = _attachment()


class CommentForm(PageForm):
    text = forms.CharField(label=_("Your comment"), widget=forms.Textarea(attrs={"rows": 5}), help_text=MARKDOWN_HELP)
    attachment = _attachment()


class TitleForm(PageForm):
    title = forms.CharField(label=_("Title"), max_length=LONGEST_TITLE)
