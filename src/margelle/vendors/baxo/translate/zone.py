"""Time zones as Windows shows them, in French or English, or by the names that it uses itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

_SHOWN: Final = re.compile(r"\(?(?:UTC|GMT)\s*(?:([+\u2212-])(\d{1,2}):?(\d\d)?)?\)?\s*(.*)", re.IGNORECASE)
_WINTER: Final = datetime(2024, 1, 1, tzinfo=UTC)
_SUMMER: Final = datetime(2024, 7, 1, tzinfo=UTC)
_LANGUAGES: Final = ("fr", "en")
_UTC: Final = {"", "utc", "gmt", "z", "temps universel coordonné", "coordinated universal time"}

DOCUMENTED: Final = "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris"
_TOGETHER: Final = {"Europe/Brussels", "Europe/Copenhagen", "Europe/Madrid", "Europe/Paris"}

# Shown by region, not by city.
_REGIONS: Final = {
    "est (é.-u. et canada)": "America/New_York",
    "eastern time (us & canada)": "America/New_York",
    "centre (é.-u. et canada)": "America/Chicago",
    "central time (us & canada)": "America/Chicago",
    "rocheuses (é.-u. et canada)": "America/Denver",
    "mountain time (us & canada)": "America/Denver",
    "pacifique (é.-u. et canada)": "America/Los_Angeles",
    "pacific time (us & canada)": "America/Los_Angeles",
    "heure de l’atlantique (canada)": "America/Halifax",
    "heure de l'atlantique (canada)": "America/Halifax",
    "atlantic time (canada)": "America/Halifax",
    "terre-neuve": "America/St_Johns",
    "newfoundland": "America/St_Johns",
    "indiana (est)": "America/Indiana/Indianapolis",
    "indiana (east)": "America/Indiana/Indianapolis",
    "basse-californie": "America/Tijuana",
    "baja california": "America/Tijuana",
    "afrique centrale - ouest": "Africa/Lagos",
    "west central africa": "Africa/Lagos",
}


def zone_from(text: str) -> str | None:
    """The IANA name of what a device calls its time zone; one of the same offset where only that is known, None where nothing is."""
    text = " ".join(text.split())
    if text.lower() in _UTC:
        return "UTC"
    if named := _windows().get(text) or _iana(text):
        return named
    shown = _SHOWN.fullmatch(text)
    if shown is None:
        return None
    sign, hours, minutes, where = shown.groups("0")
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign in {"-", "\u2212"} else 1)
    if where.lower() in _UTC and not offset:
        return "UTC"
    return _place(where, offset) or _by_offset(offset)


def zone_to(name: str) -> str:
    """An IANA name as Windows would show it; by its own city, where the document does not print the whole line."""
    if name in _TOGETHER:
        return DOCUMENTED
    offset = _standard(name)
    if name == "UTC" or offset is None:
        return "UTC"
    minutes = abs(int(offset.total_seconds())) // 60
    sign = "-" if offset < timedelta(0) else "+"
    return f"(UTC{sign}{minutes // 60:02}:{minutes % 60:02}) {name.rpartition('/')[2].replace('_', ' ')}"


def _place(where: str, offset: timedelta) -> str | None:
    """The zone of the first place named whose clock differs so from UTC in winter, as Windows counts."""
    if named := _REGIONS.get(where.lower()):
        return named
    places = re.split(r"[,;]", where)
    found = (name for place in places for name in _cities().get(_plainly(place), ()))
    return next((name for name in found if _standard(name) == offset), None)


def _by_offset(offset: timedelta) -> str | None:
    """A zone without summer time: its sign is the other way round, as POSIX has it."""
    hours, rest = divmod(int(offset.total_seconds()), 3600)
    if rest or not -12 <= hours <= 14:
        return None
    return f"Etc/GMT{-hours:+}" if hours else "UTC"


def _standard(name: str) -> timedelta | None:
    try:
        zone = ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None
    return min(at.astimezone(zone).utcoffset() or timedelta(0) for at in (_WINTER, _SUMMER))


def _iana(text: str) -> str | None:
    return text if _standard(text) is not None else None


def _plainly(city: str) -> str:
    return city.strip().casefold().replace("-", " ")


@cache
def _windows() -> dict[str, str]:
    """Windows' own names, such as "Romance Standard Time", by the Unicode consortium's table."""
    from babel.core import get_global  # noqa: PLC0415 - large, and only a discovery needs it

    return dict(get_global("windows_zone_mapping"))


@cache
def _cities() -> dict[str, tuple[str, ...]]:
    """IANA names by what a city is called in either language."""
    found: dict[str, list[str]] = {}
    for city, name in _named():
        found.setdefault(_plainly(city), []).append(name)
    return {city: tuple(names) for city, names in found.items()}


def _named() -> Iterator[tuple[str, str]]:
    from zoneinfo import available_timezones  # noqa: PLC0415

    from babel import Locale  # noqa: PLC0415

    names = sorted(available_timezones())
    tables = [Locale(language).time_zones for language in _LANGUAGES]
    for name in names:
        yield from ((table[name]["city"], name) for table in tables if "city" in table.get(name, {}))
        yield name.rpartition("/")[2].replace("_", " "), name
