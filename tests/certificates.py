"""A certificate authority for one test session: nobody trusts it who was not told to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    """Two PEM files: what a server shows, and the key to it."""

    chain: Path
    key: Path


class Authority:
    """Signs certificates; `bundle` is the file that trusts it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("tests")
        self._issued = 0
        self.bundle = folder / "authority.pem"
        own = _builder(self._name, self._name, self._key, days=30).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        signed = own.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.bundle.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        self._certificate = signed

    def issue(self, *hosts: str, days: int = 30) -> Certificate:
        """Returns a certificate for these names and addresses; it ran out already when `days` is negative."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(key, _for_hosts(_builder(_name(hosts[0]), self._name, key, days), hosts), self._key)

    def self_signed(self, *hosts: str) -> Certificate:
        """Returns a certificate that no authority vouches for."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(key, _for_hosts(_builder(_name(hosts[0]), _name(hosts[0]), key, 30), hosts), key)

    def _write(
        self, key: ec.EllipticCurvePrivateKey, builder: x509.CertificateBuilder, signer: ec.EllipticCurvePrivateKey
    ) -> Certificate:
        self._issued += 1
        found = Certificate(self._folder / f"{self._issued}.pem", self._folder / f"{self._issued}.key")
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        signed = builder.add_extension(authority, critical=False).sign(signer, hashes.SHA256())
        found.chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        found.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return found


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    end = datetime.now(UTC) + timedelta(days=days)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(end - timedelta(days=60))
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _for_hosts(builder: x509.CertificateBuilder, hosts: tuple[str, ...]) -> x509.CertificateBuilder:
    return builder.add_extension(x509.SubjectAlternativeName([_host(text) for text in hosts]), critical=False)


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
