"""Words for what was done at a site, or happened there."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "event.dose": ("Product added", "Produit ajouté"),
    "event.backwash": ("Backwash", "Lavage du filtre"),
    "event.filter_cleaning": ("Filter cleaned", "Filtre nettoyé"),
    "event.water_change": ("Water change", "Renouvellement d’eau"),
    "event.refill": ("Water added", "Appoint d’eau"),
    "event.probe_cleaning": ("Probe cleaned", "Sonde nettoyée"),
    "event.calibration": ("Calibration", "Étalonnage"),
    "event.opening": ("Opening", "Ouverture"),
    "event.wintering": ("Wintering", "Hivernage"),
    "event.incident": ("Incident", "Incident"),
    "event.note": ("Note", "Note"),
    "product.ph_minus": ("pH minus", "pH moins"),
    "product.ph_plus": ("pH plus", "pH plus"),
    "product.chlorine": ("Chlorine", "Chlore"),
    "product.shock_chlorine": ("Shock chlorine", "Chlore choc"),
    "product.bromine": ("Bromine", "Brome"),
    "product.active_oxygen": ("Active oxygen", "Oxygène actif"),
    "product.salt": ("Salt", "Sel"),
    "product.alkalinity_plus": ("Alkalinity plus", "TAC plus"),
    "product.hardness_plus": ("Hardness plus", "TH plus"),
    "product.stabiliser": ("Stabiliser", "Stabilisant"),
    "product.algaecide": ("Algaecide", "Anti-algues"),
    "product.flocculant": ("Flocculant", "Floculant"),
    "product.other": ("Other product", "Autre produit"),
    "amount.a_tablet": ("{n} tablet", "{n} galet"),
    "amount.tablets": ("{n} tablets", "{n} galets"),
}  # fmt: skip
