"""Between Ondilo's words and ours, both ways; pure.

`x_from` reads what the cloud sent and never fails on a wrong value: it keeps what can be kept. `x_to` prints anything of ours, of
whatever vendor, as Ondilo would; what it must invent for that is listed in docs/vendors/ondilo.md.
"""

from __future__ import annotations

from margelle.vendors.ondilo.translate.measure import absence_to, measure_to, measurement_from, solids_of
from margelle.vendors.ondilo.translate.person import (
    DOCUMENTED_UNITS,
    person_from,
    recommendation_from,
    recommendation_to,
    units_to,
    user_to,
)
from margelle.vendors.ondilo.translate.pool import (
    bands_from,
    configuration_to,
    device_to,
    pool_to,
    probe_from,
    share_from,
    shares_to,
    site_from,
)
from margelle.vendors.ondilo.translate.words import (
    BY_QUANTITY,
    BY_TYPE,
    TERMS,
    VENDOR,
    Term,
    TimeProfile,
    legacy_order,
    time_from,
    time_to,
)

__all__ = [
    "BY_QUANTITY",
    "BY_TYPE",
    "DOCUMENTED_UNITS",
    "TERMS",
    "VENDOR",
    "Term",
    "TimeProfile",
    "absence_to",
    "bands_from",
    "configuration_to",
    "device_to",
    "legacy_order",
    "measure_to",
    "measurement_from",
    "person_from",
    "pool_to",
    "probe_from",
    "recommendation_from",
    "recommendation_to",
    "share_from",
    "shares_to",
    "site_from",
    "solids_of",
    "time_from",
    "time_to",
    "units_to",
    "user_to",
]
