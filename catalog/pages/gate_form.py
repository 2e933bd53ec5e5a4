"""The form a gated repo asks people to fill in, as its card describes it (`extra_gated_…`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.actions.community.gating import LONGEST_FIELD, MOST_FIELDS
from catalog.models import Repo
from catalog.pages.forms import PageForm

LONGEST_PROMPT: Final = 20_000  # characters
INPUTS: Final = {"date_picker": "date", "country": "text", "text": "text"}


@dataclass(frozen=True)
class Gate:
    """What the owner of a repo says and asks before giving its files."""

    heading: str
    prompt: str
    form: AnswersForm


class AnswersForm(PageForm):
    """One field for each that the card names, what to agree to last; what is no field is left out.

    The order in the card is not kept in its facts (jsonb sorts keys).
    """

    def __init__(self, asked: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  passed through to Django
        super().__init__(*args, **kwargs)
        self.labels: dict[str, str] = {}
        for number, (label, wanted) in enumerate(
            sorted(asked.items(), key=lambda one: one[1] == "checkbox")[:MOST_FIELDS]
        ):
            field = _field(str(label), wanted)
            if field is not None:
                self.labels[f"field-{number}"] = str(label)
                self.fields[f"field-{number}"] = field

    def answers(self) -> dict[str, str]:
        """What was written, by the labels of the card."""
        return {label: str(self.cleaned_data[name]) for name, label in self.labels.items()}


def gate_of(repo: Repo, data: Mapping[str, Any] | None = None) -> Gate:
    card = repo.facts.card_data or {}
    asked = card.get("extra_gated_fields")
    return Gate(
        heading=_text(card.get("extra_gated_heading"))[:200],
        prompt=_text(card.get("extra_gated_prompt"))[:LONGEST_PROMPT],
        form=AnswersForm(asked if isinstance(asked, dict) else {}, data),
    )


def _field(label: str, wanted: object) -> forms.Field | None:
    """The field for one entry of a card; None for what people do not fill in or nobody understands."""
    if wanted == "checkbox":
        return forms.BooleanField(label=label)
    if isinstance(wanted, dict):
        options = wanted.get("options")
        if wanted.get("type") != "select" or not isinstance(options, list):
            return None
        names = [str(one.get("value", "") if isinstance(one, dict) else one) for one in options]
        widget = forms.Select(attrs={"class": "input"})
        return forms.ChoiceField(
            label=label, choices=[("", _("choose")), *zip(names, names, strict=True)], widget=widget
        )
    if not isinstance(wanted, str) or wanted not in INPUTS:
        return None
    attrs = {"class": "input", "type": INPUTS[wanted]}
    return forms.CharField(label=label, max_length=LONGEST_FIELD - len(label), widget=forms.TextInput(attrs=attrs))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
