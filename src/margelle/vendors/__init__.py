"""The vendors: the one place where each is registered."""

from __future__ import annotations

from typing import Final

from margelle.ports import Vendor
from margelle.vendors.ondilo import ONDILO

VENDORS: Final[dict[str, Vendor]] = {vendor.name: vendor for vendor in (ONDILO,)}
