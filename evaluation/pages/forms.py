"""Forms of evaluation's pages: they read and pre-check what people type; actions decide.

Three of them stand on one page, so each has a prefix of its own for the ids of its fields.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import Namespace
from catalog.pages.forms import PageForm
from catalog.parsing.names import LONGEST_NAME
from evaluation.benchmarks.exchange import FORMATS
from evaluation.benchmarks.strict import MAX_YAML_BYTES

TASKS = [
    ("text-classification", _("Texts with labels – a table (CSV, JSON lines)")),
    ("image-classification", _("Images with labels – a zip with a folder for each label")),
    ("other", _("Another table – you write the definition")),
]


class OwnedForm(PageForm):
    """Whose the new thing is; the choices are those this person may create in."""

    short: ClassVar[str] = ""  # begins the ids of its fields

    namespace = forms.ChoiceField(label=_("Team"), help_text=_("Only its members will see it, and what comes of it."))

    def __init__(self, *args: Any, namespaces: list[Namespace], **kwargs: Any) -> None:  # noqa: ANN401  passed through to Django
        kwargs.setdefault("auto_id", f"{self.short}-%s")
        super().__init__(*args, **kwargs)
        field = self.fields["namespace"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(space.name, space.name) for space in namespaces]


class DatasetForm(OwnedForm):
    """A table or a zip of images."""

    short = "data"

    task = forms.ChoiceField(label=_("What it is"), choices=TASKS, widget=forms.RadioSelect)
    name = forms.CharField(
        label=_("Name"), max_length=LONGEST_NAME,
        help_text=_("Of the private dataset. A second upload under the same name is its next revision."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "class": "input code"}),
    )  # fmt: skip
    text_column = forms.CharField(
        label=_("Column of the text"),
        initial="text",
        max_length=200,
        widget=forms.TextInput(attrs={"class": "input code"}),
    )
    label_column = forms.CharField(
        label=_("Column of the label"),
        initial="label",
        max_length=200,
        widget=forms.TextInput(attrs={"class": "input code"}),
    )
    file = forms.FileField(label=_("File"), help_text=_("At most 50 MiB. 50 labelled samples are enough to start."))


class DefinitionForm(OwnedForm):
    """One YAML document."""

    short = "definition"

    definition = forms.CharField(
        label=_("Definition"), max_length=MAX_YAML_BYTES,
        widget=forms.Textarea(attrs={"rows": 24, "class": "input code", "spellcheck": "false"}),
        help_text=_("YAML. Unknown keys are refused; revisions are commits, never branches."),
    )  # fmt: skip


class ImportForm(PageForm):
    """A document in the words of another project."""

    format = forms.ChoiceField(label=_("Format"), choices=[(name, name) for name in FORMATS])
    dataset = forms.CharField(
        label=_("Dataset"), required=False, max_length=200, help_text=_("owner/name; an eval.yaml does not say it."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "class": "input code"}),
    )  # fmt: skip
    text = forms.CharField(
        label=_("Document"), max_length=MAX_YAML_BYTES,
        widget=forms.Textarea(attrs={"rows": 10, "class": "input code", "spellcheck": "false"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  passed through to Django
        kwargs.setdefault("auto_id", "import-%s")
        super().__init__(*args, **kwargs)
