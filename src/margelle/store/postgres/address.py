"""Where a PostgreSQL database is, and its name in messages: without login and password."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from margelle.errors import ConfigError

_USUAL: Final = {
    "connect_timeout": "5",
    "application_name": "margelle",
    "client_encoding": "utf8",
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",  # milliseconds
}
"""What a URL need not say: how soon a server that has gone silent is taken for lost."""
_SECRETS: Final = ("password", "sslpassword", "oauth_client_secret")
_HINT: Final = "It is postgresql://login:password@host:port/database, where @ / ? # % and : of a password are written as %40 %2F %3F %23 %25 and %3A."


class Address(Struct, frozen=True):
    """What libpq needs to connect, and the `name` by which people know the database."""

    conninfo: str
    name: str
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Address({self.name})"

    @classmethod
    def of(cls, url: str) -> Address:
        """The address that `url` spells, in libpq's form (PostgreSQL documentation, 32.1.1.2). Raises ConfigError, which tells nothing of it."""
        try:
            told: dict[str, Any] = conninfo_to_dict(url)
        except psycopg.Error:
            raise _unreadable() from None
        place = {name: str(told.get(name) or "") for name in ("host", "hostaddr", "port", "dbname")}
        # An unquoted @, / or ? in a password makes its rest part of the host, port or database, which error messages tell.
        if any("@" in part for part in (urlsplit(url).netloc.partition("@")[2], *place.values())):
            raise _unreadable()
        if not all(port.isdecimal() for port in place["port"].split(",") if port):
            raise _unreadable()
        return cls(make_conninfo(**_USUAL | told), _name(place), _told(told))


def _told(told: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(told[name]) for name in _SECRETS if told.get(name))


def _name(place: dict[str, str]) -> str:
    hosts, ports = (place["host"] or place["hostaddr"]).split(","), place["port"].split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    named = ",".join(f"{host}:{port}" if port else host for host, port in zip(hosts, ports, strict=False))
    return f"postgresql://{named}/{place['dbname']}"


def _unreadable() -> ConfigError:
    return ConfigError("The setting store is no PostgreSQL URL that can be read.", hint=_HINT)
