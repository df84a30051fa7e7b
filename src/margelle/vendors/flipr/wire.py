"""Flipr's JSON in Flipr's own words.

Each type cites its chapter of the vendor's document ("Généralités" and the chapters after it, in French), or says that only other people's
programs show it. Numbers stay as they were written: any JSON.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType, field

NULL = Raw(b"null")

Sector = Literal["TooLow", "MediumLow", "Medium", "MediumHigh", "TooHigh"]


class Acidity(Struct, rename="pascal"):
    """ "Dernier relevé": PH. `deviation` is from the ideal value, and 1 or -1 where it becomes a problem."""

    label: str | None = None
    message: str | None = None
    deviation: Raw = NULL
    value: Raw = NULL
    deviation_sector: str | None = None


class Redox(Struct, rename="pascal"):
    """ "Dernier relevé": OxydoReductionPotentiel, in mV."""

    label: str | None = None
    value: Raw = NULL


class Conductivity(Struct, rename="pascal"):
    """ "Dernier relevé": Conductivity, in µS/cm; since 2021 the cloud has sent a `level` in words instead of the value."""

    label: str | None = None
    value: Raw | UnsetType = UNSET
    level: Raw | UnsetType = UNSET


class Battery(Struct, rename="pascal"):
    """ "Dernier relevé": Battery. `deviation` is its charge, from 0 to 1."""

    label: str | None = None
    deviation: Raw = NULL


class Disinfectant(Struct, rename="pascal"):
    """ "Dernier relevé": Desinfectant. `value`, in mg/L, is not in the document; the cloud has sent it since 2021."""

    label: str | None = None
    message: str | None = None
    deviation: Raw = NULL
    value: Raw | UnsetType = UNSET
    deviation_sector: str | None = None


class Measure(Struct, rename="pascal", kw_only=True):
    """ "Dernier relevé", and the entries of "Récupération de l'historique". `cloud_coverage` is a fraction."""

    measure_id: int | None = None
    date_time: str
    temperature: Raw | UnsetType = NULL
    ph: Acidity | None = field(name="PH", default=None)
    oxydo_reduction_potentiel: Redox | None = None
    conductivity: Conductivity | None = None
    uv_index: Raw = NULL
    cloud_coverage: Raw = NULL
    battery: Battery | None = None
    desinfectant: Disinfectant | None = None


class Statistics(Struct, rename="pascal", omit_defaults=True):
    """ "Récupération des statistiques": one quantity on one day, by its value, its deviation, or both."""

    label: str
    max_deviation: float | None = None
    min_deviation: float | None = None
    avg_deviation: float | None = None
    med_deviation: float | None = None
    max_value: float | None = None
    min_value: float | None = None
    avg_value: float | None = None
    med_value: float | None = None


class DayStatistics(Struct, rename="pascal", kw_only=True, omit_defaults=True):
    """ "Récupération des statistiques": one day. The document leaves out what is between PH and Date; the phone's app misspells one key."""

    temperature: Statistics | None = None
    ph: Statistics | None = field(name="PH", default=None)
    oxydo_reduction_potentiel: Statistics | None = None
    oxydo_recution_potential: Statistics | None = None
    conductivity: Statistics | None = None
    uv_index: Statistics | None = None
    cloud_coverage: Statistics | None = None
    battery: Statistics | None = None
    desinfectant: Statistics | None = None
    date: str


class Resume(Struct, rename="pascal"):
    """modules/{serial}/NewResume, undocumented. `current` is a measure, or an empty text where the probe sleeps or is not calibrated."""

    current: Raw = NULL
    last_week: list[Measure] | None = None


class CommercialType(Struct, rename="pascal"):
    """A module's CommercialType, undocumented."""

    id: int | None = None
    value: str | None = None


class Status(Struct, rename="pascal"):
    """A module's Status, undocumented."""

    comment: str | None = None
    date_time: str | None = None
    status: str | None = None


class Module(Struct, rename="pascal", kw_only=True):
    """An entry of /modules, undocumented. `module_type_id` is 1 for a probe and 2 for a pump's hub; datetimes have no zone."""

    is_suspended: bool | None = None
    status: Status | None = None
    serial: str
    sigfox_status: str | None = None
    is_for_spa: bool | None = None
    version: int | None = None
    last_measure_date_time: str | None = None
    commercial_type: CommercialType | None = None
    module_type_id: int | None = field(name="ModuleType_Id", default=None)
    is_subscription_valid: bool | None = None


class Pool(Struct, rename="pascal"):
    """modules/{serial}/pool, undocumented. `volume` is in cubic metres."""

    built_year: int | None = None
    private_name: str | None = None
    volume: int | float | None = None
    version: int | None = None


class PlaceModule(Struct, rename="pascal"):
    """A module or hub of a place, undocumented."""

    serial: str | None = None


class Place(Struct, rename="pascal"):
    """An entry of /place, undocumented."""

    id: int
    modules: list[PlaceModule] | None = None
    hubs: list[PlaceModule] | None = None


class ShortTerm(Struct, rename="pascal"):
    """modules/{serial}/shortterm, undocumented."""

    air_temperature: int | float | None = None
    water_state: str | None = None


class Limit(Struct, rename="pascal"):
    """One limit in modules/{serial}/Thresholds, undocumented; the owner's, or the default."""

    value: int | float | None
    is_default_value: bool


class Thresholds(Struct, rename="pascal", omit_defaults=True):
    """modules/{serial}/Thresholds, undocumented. `redox` and `temperature` are the lowest."""

    ph_min: Limit | None = None
    ph_max: Limit | None = None
    redox: Limit | None = None
    temperature: Limit | None = None
    temperature_max: Limit | None = None


class Alert(Struct, rename="pascal"):
    """An entry of place/{id}/allAlerts, undocumented. The phone's app reads a subtitle, other clients a message; `status` is 0 while it waits."""

    id: str
    title: str
    subtitle: str
    steps: list[str] = []
    status: int = 0
    message: str | UnsetType = UNSET
    date_time: str | UnsetType = UNSET


class HubState(Struct, rename="camel"):
    """hub/{serial}/state and mode, undocumented. `state_equipment` is 1 while the pump runs; `behavior` is auto, manual or planning."""

    state_equipment: Raw = NULL
    behavior: str | None = None
    planning: Raw = NULL
    internal_keep_alive: Raw = NULL
    message_mode_auto_filtration: Raw = NULL
    error_code: str | None = field(name="ErrorCode", default=None)
    error_message: str | None = field(name="ErrorMessage", default=None)


class TokenAnswer(Struct):
    """ "Récupération du token": the picture of the answer is lost; this is what clients read."""

    access_token: str
    token_type: str | None = None
    expires_in: int | float | str | None = None
    refresh_token: str | None = None
