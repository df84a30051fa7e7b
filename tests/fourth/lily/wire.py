"""Lily's JSON in Lily's own words. Each type cites its chapter of "Lily Cloud API, version 1" (tests/fourth/lily.md)."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

NULL = Raw(b"null")

Sensor = Literal["water_f", "ph", "redox_v", "salt_gl", "battery"]


class Problem(Struct):
    """1 General: an error."""

    code: str
    detail: str


class Key(Struct):
    """2 A key: the answer."""

    api_key: str


class Buoy(Struct):
    """3 The buoys: an entry."""

    id: int
    label: str | None = None
    litres: int | float | None = None
    treatment: str | None = None
    firmware: str | None = None


class Sample(Struct):
    """4 The samples of a buoy: an entry. What a sensor said stays as it was written: any JSON."""

    t: int
    water_f: Raw = NULL
    ph: Raw = NULL
    redox_v: Raw = NULL
    salt_gl: Raw = NULL
    battery: Raw = NULL
    flags: list[str] | None = None
