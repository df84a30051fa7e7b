"""Where a client wants a person to be sent back to, and what is added to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from msgspec import Struct

from margelle.errors import BadInput

# What browsers and systems do something else with than call an app. An app has a scheme of its own (RFC 8252, 7.1).
_NO_APP: Final = re.compile(
    "about|android-app|blob|chrome|content|data|feed|file|filesystem|ftps?|geo|intent|jar|javascript|jscript|livescript|mailto|market"
    "|mms|mocha|ms-.*|news|nntp|res|resource|search-ms|sftp|smb|sms|smsto|ssh|tel|telnet|vbs|vbscript|view-source|webcal|wss?|wyciwyg"
)
_APP: Final = re.compile(r"[a-z][a-z0-9+.-]*:/\S+", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?|[0-9a-f:.]*:[0-9a-f:.]*")
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_IN_URI: Final = "%!$&'()*+,;=:@/?-._~[]"
_LONGEST: Final = 4096


class Redirect(Struct, frozen=True):
    """A redirect URI, fit for a Location header.

    `host` is what a person is told: the host with its port, or the scheme of an app with its colon. `name` has no port.
    """

    uri: str
    host: str
    name: str

    def with_answer(self, *pairs: tuple[str, str]) -> str:
        """The URI with `pairs`, already percent-encoded, added to its query in order."""
        address, hash_sign, fragment = self.uri.partition("#")
        joint = "?" if "?" not in address else "" if address.endswith(("?", "&")) else "&"
        return address + joint + "&".join(f"{name}={value}" for name, value in pairs) + hash_sign + fragment


def redirect_to(uri: str, allowed: Sequence[str]) -> Redirect:
    """`uri`, decoded once, as a redirect. Raises BadInput where no person may be sent there.

    Any web address and any app will do, if `allowed` is empty; clients have theirs at home, under every imaginable name.
    """
    if len(uri) > _LONGEST or _UNFIT.search(uri):
        raise BadInput("redirect_uri is not a web address.")
    try:
        parts = urlsplit(uri)
        target = _web(parts) if parts.scheme in {"http", "https"} else _app(uri, parts)
    except (
        ValueError
    ):  # brackets that are no IPv6 address, a port that is no number, a host that no name server can know
        raise BadInput("redirect_uri is not a web address.") from None
    if allowed and not any(_allows(entry, target) for entry in allowed):
        raise BadInput(
            f"This hub sends nobody to {target.host}.",
            hint="Its operator may allow that: ondilo.redirect_hosts.",
        )
    return target


def same_uri(one: str, other: str) -> bool:
    """Whether two redirect URIs are the same but for how they are percent-encoded: some clients encode in one request only."""
    return _bare(one) == _bare(other)


def raw_value(form: str, name: str) -> str | None:
    """The first value called `name` as it stands in a query or form, still encoded; None where there is none.

    `form` is Latin-1, a character for each byte.
    """
    for pair in form.split("&"):
        key, _, value = pair.partition("=")
        if key == name:
            return fit_for_uri(value)
    return None


def fit_for_uri(text: str) -> str:
    """`text`, in Latin-1 and encoded already, with what cannot stand in a URI percent-encoded too; all else stays byte for byte."""
    return quote(text, safe=_IN_URI, encoding="latin-1")


def _web(parts: SplitResult) -> Redirect:
    name = parts.hostname or ""
    name = name if name.isascii() else name.encode("idna").decode()
    if "@" in parts.netloc or not _HOST.fullmatch(name):
        raise BadInput("redirect_uri names no host, or a user before it.")
    name = f"[{name}]" if ":" in name else name
    host = name if parts.port is None else f"{name}:{parts.port}"
    return Redirect(_quoted(parts._replace(netloc=host, path=parts.path or "/").geturl()), host, name)


def _app(uri: str, parts: SplitResult) -> Redirect:
    if _NO_APP.fullmatch(parts.scheme) or not _APP.fullmatch(uri):
        raise BadInput("redirect_uri is neither a web address nor an app's.")
    return Redirect(_quoted(uri), f"{parts.scheme}:", f"{parts.scheme}:")


def _quoted(uri: str) -> str:
    return quote(uri, safe=_IN_URI + "#")


def _allows(entry: str, target: Redirect) -> bool:
    return entry in {target.host, target.name} or (entry.startswith("*.") and target.name.endswith(entry[1:]))


def _bare(uri: str) -> str:
    for _ in range(3):
        uri = unquote(uri)
    return uri.replace("+", " ").rstrip("/")
