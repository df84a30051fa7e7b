"""Being a vendor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from margelle.domain.quantity import Catalogue
from margelle.domain.site import Account, Band, Probe, Site
from margelle.domain.unit import Unit
from margelle.phrase import Sentence
from margelle.ports.face import FaceContext
from margelle.ports.http import Clock, Http, Tokens
from margelle.ports.source import Batch, Connector, Source

if TYPE_CHECKING:
    from starlette.routing import BaseRoute


class Setting(Struct, frozen=True):
    """One setting: its dotted name in the file, the type and default of its value, and one sentence for the reference page.

    `choices` are the values it may have, if only some. A `secret` is never shown.
    """

    name: str
    type: type[str] | type[int] | type[float] | type[bool] | type[list[str]] | type[dict[str, str]]
    default: Any
    sentence: str
    choices: tuple[str, ...] = ()
    secret: bool = False


class Rate(Struct, frozen=True):
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: float


class Nearby(Struct, frozen=True):
    """A probe that was found by radio: what it is asked by (the `base_url` of an account), and its serial, if it tells one."""

    base_url: str
    serial: str


class Parameter(Struct, frozen=True):
    """What can be set at a probe: the vendor's name of it, the quantity as which its value is kept, and the unit of the vendor's number."""

    name: str
    quantity: str
    unit: Unit


class Display(Struct, frozen=True):
    """How the quantities of a site are shown to people. What is kept, exported and told by faces is not changed by it.

    A quantity in `replaced` is not shown where the one that stands in its place is there. Those `aside` are on no page. `states` are on or
    off. `bands` are the vendor's own limits, where the owner has set none. `remarks` are for the operator. `parameters` can be set
    at the site's probes; `switchable` says whether this installation lets anybody turn its switches.
    """

    replaced: Mapping[str, str] = {}
    aside: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    bands: Mapping[str, Band] = {}
    remarks: tuple[Sentence, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    switchable: bool = True

    def hides(self, quantity: str, known: Container[str]) -> bool:
        """Whether another of the `known` quantities of the same probe stands in this one's place."""
        return quantity in self.replaced and self.replaced[quantity] in known


Family = Literal["home-assistant", "openhab", "homey", "node", "jeedom", "python", "curl"]
"""Programs that trust and are told an address in the same way."""


class Client(Struct, frozen=True):
    """A client of the vendor's API that is told another address by an edit: what to write, and in which of its files.

    In `lines`, `{face}` stands for the address of the face. A client without any is led here by the vendor's host alone.
    """

    family: Family
    name: str
    file: str = ""
    lines: str = ""


class Suggestion(Struct, frozen=True):
    """What one of a vendor's own names may measure: a quantity and the unit of its numbers, and whether its `name`, its `values` or `both` say so."""

    quantity: str
    unit: Unit
    because: Literal["name", "values", "both"]


Mapped = Mapping[str, str]
"""What names measure, as the settings file has it: a quantity, and after a blank the unit where it is not the quantity's own."""


class Naming(Struct, frozen=True):
    """How an installation says what a vendor's own names measure: in the setting called `setting`, or site by site.

    `names` are those of a site that can be said of, and `series` what a name is kept as until then. `key` is how the setting writes a name of one site
    alone, or of every site where that is None. `meant` is what a name of a site means by a mapping, empty for nothing. `merged` are two
    mappings as one, of which the first outranks the other; what makes no sense in the second is left out. `suggest` tells what a name may be, with its values of late.
    """

    setting: str
    names: Callable[[Site], tuple[str, ...]]
    series: Callable[[str], str]
    key: Callable[[Site | None, str], str]
    meant: Callable[[Mapped, Site, str, Catalogue], str]
    merged: Callable[[Mapped, Mapped, Catalogue], dict[str, str]]
    suggest: Callable[[str, Sequence[float], Catalogue], tuple[Suggestion, ...]]


class Vendor(Struct, frozen=True):
    """All that the house needs to know of a vendor.

    `quota` is what its document allows each user; `pace` is what we allow ourselves. `settings` are those of its face.
    `connect` and `source` take the account's HTTP; `face` returns the routes below the face's prefix. Where collecting depends on the
    installation's settings (by name without the vendor's prefix) and its quantities, `configure` returns the `source` for them.
    `nearby` finds a probe by radio, by its address or the name that it shows; None where none can be. It raises Unreachable and ConfigError.
    `printed` reads an answer about the past that somebody has saved, as the measurements of a probe on whose clock it is so late; it raises
    Malformed, and takes the installation's settings and quantities too.
    `signs_in` is how its users sign in: on a page of its own, to which a browser is sent, or with a password here. `naming` is how its own names are given a meaning,
    where somebody has to; `clients` are known programs that speak to its cloud. `display` likewise tells how each site is shown. `remarks` tells what the source has found out about a site that its owner may have to set right.
    """

    name: str
    title: str
    base_url: str
    settings: tuple[Setting, ...]
    quota: tuple[Rate, ...]
    pace: tuple[Rate, ...]
    connect: Callable[[str, Http, Clock], Connector]
    source: Callable[[Account, Http, Tokens], Source]
    face: Callable[[FaceContext], Sequence[BaseRoute]]
    configure: Callable[[Mapping[str, Any], Catalogue], Callable[[Account, Http, Tokens], Source]] | None = None
    nearby: Callable[[str], Awaitable[Nearby]] | None = None
    printed: Callable[[bytes, Probe, tzinfo, Mapping[str, Any], Catalogue], Batch] | None = None
    remarks: Callable[[Site], tuple[Sentence, ...]] | None = None
    display: Callable[[Mapping[str, Any], Catalogue], Callable[[Site], Display]] | None = None
    signs_in: Literal["browser", "password"] = "password"
    naming: Naming | None = None
    clients: tuple[Client, ...] = ()

    @property
    def host(self) -> str:
        """The host of the vendor's own cloud."""
        return urlsplit(self.base_url).hostname or ""
