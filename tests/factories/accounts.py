from collections.abc import Sequence

import factory
from factory.django import DjangoModelFactory

from catalog.actions.people import accounts
from catalog.models import Membership, Namespace, Organisation, Repo, User


class UserFactory(DjangoModelFactory):
    """A person; `password="…"` lets them sign in."""

    class Meta:
        model = User

    name = factory.Sequence(lambda number: f"person{number}")
    password = None

    @classmethod
    def _create(cls, _model_class, *_args, password, **fields):
        user = accounts.create_user(**fields)
        if password is not None:
            user.set_password(password)
            user.save(update_fields=["password"])
        return user


class OrganisationFactory(DjangoModelFactory):
    """A team; `members={"read": [user], …}` adds people to its administrator."""

    class Meta:
        model = Organisation

    name = factory.Sequence(lambda number: f"team{number}")
    admin = factory.SubFactory(UserFactory)
    members = factory.LazyFunction(dict)

    @classmethod
    def _create(cls, _model_class, *_args, members, **fields):
        organisation = accounts.create_organisation(**fields)
        for role, users in members.items():
            for user in users:
                Membership.objects.create(organisation=organisation, user=user, role=role)
        return organisation


def token_of(user: User, role: str = "write", grants: Sequence[tuple[str | Repo, str]] = ()) -> str:
    """Returns the secret of a new access token; `grants=[("acme", "read"), (repo, "write")]` make it fine-grained."""
    places = [
        (Namespace.objects.get(key=place) if isinstance(place, str) else place, role_there)
        for place, role_there in grants
    ]
    role = "fineGrained" if grants else role
    _token, secret = accounts.create_token(user=user, name=f"token {user.tokens.count()}", role=role, grants=places)
    return secret
