"""A certificate authority for one hub: it can vouch for the hosts it was made for, and for nothing else in the world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from margelle.errors import BadInput
from margelle.net.address import host_name

AUTHORITY_LIFE: Final = timedelta(days=3652)
"""Ten years: whoever trusts it does so by hand, and should not have to often."""

SERVER_LIFE: Final = timedelta(days=396)
"""Below the 397 days beyond which some clients believe no server."""

HERE: Final = ("localhost", "127.0.0.1", "::1")
"""In every authority. With an address in it, it is bound in addresses too: a kind of name without limits would be free."""

_EARLIER: Final = timedelta(hours=1)  # a client's clock may be behind
_SERVER_ONLY: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])

Host = str | IPv4Address | IPv6Address


class Certified(Struct, frozen=True):
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def ends_at(self) -> datetime:
        """Until when it is good, UTC."""
        return self.certificate.not_valid_after_utc


def host(name: str) -> Host:
    """`name` as a certificate has it: an address, or a name with a dot in ASCII. Raises BadInput.

    A name by itself is refused, for it would stand for all names that end in it: an authority for `com` could be anybody.
    """
    try:
        return ip_address(name)
    except ValueError:
        pass
    known = host_name(name)
    if "." not in known and known != "localhost":
        raise BadInput(f"{known!r} has no dot.", hint=f"Give the whole name, such as {known}.local or {known}.lan.")
    return known


def new_authority(names: Iterable[str], title: str, now: datetime) -> Certified:
    """An authority called `title` for `names` and this machine itself. Raises BadInput for what is no host."""
    hosts = dict.fromkeys(host(name) for name in (*names, *HERE))
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(title)
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(subject, subject, key, now, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(_SERVER_ONLY, critical=False)
        .add_extension(x509.NameConstraints([_subtree(one) for one in hosts], None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Certified(certificate, key)


def new_server(authority: Certified, names: Sequence[Host], now: datetime) -> Certified:
    """A server's certificate for `names`, by `authority`; never good for longer than that one itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate
    ends_at = min(now + SERVER_LIFE, authority.ends_at)
    known = [x509.DNSName(one) if isinstance(one, str) else x509.IPAddress(one) for one in names]
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(_subject("Margelle"), issuer.subject, key, now, ends_at)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(known), critical=False)
        .add_extension(_SERVER_ONLY, critical=False)
        .add_extension(identifier, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Certified(certificate, key)


def hosts_of(certificate: x509.Certificate) -> tuple[Host, ...]:
    """All that the authority of `certificate` may vouch for."""
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    values = [subtree.value for subtree in constraints.permitted_subtrees or ()]
    return tuple(value if isinstance(value, str) else value.network_address for value in values)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256, as other programs show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _subject(title: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Margelle"), x509.NameAttribute(NameOID.COMMON_NAME, title[:64])]
    )


def _subtree(one: Host) -> x509.GeneralName:
    return x509.DNSName(one) if isinstance(one, str) else x509.IPAddress(ip_network(one))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, ends_at: datetime
) -> x509.CertificateBuilder:
    begins_at = (now - _EARLIER).replace(microsecond=0)
    return x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), begins_at, ends_at.replace(microsecond=0)
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
