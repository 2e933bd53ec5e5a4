"""Forms of discussions."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.actions.community.discussions import LONGEST_TITLE
from catalog.pages.forms import PageForm

MARKDOWN_HELP = _("Markdown: **bold**, `code`, [links](https://…), lists.")


class DiscussionForm(PageForm):
    title = forms.CharField(label=_("Title"), max_length=LONGEST_TITLE)
    text = forms.CharField(
        label=_("What is it about"), required=False, widget=forms.Textarea(attrs={"rows": 8}), help_text=MARKDOWN_HELP
    )


class CommentForm(PageForm):
    text = forms.CharField(label=_("Your comment"), widget=forms.Textarea(attrs={"rows": 5}), help_text=MARKDOWN_HELP)


class TitleForm(PageForm):
    title = forms.CharField(label=_("Title"), max_length=LONGEST_TITLE)
