"""Addresses of the clouds: checked, in ASCII, with the query in the vendors' spelling; and the way to them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlencode, urljoin, urlsplit

from margelle.errors import BadInput, Unreachable
from margelle.phrase import Phrase

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")
_PORTS: Final = {"http": 80, "https": 443}
_KEPT = "%!$&'()*+,;=:@/?-._~[]"


def address(url: str, query: Sequence[tuple[str, str]] = ()) -> str:
    """`url` with `query` after its own, percent-encoded but for `[]`. Raises BadInput, which does not repeat what may be secret."""
    parts = _split(url)
    try:
        pairs = (quote(parts.query, safe=_KEPT), urlencode(query, safe="[]", quote_via=quote))
        path = quote(parts.path or "/", safe=_KEPT)
    except UnicodeEncodeError:
        raise BadInput(f"The request to {parts.hostname} holds characters that cannot be sent.") from None
    port = f":{parts.port}" if parts.port and parts.port != _PORTS[parts.scheme] else ""
    return (
        f"{parts.scheme}://{_host(parts.hostname or '')}{port}{path}" + "?" * any(pairs) + "&".join(filter(None, pairs))
    )


def onward(url: str, location: str) -> str:
    """Where a redirect from `url` leads. Raises Unreachable where we do not go: away from TLS, or to what is no address."""
    try:
        target = address(urljoin(url, location.partition("#")[0]))
    except (BadInput, ValueError):
        phrase = Phrase("net.onward_nowhere", {"host": host_of(url)})
        raise Unreachable(f"{host_of(url)} sent us on to something that is no address.", phrase=phrase) from None
    if url.startswith("https:") and not target.startswith("https:"):
        phrase = Phrase("net.onward_open", {"host": host_of(url)})
        raise Unreachable(
            f"{host_of(url)} sent us on from a secure to an open connection; we did not go.", phrase=phrase
        )
    return target


def same_house(url: str, other: str) -> bool:
    """Whether what may be told to `url` may be told to `other`: the same origin, or the same host behind TLS now."""
    one, two = urlsplit(url), urlsplit(other)
    if one.hostname != two.hostname:
        return False
    ports = tuple(parts.port or _PORTS[parts.scheme] for parts in (one, two))
    return (one.scheme == two.scheme and ports[0] == ports[1]) or (
        one.scheme == "http" and two.scheme == "https" and ports == (80, 443)
    )


def host_of(url: str) -> str:
    """The host as it may be shown to a person."""
    return urlsplit(url).hostname or ""


def host_name(text: str) -> str:
    """`text`, which is the name of a host and nothing more, as it is looked up. Raises BadInput."""
    if re.search(r"[/:?#@\[\]]", text):
        raise BadInput(f"{text[:80]!r} is more than the name of a host.", hint="Give it without scheme, port and path.")
    try:
        return host_of(address(f"https://{text}/")).removesuffix(".")
    except BadInput:
        raise BadInput(f"{text[:80]!r} is not the name of a host.") from None


def proxy_of(url: str) -> tuple[str | None, dict[str, str]]:
    """The proxy that the environment names for `url`, without its login, and the header that holds this; never one to this machine."""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 slow to import

    host = host_of(url)
    proxy = getproxies().get(url.partition(":")[0])
    if not proxy or _is_loopback(host) or proxy_bypass(host):
        return None, {}
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if not parts.username:
        return bare, {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return bare, {"Proxy-Authorization": f"Basic {b64encode(login).decode()}"}


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadInput("The address is not a web address: its host or port cannot be read.") from None
    if _UNPRINTABLE.search(url) or parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise BadInput("The address is not a web address.", hint="It begins with https:// (or http://) and a host.")
    if "@" in parts.netloc:
        raise BadInput("The address holds a login before its host.", hint="Give the login by itself.")
    return parts


def _host(name: str) -> str:
    """The host as it is looked up: an IP address, or a name in ASCII."""
    if number := _ip(name):
        return f"[{number}]" if number.version == 6 else str(number)
    ascii_name = name if name.isascii() else _in_ascii(name)
    labels = ascii_name.removesuffix(".").split(".")
    numeric = labels[-1].isdigit() or labels[-1].startswith(
        "0x"
    )  # 127.1 and 0x7f.1 are names to nobody but old resolvers
    if numeric or len(ascii_name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadInput(f"{name[:80]!r} is not the name of a host.")
    return ascii_name


def _in_ascii(name: str) -> str:
    import idna  # noqa: PLC0415 its tables are seldom needed

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        raise BadInput(f"{name[:80]!r} is not the name of a host.") from None


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    number = _ip(host)
    return number.is_loopback if number else host == "localhost" or host.endswith(".localhost")
