"""The vendors: the one place where each is registered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from margelle.ports import Vendor
from margelle.vendors.ondilo import ONDILO

VENDORS: Final[dict[str, Vendor]] = {vendor.name: vendor for vendor in (ONDILO,)}


def hosts(vendors: Iterable[Vendor]) -> Iterator[str]:
    """The host of each vendor's own cloud."""
    for vendor in vendors:
        if host := urlsplit(vendor.base_url).hostname:
            yield host
