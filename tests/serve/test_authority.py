"""What an authority can vouch for, told by OpenSSL in a handshake: the judge of most clients, and none of ours."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from margelle.errors import BadInput
from margelle.serve.authority import (
    AUTHORITY_LIFE,
    Certified,
    Host,
    fingerprint,
    host,
    hosts_of,
    new_authority,
    new_server,
)

NOW = datetime.now(UTC)  # OpenSSL judges by the machine's clock
VENDOR = "interop.ondilo.com"


@pytest.fixture(scope="module")
def authority() -> Certified:
    return new_authority([VENDOR, "pool.home.arpa", "192.168.1.10"], "Margelle on test", NOW)


def handshake(authority: Certified, server: Certified, name: str, folder: Path) -> None:
    """A TLS handshake in memory by a client that trusts `authority` and asks for `name`. Raises what the client raises."""
    file = folder / "server.pem"
    file.write_bytes(
        server.certificate.public_bytes(serialization.Encoding.PEM)
        + server.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(file)
    asking = ssl.create_default_context(
        cadata=authority.certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
    )
    asking.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(back, there, server_hostname=name)
    peer = serving.wrap_bio(there, back, server_side=True)
    waiting = [client, peer]
    while waiting:
        for side in tuple(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass


@pytest.mark.parametrize("name", [VENDOR, "localhost", "127.0.0.1", "::1", "pool.home.arpa", "192.168.1.10"])
def test_a_client_that_trusts_the_authority_believes_every_name_of_it(
    authority: Certified, tmp_path: Path, name: str
) -> None:
    server = new_server(authority, hosts_of(authority.certificate), NOW)
    handshake(authority, server, name, tmp_path)


@pytest.mark.parametrize("name", ["bank.example", "ondilo.com", "evil-interop.ondilo.com", "192.168.1.11", "::2"])
def test_a_stolen_authority_cannot_vouch_for_anything_else(authority: Certified, tmp_path: Path, name: str) -> None:
    stolen: Host
    try:
        stolen = ip_address(name)
    except ValueError:
        stolen = name
    for names in ([stolen], [VENDOR, stolen]):
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
            handshake(authority, new_server(authority, names, NOW), name, tmp_path)


def test_nor_can_it_make_another_authority(authority: Certified, tmp_path: Path) -> None:
    lesser = new_authority([VENDOR], "lesser", NOW)
    forged = (
        x509.CertificateBuilder(
            authority.certificate.subject,
            lesser.certificate.subject,
            lesser.key.public_key(),
            x509.random_serial_number(),
            NOW - timedelta(hours=1),
            NOW + timedelta(days=1),
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority.key, hashes.SHA256())
    )
    server = new_server(Certified(forged, lesser.key), [VENDOR], NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority, server, VENDOR, tmp_path)


def test_the_limits_are_critical_and_for_servers_only(authority: Certified) -> None:
    extensions = authority.certificate.extensions
    assert extensions.get_extension_for_class(x509.NameConstraints).critical
    assert extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_an_authority_lasts_ten_years_and_a_certificate_no_longer_than_clients_bear(authority: Certified) -> None:
    server = new_server(authority, [VENDOR], NOW)
    life = server.certificate.not_valid_after_utc - server.certificate.not_valid_before_utc
    assert timedelta(days=390) < life <= timedelta(days=397)
    assert abs(authority.ends_at - NOW - AUTHORITY_LIFE) < timedelta(days=1)


def test_a_certificate_ends_with_its_authority(authority: Certified) -> None:
    late = authority.ends_at - timedelta(days=100)
    assert new_server(authority, [VENDOR], late).ends_at <= authority.ends_at


@pytest.mark.parametrize(
    "name",
    ["", "com", "hub", "https://pool.example", "pool.example/x", "pool.example:443", "*.example.org", "a b.example"],
)
def test_what_is_no_host_or_too_many_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        host(name)


def test_a_name_is_taken_as_it_is_looked_up() -> None:
    assert (host("Pool.Example."), host("bäder.example"), host("localhost")) == (
        "pool.example",
        "xn--bder-loa.example",
        "localhost",
    )


def test_a_fingerprint_is_spelt_as_openssl_does(authority: Certified) -> None:
    shown = fingerprint(authority.certificate)
    assert len(shown.split(":")) == 32
    assert shown == shown.upper()
