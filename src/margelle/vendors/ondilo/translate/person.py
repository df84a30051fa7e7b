"""People, and what the vendor recommends them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from margelle.domain.site import Person, Recommendation, Site, User
from margelle.vendors.ondilo import wire
from margelle.vendors.ondilo.translate.words import time_or_none, time_to

DOCUMENTED_UNITS: Final[dict[str, str]] = {
    "conductivity": "MICRO_SIEMENS_PER_CENTI_METER",
    "hardness": "FRENCH_DEGREE",
    "orp": "MILLI_VOLT",
    "pressure": "HECTO_PASCAL",
    "salt": "GRAM_PER_LITER",
    "speed": "METER_PER_SECOND",
    "temperature": "CELSIUS",
    "volume": "CUBIC_METER",
    "tds": "PARTS_PER_MILLION",
}
"""The display units of a user who never chose any. The word for TDS is ours: the document has none."""


def person_from(info: wire.UserInfo, units: Mapping[str, str]) -> Person:
    """The account's owner, with every display unit that the cloud told, known to us or not."""
    return Person(info.firstname or "", info.lastname or "", info.email or "", dict(units))


def user_to(person: Person | User) -> wire.UserInfo:
    """The answer of user/info."""
    return wire.UserInfo(lastname=person.lastname, firstname=person.firstname, email=person.email)


def units_to(units: Mapping[str, str]) -> wire.UserUnits:
    """The answer of user/units: the words kept from a cloud, and the documented ones where there are none."""
    return wire.UserUnits(**{name: units.get(name) or word for name, word in DOCUMENTED_UNITS.items()})


def recommendation_from(said: wire.Recommendation, site: Site, now: datetime) -> Recommendation:
    """A recommendation in Ondilo's words. One without a readable date is of `now`."""
    created_at = time_or_none(said.created_at) or time_or_none(said.updated_at) or now
    return Recommendation(
        id=f"{site.id}/recommendation/{said.id}",
        site=site.id,
        key=str(said.id),
        title=said.title or "",
        message=said.message or "",
        created_at=created_at,
        updated_at=time_or_none(said.updated_at) or created_at,
        status=said.status or "waiting",
        deadline=time_or_none(said.deadline),
    )


def recommendation_to(recommendation: Recommendation, public_id: int) -> wire.Recommendation:
    """A recommendation of any vendor. Clients read the deadline as a date: where there is none it is the end of the day of creation."""
    created_at = recommendation.created_at
    midnight = created_at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    return wire.Recommendation(
        id=public_id,
        title=recommendation.title,
        message=recommendation.message,
        created_at=time_to(created_at),
        updated_at=time_to(recommendation.updated_at),
        status=recommendation.status,
        deadline=time_to(recommendation.deadline or midnight),
    )
