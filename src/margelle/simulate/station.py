"""Industrial water: stations whose instruments report through BAXO Connect. Simple and regular, on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import pi, sin
from random import Random
from typing import Final

from msgspec import Struct

from margelle.simulate.chance import stream

PARIS: Final = "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris"


class Signal(Struct, frozen=True):
    """What one instrument reports under a tag: a mean that swings by day and by year, and noise; all in the tag's own unit."""

    reference: str
    mean: float
    by_day: float = 0.0
    by_year: float = 0.0
    noise: float = 0.0
    decimals: int = 0


class Contract(Struct, frozen=True):
    """Under which its devices stand at BAXO Connect."""

    id: str
    reference: str
    company: str
    details: str
    email: str


class Station(Struct, frozen=True):
    """A device at BAXO Connect: instruments that report every hour, and an `event` that comes (1) and goes (0) once a day."""

    key: str
    name: str
    details: str
    contract: Contract
    signals: tuple[Signal, ...]
    event: str
    vendor: str = "baxo"
    timezone: str = PARIS
    time_zone: str = "Europe/Paris"

    def day(self, seed: str, day: date) -> Iterator[tuple[datetime, str, str]]:
        """The instant, tag and text of all that it reports on a day (UTC), in order of the instants."""
        dice = [stream(seed, self.key, signal.reference, day.toordinal()) for signal in self.signals]
        starts, lasts = _event(stream(seed, self.key, self.event, day.toordinal()))
        minute = stream(seed, self.key, "minute").randrange(50)
        midnight = datetime.combine(day, time(), UTC)
        for hour in range(24):
            at = midnight + timedelta(hours=hour, minutes=minute)
            for signal, luck in zip(self.signals, dice, strict=True):
                yield at, signal.reference, _text(signal, at, luck)
            if hour in {starts, starts + lasts}:
                yield at + timedelta(minutes=5), self.event, "1" if hour == starts else "0"


def _event(dice: Random) -> tuple[int, int]:
    return dice.randrange(1, 16), dice.randrange(1, 8)


def _text(signal: Signal, at: datetime, dice: Random) -> str:
    day = sin(2 * pi * (at.hour - 9) / 24)
    year = sin(2 * pi * (at.timetuple().tm_yday - 110) / 365)
    value = signal.mean + signal.by_day * day + signal.by_year * year + dice.gauss(0, signal.noise)
    return f"{value:.{signal.decimals}f}"


def _signals(level: float, flow: float, ph: float, conductivity: float, redox: float) -> tuple[Signal, ...]:
    """Metres, m3/h, pH, µS/cm and mV."""
    return (
        Signal("NIVEAU", level, level * 0.12, level * 0.08, 0.02, 2),
        Signal("DEBIT", flow, flow * 0.35, flow * 0.15, flow * 0.03, 1),
        Signal("PH", ph, 0.05, 0.1, 0.02, 2),
        Signal("CONDUCTIVITE", conductivity, conductivity * 0.01, conductivity * 0.06, conductivity * 0.005, 0),
        Signal("REDOX", redox, 8, 20, 4, 0),
    )


REGIE: Final = Contract(
    "7a1f64c2-9d0e-4a55-8f3b-20c6e1d4b901",
    "RE001",
    "Régie des eaux du Val",
    "Production et stockage d'eau potable",
    "exploitation@regie.example",
)
TEINTURE: Final = Contract(
    "c35b8d17-61fa-4f0e-b2a9-84e07f5d3a62",
    "TE014",
    "Teinturerie Lantier",
    "Traitement des effluents",
    "hse@lantier.example",
)

STATIONS: Final[tuple[tuple[Station, ...], ...]] = (
    (
        Station("3304418725", "Réservoir du Deven", "500 m3, semi-enterré", REGIE, _signals(3.1, 42, 7.6, 520, 690), "POMPE_1"),
        Station("3304418731", "Forage de la Touloubre", "Tête de forage, 85 m", REGIE, _signals(12.4, 58, 7.3, 640, 310), "POMPE_1"),
        Station("14920", "Fosse de neutralisation", "Acide et soude, deux cuves", TEINTURE, _signals(1.8, 12, 7.9, 2900, 240), "ALARME_PH"),
        Station("14921", "Bassin tampon", "Avant rejet, canal venturi", TEINTURE, _signals(2.2, 18, 7.7, 2100, 280), "ALARME_NIVEAU"),
    ),
)  # fmt: skip
"""The stations of the first user of a cloud, of the second, and so on."""
