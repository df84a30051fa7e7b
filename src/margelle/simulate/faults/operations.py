"""What clients ask of each vendor's cloud, by the paths below its prefix."""

from __future__ import annotations

from typing import Final

from margelle.simulate.faults.fault import Operation

_GET: Final = ("GET", "HEAD")
_BOTH: Final = ("GET", "HEAD", "POST")
_COMMAND: Final = ("PUT", "POST")
_API: Final = "/api/customer/v1"
_POOL: Final = f"{_API}/pools/[^/]+"
_MODULE: Final = "/modules/[^/]+"

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("ondilo", "authorize", _BOTH, "/oauth2/authorize"),
    Operation("ondilo", "token", ("POST",), "/oauth2/token"),
    Operation("ondilo", "user-info", _GET, f"{_API}/user/info"),
    Operation("ondilo", "user-units", _GET, f"{_API}/user/units"),
    Operation("ondilo", "pools", _GET, f"{_API}/pools"),
    Operation("ondilo", "device", _GET, f"{_POOL}/device"),
    Operation("ondilo", "configuration", _GET, f"{_POOL}/configuration"),
    Operation("ondilo", "shares", _GET, f"{_POOL}/shares"),
    Operation("ondilo", "lastmeasures", _GET, f"{_POOL}/lastmeasures"),
    Operation("ondilo", "measures", _GET, f"{_POOL}/measures"),
    Operation("ondilo", "recommendations", _GET, f"{_POOL}/recommendations"),
    Operation("ondilo", "validate", ("PUT",), f"{_POOL}/recommendations/[^/]+"),
    Operation("flipr", "token", _BOTH, "/oauth2/token"),
    Operation("flipr", "modules", _GET, "/modules"),
    Operation("flipr", "resume", _GET, f"{_MODULE}/NewResume"),
    Operation("flipr", "last", _GET, f"{_MODULE}/survey/last"),
    Operation("flipr", "hours", _GET, f"{_MODULE}/survey/LastHours/[^/]+"),
    Operation("flipr", "days", _GET, f"{_MODULE}/survey/statsPerDays/[^/]+"),
    Operation("flipr", "pool", _GET, f"{_MODULE}/pool"),
    Operation("flipr", "short-term", _GET, f"{_MODULE}/shortterm"),
    Operation("flipr", "thresholds", _GET, f"{_MODULE}/Thresholds"),
    Operation("flipr", "place", _GET, "/place"),
    Operation("flipr", "alerts", _GET, "/place/[^/]+/allAlerts"),
    Operation("flipr", "hub-state", _GET, "/hub/[^/]+/state"),
    Operation("flipr", "hub-mode", _COMMAND, "/hub/[^/]+/mode/[^/]+"),
    Operation("flipr", "hub-pump", _COMMAND, "/hub/[^/]+/(manual|state)/[^/]+"),
    Operation("baxo", "contracts", _BOTH, "/k1", "contracts"),
    Operation("baxo", "devices", _BOTH, "/k1", "devices"),
    Operation("baxo", "device", _BOTH, "/k1", "device"),
    Operation("baxo", "realtimes", _BOTH, "/k1", "devices-realtimes"),
    Operation("baxo", "historics", _BOTH, "/k1", "devices-historics"),
    Operation("baxo", "write", _BOTH, "/k1", "devices-tags-write"),
)


def operation_of(vendor: str, method: str, path: str, get: str = "") -> Operation | None:
    """The operation that a request is of; None for whatever else is asked."""
    of_vendor = (one for one in OPERATIONS if one.vendor == vendor)
    return next((one for one in of_vendor if one.fits(method, path, get if one.get else "")), None)


def names(vendor: str, *but: str) -> tuple[str, ...]:
    """All of a vendor's operations, without some."""
    return tuple(one.name for one in OPERATIONS if one.vendor == vendor and one.name not in but)
