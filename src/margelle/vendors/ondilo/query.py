"""What a client asks for in a query: types and period of measures, in every spelling that clients use."""

from __future__ import annotations

import re
from typing import Final, get_args

from margelle.errors import BadInput
from margelle.vendors.form import pairs
from margelle.vendors.ondilo.translate import BY_TYPE
from margelle.vendors.ondilo.wire import DataType, Period

_TYPES: Final = re.compile(r"types(\[\d{0,4}\])?")
_PERIODS: Final[tuple[Period, ...]] = get_args(Period)


def types(query: str) -> list[DataType]:
    """The types that `lastmeasures` is asked for, each once and in the order asked; empty where none is named.

    Spelt `types[]=a&types[]=b`, `types[0]=a&types[1]=b`, `types=a&types=b` or `types=a,b`. Raises BadInput for a type that the
    document does not allow.
    """
    named = (word for name, value in pairs(query) if _TYPES.fullmatch(name) for word in value.split(","))
    return list(dict.fromkeys(_type(word.strip()) for word in named if word.strip()))


def type_and_period(query: str) -> tuple[DataType, Period]:
    """What `measures` is asked for. Raises BadInput where one of the two is missing, repeated or not allowed."""
    given = pairs(query)
    period = _single(given, "period")
    if period not in _PERIODS:
        raise BadInput(f"The period '{period[:40]}' is not one of {', '.join(_PERIODS)}.")
    return _type(_single(given, "type")), period


def _single(given: list[tuple[str, str]], name: str) -> str:
    values = [value for key, value in given if key == name]
    if len(values) != 1:
        raise BadInput(f"The parameter '{name}' must be specified{' only' if values else ''} once.")
    return values[0]


def _type(word: str) -> DataType:
    if word not in BY_TYPE:
        raise BadInput(f"The type '{word[:40]}' is not one of {', '.join(BY_TYPE)}.")
    return BY_TYPE[word].data_type
