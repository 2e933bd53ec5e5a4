"""Forms of the catalogue's pages: they read and pre-check what people type; actions decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.actions.people.accounts import LONGEST_TOKEN_LIFETIME_DAYS
from catalog.models import AccessToken, Membership, Namespace, Organisation, Repo, User
from catalog.parsing.names import LONGEST_NAME

KINDS = [
    (Repo.Kind.MODEL, _("Model")),
    (Repo.Kind.DATASET, _("Dataset")),
    (Repo.Kind.SPACE, _("Space – the files of a demo app; they are kept here, nothing runs")),
]

TOKEN_ROLES = [
    (AccessToken.Role.READ, _("Read – download what you can see")),
    (AccessToken.Role.WRITE, _("Write – also upload, rate and request runs")),
]


class PageForm(forms.Form):
    """A form whose fields wear our classes and point to their help and errors."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  passed through to Django
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not isinstance(field.widget, (forms.CheckboxInput, forms.RadioSelect)):
                field.widget.attrs.setdefault("class", "input")


class SignInForm(PageForm):
    username = forms.CharField(
        label=_("User name"), max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    password = forms.CharField(
        label=_("Password"), max_length=1000, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )  # fmt: skip


class NewAccountForm(PageForm):
    """The name of an account that begins with an identity provider."""

    name = forms.CharField(
        label=_("User name"), max_length=LONGEST_NAME,
        help_text=_("The first part of your models' names. It cannot be changed later."),
        widget=forms.TextInput(
            attrs={"class": "input code", "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )  # fmt: skip
    full_name = forms.CharField(
        label=_("Full name"), required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


class CodeForm(PageForm):
    """A code of one's app, as people type it."""

    code = forms.CharField(
        label=_("Code"), max_length=40, help_text=_("Six digits, from the app."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "input code"}),
    )  # fmt: skip


class SecondStepForm(CodeForm):
    """The code after the password; a recovery code will do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  passed through to Django
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("Six digits from your app, or one of your recovery codes.")
        self.fields["code"].widget.attrs["autofocus"] = True


class PasskeyForm(PageForm):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("By which you know it again, such as “blue key”.")
    )


class NewRepoForm(PageForm):
    """Where a new model or dataset goes; the choices of `namespace` are those this person may create in."""

    kind = forms.ChoiceField(label=_("What"), choices=KINDS, widget=forms.RadioSelect)
    namespace = forms.ChoiceField(label=_("Owner"))
    name = forms.CharField(
        label=_("Name"), max_length=LONGEST_NAME,
        help_text=_("Latin letters, digits, '.', '_' and '-'. A title in any script goes into the card."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "class": "input code"}),
    )  # fmt: skip
    visibility = forms.ChoiceField(
        label=_("Who can see it"),
        choices=[
            (Repo.Visibility.PUBLIC, _("Public – everybody who can open this site")),
            (Repo.Visibility.PRIVATE, _("Private – only its owner, or the members of its team")),
        ],
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, namespaces: list[Namespace], **kwargs: Any) -> None:  # noqa: ANN401  passed through to Django
        super().__init__(*args, **kwargs)
        field = self.fields["namespace"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(space.name, space.name) for space in namespaces]


class VisibilityForm(PageForm):
    visibility = forms.ChoiceField(
        label=_("Who can see it"),
        choices=[
            (Repo.Visibility.PUBLIC, _("Public – everybody who can open this site")),
            (Repo.Visibility.PRIVATE, _("Private – only its owner, or the members of its team")),
        ],
        widget=forms.RadioSelect,
    )


class UploadForm(PageForm):
    """Words for one commit of files sent by the browser."""

    folder = forms.CharField(
        label=_("Folder"), required=False, max_length=500,
        help_text=_("Where the files go; empty is the top."),
        widget=forms.TextInput(attrs={"class": "input code", "spellcheck": "false"}),
    )  # fmt: skip
    title = forms.CharField(label=_("What changes"), max_length=200, required=False)


class ReviewForm(PageForm):
    stars = forms.TypedChoiceField(
        label=_("Stars"), coerce=int, choices=[(5, "5"), (4, "4"), (3, "3"), (2, "2"), (1, "1")],
        widget=forms.RadioSelect,
    )  # fmt: skip
    text = forms.CharField(
        label=_("Review"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("10 to 4000 characters, in any language. Stars alone count, too."),
    )  # fmt: skip
    used_for = forms.CharField(label=_("Used for"), required=False, max_length=200)
    hardware = forms.CharField(label=_("On which hardware"), required=False, max_length=200)


class ProfileForm(PageForm):
    full_name = forms.CharField(
        label=_("Full name"), required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=_("E-mail"), required=False, help_text=_("Only administrators see it."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )  # fmt: skip


class TokenForm(PageForm):
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("What uses it: “laptop”, “CI of my-project”."))
    role = forms.ChoiceField(
        label=_("What it may do"),
        choices=TOKEN_ROLES,
        widget=forms.RadioSelect,
        initial=AccessToken.Role.READ,
    )
    lifetime_days = forms.IntegerField(
        label=_("Days until it ends"), min_value=1, max_value=LONGEST_TOKEN_LIFETIME_DAYS, initial=90
    )


class PublisherForm(PageForm):
    """Which CI jobs to trust: who signs their tokens, and what these have to say."""

    issuer = forms.ChoiceField(label=_("Whose tokens"))
    claims = forms.CharField(
        label=_("What they have to say"), max_length=6_000,
        widget=forms.Textarea(
            attrs={"rows": 4, "class": "input code", "spellcheck": "false", "autocapitalize": "none"}
        ),
        help_text=_(
            "A claim and its exact value on each line. GitHub Actions: “repository: octo/model”, "
            "“environment: release”, “workflow_ref: octo/model/.github/workflows/release.yml@refs/heads/main”. "
            "GitLab: “project_path: octo/model”, “ref: main”, “ref_protected: true”."
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, issuers: list[str], **kwargs: Any) -> None:  # noqa: ANN401  passed through to Django
        super().__init__(*args, **kwargs)
        field = self.fields["issuer"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(issuer, issuer.removeprefix("https://")) for issuer in issuers]

    def clean_claims(self) -> dict[str, str]:
        claims: dict[str, str] = {}
        for line in filter(None, map(str.strip, self.cleaned_data["claims"].splitlines())):
            name, colon, value = line.partition(":")
            if not colon or name.strip() in claims:
                raise forms.ValidationError(
                    _("“%(line)s” is not a new claim, a colon and a value.") % {"line": line[:80]}
                )
            claims[name.strip()] = value.strip()
        return claims


class TeamForm(PageForm):
    name = forms.CharField(
        label=_("Name"), max_length=LONGEST_NAME,
        help_text=_("The first part of its models' names. It cannot be changed later."),
        widget=forms.TextInput(attrs={"class": "input code", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    full_name = forms.CharField(label=_("Full name"), required=False, max_length=200, help_text=_("In any script."))
    default_visibility = forms.ChoiceField(
        label=_("New repos are"), choices=Organisation.Visibility.choices, widget=forms.RadioSelect,
        initial=Organisation.Visibility.PUBLIC,
    )  # fmt: skip


class MemberForm(PageForm):
    username = forms.CharField(
        label=_("User name"), max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[
            (Membership.Role.READ, _("read – sees private repos")),
            (Membership.Role.WRITE, _("write – also uploads and changes settings")),
            (Membership.Role.ADMIN, _("admin – also decides who is a member")),
        ],
    )

    def clean_username(self) -> User:
        name = self.cleaned_data["username"]
        user = User.objects.filter(namespace__key=name.strip().casefold(), is_active=True).first()
        if user is None:
            raise forms.ValidationError(_("There is nobody of this name here."))
        return user


class MirrorForm(PageForm):
    """What to mirror, and where it goes."""

    kind = forms.ChoiceField(label=_("What"), choices=KINDS, initial=Repo.Kind.MODEL, widget=forms.RadioSelect)
    endpoint = forms.URLField(
        label=_("Address of the other hub"), max_length=300, assume_scheme="https",
        widget=forms.URLInput(attrs={"class": "input code", "placeholder": "https://"}),
    )  # fmt: skip
    upstream = forms.CharField(
        label=_("Its name there"), max_length=200, help_text=_("As in the address: namespace/name."),
        widget=forms.TextInput(attrs={"class": "input code", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    revision = forms.CharField(
        label=_("Revision"), max_length=255, initial="main", widget=forms.TextInput(attrs={"class": "input code"})
    )
    token = forms.CharField(
        label=_("Access token of the other hub"), required=False, max_length=500,
        help_text=_("Only for what is private or gated there. It is stored encrypted and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    namespace = forms.ChoiceField(label=_("Owner here"))
    name = forms.CharField(
        label=_("Name here"), max_length=LONGEST_NAME, required=False, help_text=_("Empty: as it is called there."),
        widget=forms.TextInput(attrs={"class": "input code", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    visibility = forms.ChoiceField(
        label=_("Who can see it"),
        choices=[
            (Repo.Visibility.PUBLIC, _("Public, once the first sync has seen that it is public there")),
            (Repo.Visibility.PRIVATE, _("Private")),
        ],
        initial=Repo.Visibility.PUBLIC,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, namespaces: list[Namespace], **kwargs: Any) -> None:  # noqa: ANN401  passed through to Django
        super().__init__(*args, **kwargs)
        field = self.fields["namespace"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(space.name, space.name) for space in namespaces]
