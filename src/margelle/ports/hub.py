"""The hub behind the store, as its pages know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

from margelle.ports.collection import Collection
from margelle.ports.connection import Connections, Meanings

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class InForce(Struct, frozen=True):
    """A setting in force: its value as anybody may read it, where that came from, and what it does, in English and in French.

    `lines` are what to write in the settings file to have this value; `variable` is that of the environment.
    """

    name: str
    value: str
    origin: str
    sentence: str
    french: str
    lines: str
    variable: str
    secret: bool = False


class Premises(Struct, frozen=True):
    """Where the hub is at home: its version, where it keeps things and how large that is (bytes; None where that is not known).

    `file` is the settings file, whether or not it is there yet; `tls_port` is 0 where no TLS is spoken, `authority` what clients then trust.
    """

    version: str
    store: str
    store_bytes: int | None
    data_dir: str
    key_file: str
    file: str
    tls_port: int
    authority: str


class Installation(Protocol):
    """How the hub was set up."""

    def settings(self) -> list[InForce]:
        """Every setting, in the order of the table."""
        ...

    def premises(self) -> Premises:
        """Where the hub is at home."""
        ...


Staged = Literal["", "hub", "room"]
"""Whether what is shown is a demo: not at all, the whole hub, or a room in a hub to which one goes back."""


class Demo(Protocol):
    """A look at simulated water, apart from all that is real."""

    async def app(self) -> ASGIApp:
        """Its pages, which only read."""
        ...


class Backstage(Struct, frozen=True):
    """What the pages may use of the hub besides its store."""

    collection: Collection
    connections: Connections
    meanings: Meanings
    installation: Installation
    demo: Demo
