"""Within which limits a quantity is well, by kind of water and disinfection: the owner's own first, then the vendor's, then a table with its sources.

An **ideal** band is where one wants to be; beyond the **tolerable** one something has to be done. Where nothing applies there is none of either, and no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

from margelle.domain.site import Band, Disinfectant, Site, SiteKind

Regime = Literal["private", "collective"]
"""Whose bathers: a family's own pool, or one of collective use (a camp site, a hotel, a town), to which public law applies."""

REGIMES: Final[tuple[Regime, ...]] = ("private", "collective")

Origin = Literal["owner", "vendor", "law", "usual"]
"""Who says so: the site's owner, its vendor, a law, or what is usual in the trade."""

_TRADE: Final = "bands of the French pool trade (sa-piscine.com, atout-piscine.fr, interpiscine.fr), read 2026-11"
_ARRETE: Final = (
    "arrêté of 26 May 2021 on the quality of water of collective pools (SSAP2004759A), annex I, in its version before the arrêté of 19 December 2025 "
    "(SFHP2528836A) changed items 1 to 3: check the version in force"
)
_GENERAL: Final = "general knowledge of the trade, not held against a primary source"

BATHING: Final[tuple[SiteKind, ...]] = ("pool", "spa")
_CHLORINE: Final[tuple[Disinfectant, ...]] = ("chlorine", "salt")


class Limit(Struct, frozen=True):
    """Limits of a quantity, in its canonical unit, for waters of these `kinds`, disinfected by one of `disinfectants` (empty: by any or none), under `regime` (None: any).

    `source` says where the figures come from, in words.
    """

    quantity: str
    kinds: tuple[SiteKind, ...]
    disinfectants: tuple[Disinfectant, ...]
    ideal: Band | None
    tolerable: Band | None
    source: str
    origin: Origin = "usual"
    regime: Regime | None = None

    def fits(self, kind: SiteKind, disinfectant: Disinfectant | None, regime: Regime) -> bool:
        """Whether it holds for such a water."""
        return (
            kind in self.kinds
            and (not self.disinfectants or disinfectant in self.disinfectants)
            and self.regime in {None, regime}
        )


TABLE: Final[tuple[Limit, ...]] = (
    Limit("ph", ("pool",), ("chlorine",), None, Band(6.9, 7.7), _ARRETE + "; fresh water, chlorine", "law", "collective"),
    Limit("temperature", ("spa",), (), None, Band(None, 36), _ARRETE + "; whirlpools", "law", "collective"),
    Limit("ph", BATHING, (), Band(7.2, 7.6), Band(7.0, 7.8), f"ideal: {_TRADE}; tolerable: {_GENERAL} (7.0 to 7.8, as in the US Model Aquatic Health Code)"),
    Limit("orp", BATHING, ("chlorine", "salt", "bromine"), Band(650, 750), Band(600, 850), f"{_GENERAL}; the WHO's guidelines of 2006 (vol. 2, 5.10) take 680 to 720 mV as indicative; stabiliser lowers it"),
    Limit("free_chlorine_estimate", ("pool",), _CHLORINE, Band(1, 3), Band(0.5, 5), f"{_GENERAL}; an estimate is no chemical test"),
    Limit("free_chlorine_estimate", ("spa",), _CHLORINE, Band(2, 3), Band(1, 5), f"{_GENERAL}; an estimate is no chemical test"),
    Limit("free_chlorine", ("pool",), _CHLORINE, Band(1, 3), Band(0.5, 5), f"{_GENERAL}; the WHO's guidelines of 2006 have about 1 mg/L for pools, the arrêté of 26 May 2021 at most 5 mg/L where there is stabiliser"),
    Limit("free_chlorine", ("spa",), _CHLORINE, Band(2, 3), Band(1, 5), f"ideal: Québec, Q-2 r. 39, for water above 35 °C; tolerable: {_GENERAL}"),
    Limit("free_chlorine", BATHING, (), None, Band(None, 5), f"{_GENERAL}: whatever else disinfects, more is too much for bathers"),
    Limit("combined_chlorine", BATHING, (), None, Band(None, 0.6), _ARRETE, "law", "collective"),
    Limit("combined_chlorine", BATHING, (), Band(None, 0.2), Band(None, 0.6), f"ideal: DIN 19643-1 (1997), as reported; tolerable: as public pools in France ({_ARRETE})"),
    Limit("cyanuric_acid", BATHING, (), None, Band(None, 75), _ARRETE, "law", "collective"),
    Limit("cyanuric_acid", BATHING, (), Band(None, 50), Band(None, 100), f"ideal: {_TRADE}: 30 to 50 in the sun, none is needed under a roof; tolerable: {_GENERAL} (100 mg/L, as in the WHO's guidelines of 2006)"),
    Limit("total_alkalinity", BATHING, (), Band(80, 250), None, f"{_TRADE}: 8 to 25 °f, within which they disagree"),
    Limit("total_hardness", BATHING, (), Band(100, 250), None, f"{_TRADE}: 10 to 25 °f"),
    Limit("calcium_hardness", BATHING, (), Band(200, 400), None, "targets of pypoolchem 0.1.1, read 2026-11"),
    Limit("bromine", BATHING, ("bromine",), Band(3, 5), Band(2, 6), f"ideal: Québec, Q-2 r. 39, for water above 35 °C; tolerable: {_GENERAL}"),
    Limit("bromine_estimate", BATHING, ("bromine",), Band(3, 5), Band(2, 6), f"ideal: Québec, Q-2 r. 39, for water above 35 °C; tolerable: {_GENERAL}"),
    Limit("salt", ("pool",), ("salt",), Band(2700, 5000), Band(2000, 6000), f"{_GENERAL}: electrolysers differ, and the manual of one's own counts"),
    Limit("tds", BATHING, ("chlorine", "bromine", "oxygen"), Band(None, 2000), None, _TRADE),
    Limit("temperature", ("spa",), (), None, Band(None, 40), f"{_GENERAL} (104 °F)"),
    Limit("battery", ("pool", "spa", "tank", "plant", "other"), (), Band(20, None), None, f"{_GENERAL}: time to charge or replace it"),
)  # fmt: skip
"""The first that fits holds."""


class Bands(Struct, frozen=True):
    """Within which limits a quantity of a site is well, and who says so."""

    ideal: Band | None
    tolerable: Band | None
    origin: Origin
    source: str = ""


def bands_of(
    site: Site, quantity: str, vendor: Mapping[str, Band] | None = None, regime: Regime = "private"
) -> Bands | None:
    """The limits of a quantity at a site; None where there are none.

    The owner's, or else the vendor's (`vendor`, by quantity), are the ideal ones. What is tolerable beyond them is the table's, but never less
    than what they admit themselves.
    """
    known = _known(quantity, site.kind, site.disinfection.primary, regime)
    if not site.bands and not vendor:
        return known
    for origin, given in (("owner", site.bands), ("vendor", vendor or {})):
        band = given.get(quantity)
        if band is not None and (band.low is not None or band.high is not None):
            tolerable = _around(band, known.tolerable) if known is not None and known.tolerable is not None else None
            return Bands(band, tolerable, "owner" if origin == "owner" else "vendor")
    return known


@lru_cache(4096)
def _known(quantity: str, kind: SiteKind, disinfectant: Disinfectant | None, regime: Regime) -> Bands | None:
    """The table's limits. A fleet asks the same again and again; there are only so many different waters."""
    own = (limit for limit in TABLE if limit.quantity == quantity)
    found = next((limit for limit in own if limit.fits(kind, disinfectant, regime)), None)
    return Bands(found.ideal, found.tolerable, found.origin, found.source) if found is not None else None


def _around(inner: Band, outer: Band) -> Band:
    """`outer`, widened so far that `inner` lies in it."""
    low = None if outer.low is None or inner.low is None else min(inner.low, outer.low)
    high = None if outer.high is None or inner.high is None else max(inner.high, outer.high)
    return Band(low, high)


Standing = Literal["within", "outside", "far"]
"""Within the ideal band, outside it, or beyond what is tolerable."""


def standing(value: float, bands: Bands) -> Standing:
    """How a value in the quantity's canonical unit stands to its limits."""
    if not _admits(bands.tolerable, value):
        return "far"
    return "within" if _admits(bands.ideal, value) else "outside"


def _admits(band: Band | None, value: float) -> bool:
    if band is None:
        return True
    return (band.low is None or value >= band.low) and (band.high is None or value <= band.high)
