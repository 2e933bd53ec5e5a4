"""A device with passkeys, as a browser talks to it: real keys and signatures, no screen."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from catalog.actions.people import passkeys
from catalog.models import User

ORIGIN = "http://testserver"
FLAG = AuthenticatorData.FLAG


@dataclass
class Device:
    """One passkey; `origin` is the page that asks it."""

    origin: str = ORIGIN
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    recovery_codes: list[str] = field(default_factory=list)

    def make(self, options: str) -> str:
        """Answers the question for a new passkey."""
        public = AttestedCredentialData.create(
            bytes(16), self.credential_id, ES256.from_cryptography_key(self.key.public_key())
        )
        known = AuthenticatorData.create(self._site(), FLAG.UP | FLAG.AT, 0, public)
        return self._answer(
            clientDataJSON=self._asked("webauthn.create", options),
            attestationObject=AttestationObject.create("none", known, {}),
        )

    def sign(self, options: str) -> str:
        """Answers the question of the second step."""
        asked = self._asked("webauthn.get", options)
        known = AuthenticatorData.create(self._site(), FLAG.UP, 1)
        signature = self.key.sign(known + sha256(asked).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=asked, authenticatorData=known, signature=signature)

    def _asked(self, kind: str, options: str) -> bytes:
        return bytes(CollectedClientData.create(kind, json.loads(options)["challenge"], self.origin))

    def _site(self) -> bytes:
        return sha256(urlsplit(self.origin).hostname.encode()).digest()

    def _answer(self, **parts: bytes) -> str:
        shown = websafe_encode(self.credential_id)
        response = {name: websafe_encode(bytes(part)) for name, part in parts.items()}
        return json.dumps(
            {"id": shown, "rawId": shown, "type": "public-key", "clientExtensionResults": {}, "response": response}
        )


def passkey_of(user: User, name: str = "blue key") -> Device:
    """A passkey this person has added."""
    device = Device()
    question = passkeys.ask_for_new(user=user, origin=ORIGIN)
    device.recovery_codes = passkeys.add(
        user=user, origin=ORIGIN, state=question.state, answer=device.make(question.options), name=name
    )
    return device
