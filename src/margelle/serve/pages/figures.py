"""Numbers, units and times as people write them in their language."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from margelle.domain.state import HOURLY, late_after, silent_after
from margelle.domain.unit import Unit, symbol
from margelle.serve.held import Basis
from margelle.serve.pages.words import Language, Words

NO_BREAK: Final = "\u00a0"

_DAYS: Final = {
    "en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    "fr": ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
}
_SHORT_MONTHS: Final = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "fr": ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
}
_MONTHS: Final = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
}


def number(value: float, decimals: int, language: Language) -> str:
    """`value` rounded to `decimals` digits, with the language's decimal mark and, from 1 000 on, its thousands mark."""
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    if language == "fr":
        text = text.replace(",", NO_BREAK).replace(".", ",")
    return text.replace("-", "\u2212")


def as_written(raw: str, language: Language) -> str:
    """A number that somebody wrote with a decimal point, with all its digits, in the language's marks; what is no plain number stays as it is."""
    if not re.fullmatch(r"-?\d{1,12}(\.\d{1,9})?", raw):
        return raw
    return number(float(raw), len(raw.partition(".")[2]), language)


def with_unit(text: str, unit: Unit | str) -> str:
    """A number and its unit, which never stand on two lines."""
    return f"{text}{NO_BREAK}{symbol(unit)}" if symbol(unit) else text


def duty_of(words: Words, duty: float, by: Basis) -> str:
    """For how much of the time, or `by` readings for how many of those, something was on (0 to 1)."""
    percent = 100 * duty
    digits = 0 if percent >= 1 or not percent else 1  # of a little that is not nothing, one more
    return words(f"duty.{by}", part=with_unit(number(percent, digits, words.language), "%"))


def ago(at: datetime, now: datetime, words: Words) -> str:
    """How long before `now` it was."""
    minutes = math.floor((now - at).total_seconds() / 60)
    if minutes < -10:
        return words("ahead")
    if minutes < 1:
        return words("now")
    if minutes < 60:
        return words("ago.minutes", n=minutes)
    if minutes < 24 * 60:
        return words("ago.hours", n=minutes // 60)
    return words.count("ago.days", minutes // (24 * 60))


def freshness(at: datetime | None, now: datetime) -> str:
    """`fresh`, `stale`, `silent`, or `never`, of what is measured hourly."""
    if at is None:
        return "never"
    age = now - at
    if age >= silent_after(HOURLY):
        return "silent"
    return "stale" if age >= late_after(HOURLY) else "fresh"


def zone(name: str) -> ZoneInfo:
    """The time zone called `name`, or UTC if there is none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def clock_time(at: datetime, where: ZoneInfo, now: datetime, language: Language) -> str:
    """The time of day at the place, with the day where it is not today, and the zone's name: sites of one page may be in several."""
    here = at.astimezone(where)
    zone_name = here.tzname() or ""
    time = f"{here:%H:%M}{NO_BREAK}{zone_name if zone_name.isalpha() else f'UTC{zone_name}'}"
    if here.date() == now.astimezone(where).date():
        return time
    return f"{_DAYS[language][here.weekday()]} {day(at, where, language)}, {time}"


def day(at: datetime, where: ZoneInfo, language: Language, *, short: bool = False) -> str:
    """The day and month at the place, or in `short` the day of the week and of the month."""
    here = at.astimezone(where)
    if short:
        return f"{_DAYS[language][here.weekday()]}{NO_BREAK}{here.day}"
    of_month = "1er" if here.day == 1 and language == "fr" else str(here.day)
    return f"{of_month}{NO_BREAK}{_MONTHS[language][here.month - 1]}"


def date_of(at: datetime, where: ZoneInfo, language: Language) -> str:
    """The day, month and year at the place."""
    return f"{day(at, where, language)}{NO_BREAK}{at.astimezone(where).year}"


def moment(at: datetime, where: ZoneInfo, language: Language, *, year: bool = False) -> str:
    """The day and the time of day at the place, with the `year` too where that is not plain."""
    here = at.astimezone(where)
    date = date_of(at, where, language) if year else day(at, where, language)
    return f"{_DAYS[language][here.weekday()]} {date} {here:%H:%M}"


def short_month(at: datetime, language: Language) -> str:
    """The month's name as it is shortened."""
    return _SHORT_MONTHS[language][at.month - 1]


def bytes_of(count: int, language: Language) -> str:
    """So many bytes as people say it, in decimal units: `286.8 kB`."""
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if count >= 10**power:
            return f"{number(count / 10**power, 1, language)}{NO_BREAK}{_byte(unit, language)}"
    return f"{count}{NO_BREAK}{_byte('B', language)}"


def _byte(unit: str, language: Language) -> str:
    return unit.replace("B", "o") if language == "fr" else unit
