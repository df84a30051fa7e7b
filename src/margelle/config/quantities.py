"""The quantities that an installation defines in its settings file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from margelle.domain.quantity import Catalogue, Quantity
from margelle.domain.unit import Unit
from margelle.errors import ConfigError


class _Free(Struct, forbid_unknown_fields=True):
    """A quantity that an installation defines, as it stands in the file."""

    unit: Unit
    low: float
    high: float
    sentence: str
    uri: str = ""
    decimals: int = 0


def free_quantities(tree: Any, file: Path) -> list[Quantity]:
    """The quantities that the table `quantities` of `file` defines. Raises ConfigError."""
    try:
        tables = msgspec.convert(tree, dict[str, Any])
        flat = dict(_tables(tables))
        return [
            Quantity(name=name, **msgspec.structs.asdict(_one_free(name, table, file))) for name, table in flat.items()
        ]
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: quantities is a table of tables: [quantities.name].") from error


def _tables(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The innermost tables by dotted name: `[quantities.plant.ozone]` is the quantity `plant.ozone`."""
    for key, value in tree.items():
        if isinstance(value, dict) and value and all(isinstance(inner, dict) for inner in value.values()):
            yield from _tables(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _one_free(name: str, table: Any, file: Path) -> _Free:
    try:
        return msgspec.convert(table, _Free)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{file}: quantities.{name}: {error}.",
            hint="It has unit (a UCUM code such as mg/L), low, high and sentence.",
        ) from error


def catalogue_with(free: list[Quantity], file: Path | None) -> Catalogue:
    """The standard quantities and `free`. Raises ConfigError."""
    try:
        return Catalogue(free)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}.") from error
