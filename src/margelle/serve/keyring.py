"""The folder with the hub's authority and certificate: made once, renewed in time, and never half written."""

from __future__ import annotations

import os
import secrets
import ssl
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from margelle.errors import ConfigError, Conflict, StoreError
from margelle.serve.authority import Certified, hosts_of, new_authority, new_server

RENEWED_BEFORE: Final = timedelta(days=60)
"""How long before its end the server's certificate is renewed."""

_INIT: Final = "Make it with `margelle tls init`; every client must then trust the new authority."
_REPLACE: Final = "Make another with `margelle tls init --replace`; every client must then trust that."


class Keyring:
    """The files in `folder`. Private keys can be read by their owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority_file = folder / "ca.pem"
        self.authority_key_file = folder / "ca.key"
        self.server_file = folder / "server.pem"
        """Key and certificate in one file, so that both change at once."""

    @property
    def exists(self) -> bool:
        """Whether there is an authority."""
        return self.authority_file.exists()

    def create(self, names: Iterable[str], title: str, now: datetime, *, replace: bool = False) -> None:
        """Make an authority for `names`, and a certificate. Raises Conflict where there is one, unless it is to be replaced; and BadInput."""
        if self.exists and not replace:
            raise Conflict(
                f"There is an authority in {self.folder} already.",
                hint="`margelle tls show` tells of it; `margelle tls init --replace` makes another, which every client must trust anew.",
            )
        authority = new_authority(names, title, now)
        self._write(self.authority_key_file, _key(authority), 0o600)
        self._write(self.authority_file, _pem(authority.certificate), 0o644)
        self.renew(now)

    def renew(self, now: datetime) -> None:
        """Make a new certificate for all that the authority may vouch for. Raises ConfigError where it has ended."""
        authority = self.authority()
        if authority.ends_at <= now:
            raise ConfigError(
                f"The authority in {self.folder} has ended on {authority.ends_at:%Y-%m-%d}.",
                hint=_REPLACE,
            )
        server = new_server(authority, hosts_of(authority.certificate), now)
        self._write(self.server_file, _key(server) + _pem(server.certificate), 0o600)

    def freshen(self, now: datetime) -> bool:
        """Renew the certificate if it ends soon, is not the authority's, or is not there; whether that was done."""
        authority, server = self.authority_certificate(), self._server()
        if server and _signed(server, authority) and now < self.renewed_at(server, authority):
            return False
        self.renew(now)
        return True

    def good(self, now: datetime) -> bool:
        """Whether the certificate is still good, though it may end soon."""
        server = self._server()
        return bool(server and _signed(server, self.authority_certificate()) and now < server.not_valid_after_utc)

    def renewed_at(self, server: x509.Certificate, authority: x509.Certificate) -> datetime:
        """When `server` is renewed: not any more when it ends with its authority."""
        ends_at = server.not_valid_after_utc
        return ends_at if ends_at >= authority.not_valid_after_utc else ends_at - RENEWED_BEFORE

    def authority(self) -> Certified:
        """The authority with its key. Raises ConfigError where it is not there, or broken."""
        certificate = self.authority_certificate()
        try:
            key = serialization.load_pem_private_key(self._read(self.authority_key_file), None)
        except ValueError as error:
            raise self._broken(self.authority_key_file) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise self._broken(self.authority_key_file)
        return Certified(certificate, key)

    def authority_certificate(self) -> x509.Certificate:
        """What clients must trust. Raises ConfigError likewise."""
        try:
            return x509.load_pem_x509_certificate(self._read(self.authority_file))
        except ValueError as error:
            raise self._broken(self.authority_file) from error

    def server_certificate(self) -> x509.Certificate:
        """What the hub shows to clients. Raises ConfigError likewise."""
        found = self._server()
        if found is None:
            raise self._broken(self.server_file)
        return found

    def written(self) -> int:
        """Another number when the certificate's file is another one; 0 where there is none."""
        try:
            status = self.server_file.stat()
        except OSError:
            return 0
        return hash((status.st_mtime_ns, status.st_ino))

    def load(self, context: ssl.SSLContext) -> None:
        """Let `context` show the certificate, from its next connection on. Raises ConfigError where it cannot."""
        try:
            context.load_cert_chain(self.server_file)
        except (OSError, ssl.SSLError) as error:
            raise self._broken(self.server_file) from error

    def _server(self) -> x509.Certificate | None:
        if not self.server_file.exists():
            return None
        try:
            return x509.load_pem_x509_certificate(self._read(self.server_file))
        except ValueError:
            return None

    def _read(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except FileNotFoundError:
            raise ConfigError(f"There is no {file}.", hint=_REPLACE if self.exists else _INIT) from None
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error

    def _write(self, file: Path, content: bytes, mode: int) -> None:
        """Write all of it or nothing. Raises StoreError."""
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as target:
                target.write(content)
                target.flush()
                os.fsync(target.fileno())
            draft.replace(file)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise StoreError(f"{file} cannot be written: {error.strerror}.") from error

    def _broken(self, file: Path) -> ConfigError:
        return ConfigError(f"{file} is not what it was, or does not fit the rest of its folder.", hint=_REPLACE)


def server_context() -> ssl.SSLContext:
    """For a server that speaks TLS 1.2 or newer; it has no certificate yet."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _signed(server: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        server.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key(certified: Certified) -> bytes:
    return certified.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
