"""What is kept of an exchange: enough to understand it later, and no secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from margelle.redaction import is_telling, redact

MOST_BYTES: Final = 256 * 1024

_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def secrets_in(headers: Mapping[str, str], *pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The secrets that a request sends, in its headers, query or form: an answer may repeat them in any place."""
    sent = [(name, value) for some in pairs for name, value in some] + list(headers.items())
    found = [value for name, value in sent if is_telling(name)]
    return sorted({part for value in found for part in (value, value.rpartition(" ")[2])}, key=len, reverse=True)


def kept_body(body: bytes, secrets: Iterable[str], *, location: str = "") -> bytes:
    """The body as a receipt keeps it: without secrets, cut if it is long, not at all if it is no text; after where a redirect leads."""
    if _BINARY.search(body[:MOST_BYTES]):
        return f"({len(body)} bytes that are no text)".encode()
    # Cut first: redaction masks a value whose end is missing, and need not read what is thrown away.
    text = body[:MOST_BYTES].decode(errors="surrogateescape")
    note = f"\n({len(body)} bytes in all)" if len(body) > MOST_BYTES else ""
    ahead = f"Location: {location}\n\n" if location else ""
    return (redact(ahead + text, secrets) + note).encode(errors="surrogateescape")
