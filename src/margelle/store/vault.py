"""Secrets at rest: encrypted with a key that lives outside the database."""

from __future__ import annotations

import logging
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from margelle.errors import StoreError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_log = logging.getLogger(__name__)
_LOOSE = 0o077

KEY_BYTES: Final = 32
"""Of a Fernet key, in URL-safe base64."""


class Vault:
    """Encrypts with the first key and decrypts with any: a new first line in the key file takes over, secret by secret.

    `key` is what the key file holds: one Fernet key (32 bytes in URL-safe base64) a line. Raises StoreError for anything else.
    """

    def __init__(self, key: bytes) -> None:
        self._keys = key.split()
        if not (self._keys and all(map(_is_key, self._keys))):
            raise StoreError(
                "The key file holds no key.",
                hint="Put the key file back from your backup: the secrets in the database can be read with nothing else.",
            )

    @cached_property
    def _fernet(self) -> MultiFernet:
        """Loaded for the first secret: 7 MB and 50 ms that a hub without accounts, or a reader of measurements, does without."""
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

        return MultiFernet([Fernet(key) for key in self._keys])

    @classmethod
    def open(cls, path: Path | str) -> Vault:
        """The vault whose key file is `path`; where there is none, a new key is made, readable by its owner only."""
        path = Path(path).expanduser()
        try:
            if not path.exists():
                _create(path)
            if path.stat().st_mode & _LOOSE:
                _log.warning("Others can read the key file %s: run chmod 600 on it.", path)
            key = path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"The key file {path} cannot be used: {error.strerror}.",
                hint="It and its folder must be readable and, the first time, writable by the user who runs margelle.",
            ) from None
        return cls(key)

    def seal(self, name: str, value: bytes) -> bytes:
        """`value` encrypted for the place called `name`."""
        return self._fernet.encrypt(name.encode() + b"\0" + value)

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """What `seal` was given for the same name. Raises StoreError where no key fits, or it was sealed for another place."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415

        try:
            place, _, value = self._fernet.decrypt(sealed).partition(b"\0")
        except InvalidToken:
            raise _foreign(name) from None
        if place != name.encode():
            raise _foreign(name)
        return value


def _is_key(text: bytes) -> bool:
    try:
        return len(urlsafe_b64decode(text)) == KEY_BYTES
    except ValueError:
        return False


def _foreign(name: str) -> StoreError:
    return StoreError(
        f"The key file does not fit the secret {name!r}.",
        hint="Put back the key file that belongs to this database, or sign the account in again to replace the secret.",
    )


def _create(path: Path) -> None:
    """Write a new key to `path` unless another process has just done so; `path` never holds half a key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
