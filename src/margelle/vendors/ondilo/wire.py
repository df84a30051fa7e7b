"""Ondilo's JSON in Ondilo's own words.

Each type cites its chapter of the vendor's "Customer API reference". Keys that a real cloud leaves out or sends as null beyond that document
are optional here.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

DataType = Literal["temperature", "ph", "orp", "salt", "tds", "battery", "rssi"]
Period = Literal["day", "week", "month"]

Number = int | float


class UserInfo(Struct):
    """User data, "User information"."""

    lastname: str | None = None
    firstname: str | None = None
    email: str | None = None


class UserUnits(Struct):
    """User data, "User units". The document has no `tds`; the cloud sends one."""

    conductivity: str | None = None
    hardness: str | None = None
    orp: str | None = None
    pressure: str | None = None
    salt: str | None = None
    speed: str | None = None
    temperature: str | None = None
    volume: str | None = None
    tds: str | None = None


class SecondaryDisinfection(Struct):
    """Pool/spa data, "List of pools/spas": disinfection.secondary."""

    uv_sanitizer: bool | None = None
    ozonator: bool | None = None


class Disinfection(Struct):
    """Pool/spa data, "List of pools/spas": disinfection. `primary` is chlorine, bromine or salt."""

    primary: str | None = None
    secondary: SecondaryDisinfection | None = None


class Address(Struct):
    """Pool/spa data, "List of pools/spas": address."""

    street: str | None = None
    zipcode: str | None = None
    city: str | None = None
    country: str | None = None
    latitude: Number | None = None
    longitude: Number | None = None


class Pool(Struct):
    """Pool/spa data, "List of pools/spas". `volume` is in cubic metres."""

    id: int
    name: str | None = None
    type: str | None = None
    volume: Number | None = None
    disinfection: Disinfection | None = None
    address: Address | None = None
    updated_at: str | None = None


class Device(Struct):
    """Pool/spa data, "Pool/spa device"."""

    uuid: str | None = None
    serial_number: str | None = None
    sw_version: str | None = None


class Configuration(Struct):
    """Pool/spa data, "Pool/spa configuration": limits in degrees Celsius, mV, mg/L (salt) and ppm (TDS); Monday is day 0."""

    temperature_low: Number | None = None
    temperature_high: Number | None = None
    ph_low: Number | None = None
    ph_high: Number | None = None
    orp_low: Number | None = None
    orp_high: Number | None = None
    salt_low: Number | None = None
    salt_high: Number | None = None
    tds_low: Number | None = None
    tds_high: Number | None = None
    pool_guy_number: str | None = None
    maintenance_day: int | None = None


class Share(Struct):
    """Pool/spa data, "Pool/spa shares"."""

    lastname: str | None = None
    firstname: str | None = None
    email: str | None = None
    shared_since: str | None = None


class Measure(Struct, kw_only=True):
    """Measures, "Last measure(s)" and "Set of measures". `value` stays as it was written: any JSON."""

    data_type: str
    value: Raw = Raw(b"null")
    value_time: str
    is_valid: bool | None = None
    exclusion_reason: str | None = None


class Recommendation(Struct):
    """Recommendations, "List active recommendations"."""

    id: int
    title: str | None = None
    message: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    status: str | None = None
    deadline: str | None = None


class TokenAnswer(Struct, omit_defaults=True):
    """The answer of the token endpoint (RFC 6749, 5.1); a refresh may leave the refresh token out."""

    access_token: str
    expires_in: Number | str | None = None
    token_type: str | None = None
    scope: str | None = None
    refresh_token: str | None = None
