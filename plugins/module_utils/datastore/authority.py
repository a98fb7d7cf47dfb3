# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of etcd: an authority, what it signs, and when either is due to be made again. Pure but for chance.

Certificates are PEM texts. A *bundle* is a certificate with its chain and its key in one text, so that whoever writes
it to a file replaces both in one step; OpenSSL and Go read either out of it. It is used on the controller only, with
the library that ansible-core itself needs.

What etcd asks of certificates: https://etcd.io/docs/v3.5/op-guide/security/. Its JSON gateway is a client of the member
itself, so members' certificates are for both sides; with users, those of clients must have no common name.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidInput

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:  # on hosts, where nothing here is used
    x509 = None  # type: ignore[assignment]

PEER_NAME = "container-network-etcd-peer"
"""The common name by which members know each other; no certificate of a client has it."""
ORGANIZATION = "container_network.lab"
AUTHORITY_DAYS = 3650
_EARLIER = datetime.timedelta(hours=1)
"""Certificates are valid from a moment before they are made, since clocks of hosts differ."""


@dataclass(frozen=True)
class Purpose:
    """What a certificate is for, by its name in files; ``serves``: also for the server's side of a connection."""

    name: str
    serves: bool
    common_name: str | None = None


SERVER = Purpose("server", serves=True)
PEER = Purpose("peer", serves=True, common_name=PEER_NAME)
CLIENT = Purpose("client", serves=False)


@dataclass(frozen=True)
class Validity:
    """For how many days a certificate is valid, and how many before its end it is made again."""

    days: int
    renewal_days: int

    def problems(self) -> list[str]:
        """What is wrong with the numbers."""
        if self.days >= 2 and 0 < self.renewal_days < self.days:
            return []
        return [
            f"etcd_certificate_days is {self.days} and etcd_renewal_days {self.renewal_days}: certificates must be "
            "valid for at least 2 days, and renewed after some of them, as 365 and 90"
        ]


@dataclass(frozen=True)
class Authority:
    """A certificate with which others are signed, and its key; behind it may stand those of the authorities above."""

    certificate: str
    key: str

    @classmethod
    def make(cls, now: datetime.datetime, key: str | None = None) -> Authority:
        """A new authority; with the key of an earlier one, what that one has signed stays valid."""
        signing = _load_key(key) if key else ec.generate_private_key(ec.SECP256R1())
        name = _name("etcd authority", common_name=f"{ORGANIZATION} etcd authority")
        builder = (
            _builder(name, name, signing.public_key(), now, now + datetime.timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(signing.public_key()), critical=False)
        )
        return cls(_text(builder.sign(signing, hashes.SHA256())), _key_text(signing))

    def is_due(self, now: datetime.datetime, validity: Validity) -> bool:
        """Whether it ends before a certificate would that is made at the last moment before its own renewal."""
        return _end(self._own) < now + datetime.timedelta(days=validity.days + validity.renewal_days)

    def problems(self, now: datetime.datetime, days: int, places: tuple[str, str]) -> list[str]:
        """What is wrong with an authority of the user's; ``places``: where certificate and key come from."""
        try:
            own = self._own
        except ValueError as error:
            return [f"{places[0]} is no PEM certificate ({error})"]
        try:
            key = _load_key(self.key)
        except (ValueError, TypeError) as error:
            return [f"{places[1]} is no PEM key without a passphrase ({error})"]
        found = []
        if _public(own.public_key()) != _public(key.public_key()):
            found.append(f"{places[1]} is not the key of {places[0]}")
        try:
            is_authority = own.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            is_authority = False
        if not is_authority:
            found.append(f"{places[0]} is not the certificate of an authority (CA:TRUE)")
        if _end(own) < now + datetime.timedelta(days=days) or _start(own) > now:
            found.append(
                f"{places[0]} is valid from {_start(own):%Y-%m-%d} to {_end(own):%Y-%m-%d}: it must be valid now, and "
                f"not end before the certificates that it is to sign (etcd_certificate_days: {days})"
            )
        return found

    def issue(
        self, purpose: Purpose, host: str, places: Sequence[str], now: datetime.datetime, validity: Validity
    ) -> str:
        """A new bundle for a host that is reached at these names and addresses."""
        signing, key = _load_key(self.key), ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if purpose.serves:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
        subject = _name(f"etcd {purpose.name} {host}", purpose.common_name)
        end = now + datetime.timedelta(days=validity.days)
        builder = (
            _builder(subject, self._own.subject, key.public_key(), now, min(end, _end(self._own)))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(_identifier_of(self._own), critical=False)
        )
        if places:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_place, places))), critical=False)
        chain = "" if self._own.issuer == self._own.subject else self.certificate
        return _text(builder.sign(signing, hashes.SHA256())) + chain + _key_text(key)

    def due_for(
        self, bundle: str, purpose: Purpose, places: Sequence[str], now: datetime.datetime, validity: Validity
    ) -> str | None:
        """Why a bundle must be made again, in words; None if it serves on."""
        try:
            found, key = x509.load_pem_x509_certificate(bundle.encode()), _load_key(bundle)
        except (ValueError, TypeError):
            return "unreadable"
        if _public(found.public_key()) != _public(key.public_key()):
            return "its key is another one's"
        if _end(found) < now + datetime.timedelta(days=validity.renewal_days):
            return "expires"
        if _start(found) > now:
            return "not yet valid"
        if not _is_signed_by(found, self._own):
            return "signed by another authority"
        if _places_of(found) != sorted(places) or _common_name(found) != purpose.common_name:
            return "of another name"
        return None

    @property
    def _own(self) -> Any:
        return x509.load_pem_x509_certificate(self.certificate.encode())


def _builder(subject: Any, issuer: Any, key: Any, now: datetime.datetime, end: datetime.datetime) -> Any:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(end)
    )


def _name(unit: str, common_name: str | None) -> Any:
    attributes = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit[:64]),  # RFC 5280 allows no more
    ]
    if common_name:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


def _key_usage(signs: bool) -> Any:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _identifier_of(authority: Any) -> Any:
    try:
        own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _is_signed_by(certificate: Any, authority: Any) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # of its signature, its names, or its algorithm: the library has a kind for each
        return False
    return True


def _place(text: str) -> Any:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        return x509.DNSName(text)
    except ValueError as error:
        raise InvalidInput([f"'{text}' cannot stand in a certificate of etcd as a name or address: {error}"]) from None


def _places_of(certificate: Any) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return sorted(str(name.value) for name in names)


def _common_name(certificate: Any) -> str | None:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else None


def _start(certificate: Any) -> datetime.datetime:
    return certificate.not_valid_before_utc


def _end(certificate: Any) -> datetime.datetime:
    return certificate.not_valid_after_utc


def _load_key(text: str) -> Any:
    return serialization.load_pem_private_key(_only_key(text).encode(), password=None)


def _only_key(text: str) -> str:
    """The key of a bundle; the library looks at the first object of a text only."""
    _certificates, found, after = text.partition("-----BEGIN PRIVATE KEY-----")
    return found + after if found else text


def _public(key: Any) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _key_text(key: Any) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _text(certificate: Any) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
