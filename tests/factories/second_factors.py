"""People with an app for one-time codes."""

from __future__ import annotations

from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp

from catalog.actions.people import second_factor
from catalog.models import User


@dataclass
class App:
    """What somebody has on their phone, and on paper."""

    user: User
    secret: str
    recovery_codes: list[str] = field(default_factory=list)

    def code(self) -> str:
        """The next code that was not taken yet; good for half a minute at least, whenever it is asked for."""
        return code_of(self.secret, self._factor().data[second_factor.TAKEN] + 1)

    def let_time_pass(self) -> None:
        """As if the code that was taken last had been one of long ago."""
        factor = self._factor()
        factor.data[second_factor.TAKEN] -= 1
        factor.save()

    def _factor(self) -> Authenticator:
        return Authenticator.objects.get(user=self.user, type=Authenticator.Type.TOTP)


def code_of(secret: str, counter: int | None = None) -> str:
    """The code of a time step, or of this moment."""
    if counter is None:
        _before, counter, _after = totp.yield_hotp_counters_from_time()
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def enrolled(user: User) -> App:
    secret = second_factor.new_secret()
    return App(user, secret, second_factor.enrol(user=user, secret=secret, code=code_of(secret)))
