"""How an installation says what tags measure."""

from __future__ import annotations

from typing import Final

from margelle.domain.quantity import Catalogue
from margelle.domain.site import Site
from margelle.ports import Mapped, Naming
from margelle.vendors.baxo.suggestion import suggest
from margelle.vendors.baxo.translate import VENDOR, Tags, is_event, lines
from margelle.vendors.baxo.translate.tags import key, merged


def _names(site: Site) -> tuple[str, ...]:
    """The tags of a device, but for events: those are on or off, and measure nothing."""
    return tuple(name for name in lines(site.attributes.get("tags")) if not is_event(site, name))


def _series(reference: str) -> str:
    return f"{VENDOR}.{reference}"


def _key(site: Site | None, reference: str) -> str:
    return key(site.key if site is not None else "", reference)


def _meant(mapping: Mapped, site: Site, reference: str, catalogue: Catalogue) -> str:
    return Tags(mapping, catalogue).meaning(site.key, reference)


NAMING: Final = Naming("tags", _names, _series, _key, _meant, merged, suggest)
