"""TLS that does not hold: the sentence says why, and nothing was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from margelle.errors import Unreachable
from margelle.net.http import CloudHttp
from margelle.ports import Request
from tests import hostile
from tests.conftest import NOW


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[hostile.HostileCloud]:
    """A cloud that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cloud.example")])
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), NOW, NOW + timedelta(days=36_500)
    )
    pem = certificate.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    path = tmp_path / "cloud.pem"
    path.write_bytes(
        pem
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    async with hostile.HostileCloud(path) as cloud:
        yield cloud


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    http: CloudHttp, secure: hostile.HostileCloud
) -> None:
    with pytest.raises(Unreachable, match=r"did not prove who it is: self.signed certificate") as error:
        await http.ask(Request("token", "POST", secure.url, form=(("password", "hunter2"),)))
    assert "clock" in error.value.hint
    assert secure.seen == []


async def test_a_port_without_tls_is_told(http: CloudHttp, cloud: hostile.HostileCloud) -> None:
    with pytest.raises(Unreachable, match="no secure connection"):
        await http.ask(Request("pools", "GET", cloud.url.replace("http:", "https:")))
    assert cloud.seen == []
