"""How the collector finds the clouds' addresses where this machine's own answer is not the right one."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Final

from msgspec import Struct, field

from margelle.errors import BadInput, Misled
from margelle.net.address import host_name
from margelle.phrase import Phrase

MARK: Final = "margelle"
"""How every hub and imitated cloud calls itself in the header `Server`."""

_DNS_PORT: Final = 53
_PORT: Final = re.compile(r"\[?([^\]]+)\]?:(\d{1,5})")


class Names(Struct, frozen=True):
    """How this hub's collector finds its way. `mark` is in what the hub itself answers, empty where it has none. `pins` are hosts with their addresses; `servers` are name servers (address, port), asked instead of this machine's resolver.

    `clouds` are the hosts of the vendors' own clouds: they are never this machine, nor another hub.
    """

    pins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    servers: tuple[tuple[str, int], ...] = ()
    clouds: frozenset[str] = frozenset()
    mark: str = ""

    @classmethod
    def of(cls, entries: Iterable[str], clouds: Iterable[str] = (), mark: str = "") -> Names:
        """From texts: `host=address` for a pin (again for another address), `address` or `address:port` for a name server. Raises BadInput."""
        pins: dict[str, tuple[str, ...]] = {}
        servers = []
        for entry in entries:
            name, equals, number = (part.strip() for part in entry.rpartition("="))
            if equals:
                known = host_name(name)
                pins[known] = (*pins.get(known, ()), _number(number, entry))
            else:
                servers.append(_server(number, entry))
        return cls(pins, tuple(servers), frozenset(clouds), mark)

    def demand_away(self, host: str, addresses: Iterable[str]) -> None:
        """Raises Misled where a cloud's `host` has led to an address of this machine."""
        here = [one for one in addresses if is_here(one)] if host in self.clouds else []
        if here:
            raise Misled(
                f"The name {host} leads to this machine itself ({here[0]}), not to the vendor's cloud.",
                hint=_todo(host),
                phrase=Phrase("misled.here", {"host": host}),
            )

    def demand_cloud(self, host: str, server: str) -> None:
        """Raises Misled where a cloud's `host` has answered as a hub does, by its header `Server`; or any host as this very hub.

        A hub that collected from itself would have everything twice, and again twice whenever it looked what there is.
        """
        if self.mark and self.mark in server:
            raise Misled(
                f"{host} leads back to this hub itself.",
                hint=_todo(host)
                if host in self.clouds
                else "What is to be had there is here already, without an account.",
                phrase=Phrase("misled.itself", {"host": host}),
            )
        if host in self.clouds and server.lower().startswith(MARK):
            raise Misled(
                f"The name {host} leads to a Margelle, not to the vendor's cloud.",
                hint=_todo(host),
                phrase=Phrase("misled.hub", {"host": host}),
            )


def is_here(number: str) -> bool:
    """Whether `number` is an address of this machine: one that a program here may listen on."""
    known = ip_address(number.partition("%")[0])
    if known.is_loopback or known.is_unspecified:
        return True
    family = socket.AF_INET6 if known.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((number, 0))
    except OSError:
        return False
    return True


def _todo(host: str) -> str:
    return (
        f"If a hosts file or name server sends {host} to a hub for its clients, tell the collector another way: "
        f'collect.resolve = ["9.9.9.9"] asks that name server, ["{host}=ADDRESS"] needs none.'
    )


def _server(text: str, entry: str) -> tuple[str, int]:
    match = _PORT.fullmatch(text) if text.count(":") == 1 or text.startswith("[") else None
    number, port = (match[1], int(match[2])) if match else (text.strip("[]"), _DNS_PORT)
    if not 0 < port < 65536:
        raise BadInput(f"{entry[:80]!r} has no port that there is.")
    return _number(number, entry), port


def _number(text: str, entry: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise BadInput(
            f"{entry[:80]!r} has no IP address.", hint="It is host=address, or the address of a name server."
        ) from None
