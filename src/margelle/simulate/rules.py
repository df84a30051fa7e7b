"""The rules by which the simulated cloud recommends, in the words it uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from margelle.domain.site import Band, SiteKind
from margelle.simulate.pool import Pool

Means = Mapping[str, float]
"""By quantity, the mean of the last day's valid values; without those that had none."""

LOW_BATTERY: Final = 30.0

WARM: Final = 26.0
"""Degrees Celsius from which on half of them are many hours of filtration."""


class Rule(Struct, frozen=True, kw_only=True):
    """When something is recommended: where `quantity` is beyond the owner's limit on `side`, or beyond `bound`; a rule without one is
    routine, for the owner's maintenance day.

    The owner has `deadline_days` for it, and it is recommended again after `again_days`. `texts` are title and message by language; the
    message may name {value}, {limit} and {hours}.
    """

    quantity: str = ""
    side: Literal["low", "high"] = "high"
    bound: float | None = None
    kinds: tuple[SiteKind, ...] = ("pool", "spa")
    deadline_days: int
    again_days: int
    texts: dict[str, tuple[str, str]]

    def limit(self, pool: Pool) -> float | None:
        """What the quantity should not be beyond, or None."""
        band = pool.bands.get(self.quantity, Band())
        return self.bound if self.bound is not None else band.low if self.side == "low" else band.high

    def holds(self, pool: Pool, means: Means) -> bool | None:
        """Whether it is to be recommended now; None where that cannot be known, and then nothing should change."""
        if not self.quantity or pool.kind not in self.kinds:
            return not self.quantity
        value, limit = means.get(self.quantity), self.limit(pool)
        if value is None or limit is None:
            return None
        return value < limit if self.side == "low" else value > limit


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        deadline_days=2,
        again_days=6,
        texts={
            "en": (
                "Clean your filter",
                "A clean filter keeps the water clear. Backwash or rinse yours, and empty the skimmer baskets.",
            ),
            "fr": (
                "Nettoyez votre filtre",
                "Un filtre propre garde une eau claire. Faites un contre-lavage ou un rinçage, et videz les paniers des skimmers.",
            ),
        },
    ),
    Rule(
        quantity="ph",
        side="high",
        deadline_days=1,
        again_days=3,
        texts={
            "en": (
                "The pH is too high",
                "The pH is {value:.1f}, above your limit of {limit:.1f}. With the filtration running, add pH minus in small doses, as its "
                "label says, and measure again after a few hours.",
            ),
            "fr": (
                "Le pH est trop haut",
                "Le pH est de {value:.1f}, au-dessus de votre limite de {limit:.1f}. Filtration en marche, ajoutez du pH moins par "
                "petites doses, selon son étiquette, et mesurez de nouveau après quelques heures.",
            ),
        },
    ),
    Rule(
        quantity="ph",
        side="low",
        deadline_days=1,
        again_days=3,
        texts={
            "en": (
                "The pH is too low",
                "The pH is {value:.1f}, below your limit of {limit:.1f}. Add pH plus with the filtration running.",
            ),
            "fr": (
                "Le pH est trop bas",
                "Le pH est de {value:.1f}, en dessous de votre limite de {limit:.1f}. Ajoutez du pH plus, filtration en marche.",
            ),
        },
    ),
    Rule(
        quantity="orp",
        side="low",
        deadline_days=1,
        again_days=3,
        texts={
            "en": (
                "The water lacks disinfectant",
                "The ORP is {value:.0f} mV, below your limit of {limit:.0f} mV. Check the pH first, then your disinfectant.",
            ),
            "fr": (
                "L’eau manque de désinfectant",
                "Le redox est de {value:.0f} mV, en dessous de votre limite de {limit:.0f} mV. Vérifiez d’abord le pH, puis votre désinfectant.",
            ),
        },
    ),
    Rule(
        quantity="orp",
        side="high",
        deadline_days=2,
        again_days=4,
        texts={
            "en": (
                "There is too much disinfectant",
                "The ORP is {value:.0f} mV, above your limit of {limit:.0f} mV. Reduce the dose and wait before bathing.",
            ),
            "fr": (
                "Il y a trop de désinfectant",
                "Le redox est de {value:.0f} mV, au-dessus de votre limite de {limit:.0f} mV. Réduisez la dose et attendez avant la baignade.",
            ),
        },
    ),
    Rule(
        quantity="salt",
        side="low",
        deadline_days=7,
        again_days=10,
        texts={
            "en": (
                "Add salt",
                "There are {value:.0f} mg/L of salt, below your limit of {limit:.0f} mg/L. Electrolysis makes too little chlorine with so little.",
            ),
            "fr": (
                "Ajoutez du sel",
                "Il y a {value:.0f} mg/L de sel, en dessous de votre limite de {limit:.0f} mg/L. L’électrolyse produit alors trop peu de chlore.",
            ),
        },
    ),
    Rule(
        quantity="tds",
        side="high",
        deadline_days=14,
        again_days=30,
        texts={
            "en": (
                "Renew a part of the water",
                "The dissolved solids are at {value:.0f} ppm, above your limit of {limit:.0f} ppm. Replace about a quarter of the water.",
            ),
            "fr": (
                "Renouvelez une partie de l’eau",
                "Les solides dissous sont à {value:.0f} ppm, au-dessus de votre limite de {limit:.0f} ppm. Remplacez environ un quart de l’eau.",
            ),
        },
    ),
    Rule(
        quantity="temperature",
        side="high",
        bound=WARM,
        kinds=("pool",),
        deadline_days=1,
        again_days=7,
        texts={
            "en": (
                "Filter longer",
                "The water is at {value:.0f} °C: filter about {hours:.0f} hours a day, by daylight.",
            ),
            "fr": (
                "Filtrez plus longtemps",
                "L’eau est à {value:.0f} °C : filtrez environ {hours:.0f} heures par jour, en journée.",
            ),
        },
    ),
    Rule(
        quantity="battery",
        side="low",
        bound=LOW_BATTERY,
        deadline_days=14,
        again_days=14,
        texts={
            "en": (
                "Charge your device",
                "Its battery is at {value:.0f} %. Bring it indoors and charge it for a night.",
            ),
            "fr": ("Rechargez votre appareil", "Sa batterie est à {value:.0f} %. Rentrez-le et rechargez-le une nuit."),
        },
    ),
)
"""The place of a rule is the last digit of the keys of what it recommended: add new ones at the end, at most ten."""
