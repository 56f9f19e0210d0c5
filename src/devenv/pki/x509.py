"""Pure. X.509 for development: a constrained CA, its leaf certificates, and what a PEM text says.

It is the only module that knows `cryptography`; it reads no clock and no file. A CA certificate is
a function of its key: one that is damaged or runs out is issued again with the same subject and
key identifier, so whoever trusts the old one trusts what either signed. Rules: RFC 5280 section
4.2.1 for extensions, the CA/Browser Forum's Baseline Requirements 7.1.2 for how a CA is
constrained, Apple's HT210176 for what a leaf signed by a private CA must look like.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLOCK_SKEW = timedelta(hours=1)
"""How much earlier than now a certificate starts: virtual machines wake up with slow clocks."""

CA_LIFETIME = timedelta(days=3650)
"""Trusting a CA is the one step a person does by hand; it is asked for once in ten years."""

LEAF_LIFETIME = timedelta(days=397)
"""Apple refuses more than 825 days from any CA (HT210176) and 398 from a public one (HT211025)."""

ORGANIZATION = "devenv development"

COMMON_NAME_CHARACTERS = 64
"""ub-common-name, RFC 5280 appendix A.1."""

DNS_NAME = re.compile(r"(?:\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Validity:
    """A certificate's life; both ends are aware UTC."""

    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says about itself."""

    validity: Validity
    names: frozenset[str]
    """DNS names of the subject; of a CA none."""
    permitted: frozenset[str]
    """DNS suffixes that a CA may sign for; of a leaf none."""
    serial: int


def new_key() -> bytes:
    """Return a new P-256 private key as PEM; the one function here that draws random bits."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def new_serial() -> int:
    """Return a random positive serial number of at most 20 octets (RFC 5280 section 4.1.2.2)."""
    return x509.random_serial_number()


def is_dns_name(name: str) -> bool:
    """Return whether *name* is a lower-case host name or a wildcard directly below one."""
    labels = name.removeprefix("*.").split(".")
    return (
        DNS_NAME.fullmatch(name) is not None
        and len(name) <= 253
        and all(len(label) <= 63 for label in labels)
    )


def is_refused_wildcard(name: str) -> bool:
    """Return whether clients refuse *name* because its star stands right below a top-level name.

    Source: RFC 6125 section 7.2; Chromium and curl both refuse `*.localhost`.
    """
    return name.startswith("*.") and "." not in name.removeprefix("*.")


def is_covered(name: str, permitted: Collection[str]) -> bool:
    """Return whether a CA constrained to *permitted* may sign *name*, wildcard or not.

    A constraint matches itself and every name below it (RFC 5280 section 4.2.1.10).
    """
    plain = name.removeprefix("*.")
    return any(plain == suffix or plain.endswith(f".{suffix}") for suffix in permitted)


def leaf_validity(now: datetime, ca: Validity) -> Validity:
    """Return the validity of a leaf certificate issued at *now* (aware UTC).

    Starts early to tolerate slow client clocks and never exceeds the CA's, because every
    certificate of a path must be valid at once. Source: RFC 5280 section 6.1.3 (a)(2).
    """
    return Validity(max(now - CLOCK_SKEW, ca.not_before), min(now + LEAF_LIFETIME, ca.not_after))


def issue_ca(key: bytes, permitted: Sequence[str], *, serial: int, now: datetime) -> bytes:
    """Return the PEM certificate of a CA that may sign for *permitted* suffixes and nothing else.

    IP addresses are excluded by name, because a constraint on DNS names says nothing about them;
    the extended key usage keeps it from signing programs or mail.
    """
    private = _load_key(key)
    name = _ca_name(private)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(serial)
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_constraints(permitted), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False
        )
    )
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def issue_leaf(ca: Pair, key: bytes, names: Sequence[str], *, serial: int, now: datetime) -> bytes:
    """Return the PEM certificate of a server that answers for *names*, signed by *ca*.

    The CA's own constraints are not asked here: that they bind clients is what makes them worth
    having.
    """
    issuer = x509.load_pem_x509_certificate(ca.certificate)
    public = _load_key(key).public_key()
    validity = leaf_validity(now, _validity(issuer))
    issuer_key_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(_leaf_name(names))
        .issuer_name(issuer.subject)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key_id),
            critical=False,
        )
    )
    signed = builder.sign(_load_key(ca.key), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def read_certificate(certificate: bytes) -> Facts:
    """Return what a PEM certificate says.

    Raises:
        ValueError: it is not one whole certificate with extensions that can be read.
    """
    parsed = x509.load_pem_x509_certificate(certificate)
    names: frozenset[str] = frozenset()
    permitted: frozenset[str] = frozenset()
    for extension in parsed.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            names = frozenset(extension.value.get_values_for_type(x509.DNSName))
        elif isinstance(extension.value, x509.NameConstraints):
            subtrees = extension.value.permitted_subtrees or ()
            permitted = frozenset(tree.value for tree in subtrees if isinstance(tree, x509.DNSName))
    return Facts(_validity(parsed), names, permitted, parsed.serial_number)


def is_key(key: bytes) -> bool:
    """Return whether *key* is a private key that this module can sign with."""
    try:
        _load_key(key)
    except ValueError:
        return False
    return True


def is_pair(pair: Pair) -> bool:
    """Return whether the certificate is the key's own; raises ValueError as reading does."""
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    return certificate.public_key() == _load_key(pair.key).public_key()


def is_issued_by(certificate: bytes, ca: bytes) -> bool:
    """Return whether *ca*'s key signed *certificate*; raises ValueError as reading does."""
    issuer = x509.load_pem_x509_certificate(ca)
    try:
        x509.load_pem_x509_certificate(certificate).verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 (InvalidSignature, ValueError, TypeError: all mean no)
        return False
    return True


def split_bundle(bundle: bytes) -> tuple[bytes, ...]:
    """Return the certificates of a PEM bundle, each once, without the comments between them."""
    return tuple(dict.fromkeys(block + b"\n" for block in PEM_CERTIFICATE.findall(bundle)))


def _load_key(key: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except TypeError as error:
        raise ValueError("the key is encrypted") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not an elliptic curve key")  # noqa: TRY004 (a bad value)
    return private


def _validity(certificate: x509.Certificate) -> Validity:
    return Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _ca_name(key: ec.EllipticCurvePrivateKey) -> x509.Name:
    """Return a subject that is the same for the same key, and tells two machines' CAs apart."""
    digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, f"devenv local CA {digest[:8]}"),
        ]
    )


def _leaf_name(names: Sequence[str]) -> x509.Name:
    """Return a subject with a common name where one fits: some clients show nothing else."""
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION)]
    if len(names[0]) <= COMMON_NAME_CHARACTERS:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, names[0]))
    return x509.Name(attributes)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _constraints(permitted: Sequence[str]) -> x509.NameConstraints:
    return x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(suffix) for suffix in permitted],
        excluded_subtrees=[
            x509.IPAddress(IPv4Network("0.0.0.0/0")),
            x509.IPAddress(IPv6Network("::/0")),
        ],
    )
