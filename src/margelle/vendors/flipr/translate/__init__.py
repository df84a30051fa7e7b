"""Between Flipr's words and ours, both ways; pure.

`x_from` reads what the cloud sent and never fails on a wrong value: it keeps what can be kept. `x_to` prints anything of ours, of
whatever vendor, as Flipr would; what it must invent for that is listed in docs/vendors/flipr.md.
"""

from __future__ import annotations

from margelle.vendors.flipr.translate.hub import (
    NO_HUB,
    hub_site_from,
    hub_to,
    manual_from,
    mode_from,
    not_a_hub,
    standing_from,
    standing_to,
    switch_from,
)
from margelle.vendors.flipr.translate.measure import (
    SHOWN,
    UNITS,
    View,
    disinfectant_from,
    measure_to,
    measurements_from,
    resume_to,
)
from margelle.vendors.flipr.translate.module import (
    ALWAYS,
    HUB,
    HUBS,
    PROBE,
    alert_to,
    module_to,
    place_to,
    pool_to,
    preferred_number,
    probe_from,
    serial_of,
    short_term_to,
    shows_itself,
    site_from,
    thresholds_to,
)
from margelle.vendors.flipr.translate.statistics import days_to, measures_to
from margelle.vendors.flipr.translate.words import DEVIATION, VENDOR, Language, time_to

__all__ = [
    "ALWAYS",
    "DEVIATION",
    "HUB",
    "HUBS",
    "NO_HUB",
    "PROBE",
    "SHOWN",
    "UNITS",
    "VENDOR",
    "Language",
    "View",
    "alert_to",
    "days_to",
    "disinfectant_from",
    "hub_site_from",
    "hub_to",
    "manual_from",
    "measure_to",
    "measurements_from",
    "measures_to",
    "mode_from",
    "module_to",
    "not_a_hub",
    "place_to",
    "pool_to",
    "preferred_number",
    "probe_from",
    "resume_to",
    "serial_of",
    "short_term_to",
    "shows_itself",
    "site_from",
    "standing_from",
    "standing_to",
    "switch_from",
    "thresholds_to",
    "time_to",
]
