"""The collector's look-up of names, which a hosts file for the hub's clients cannot lead back to the hub."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import dns.asyncresolver
from aiohttp.abc import AbstractResolver, ResolveResult

from margelle.net.names import Names


class CloudResolver(AbstractResolver):
    """Looks up by `names`: its pins, then its name servers, then this machine's own resolver where it has none. Raises OSError and Misled.

    A pin is believed even where it leads to this machine: somebody wrote it by hand.
    """

    def __init__(self, names: Names, timeout_s: float) -> None:
        self._names = names
        self._system = aiohttp.ThreadedResolver()
        self._servers = _asker(names, timeout_s) if names.servers else None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of `host`."""
        known = host.lower().removesuffix(".")
        if pins := self._names.pins.get(known):
            return [_result(host, number, port) for number in pins]
        if self._servers is not None and known != "localhost":
            found = [_result(host, number, port) for number in await self._asked(self._servers, known)]
        else:
            found = await self._system.resolve(host, port, family)
        self._names.demand_away(known, (one["host"] for one in found))
        return found

    async def close(self) -> None:
        """Nothing is held."""

    async def _asked(self, servers: dns.asyncresolver.Resolver, host: str) -> list[str]:
        """By DNS alone: the hosts file of this machine is not looked at."""
        answers = await asyncio.gather(
            *(servers.resolve(host, kind, search=False) for kind in ("A", "AAAA")), return_exceptions=True
        )
        found = [str(record) for answer in answers if not isinstance(answer, BaseException) for record in answer]
        if not found:
            raise OSError(None, "no name server knows it")
        return found


def _asker(names: Names, timeout_s: float) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [number for number, _ in names.servers]
    resolver.nameserver_ports = dict(names.servers)
    resolver.lifetime = min(timeout_s, 8.0)
    return resolver


def _result(host: str, number: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in number else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=number, port=port, family=family, proto=0, flags=flags)
