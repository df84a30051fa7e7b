"""Between BAXO Connect's words and ours, both ways; pure.

`x_from` reads what the cloud sent and keeps what can be kept. `x_to` prints anything of ours, of whatever vendor, as BAXO would; what it
must invent for that is listed in docs/vendors/baxo.md.
"""

from __future__ import annotations

from margelle.vendors.baxo.translate.clock import Finding, PastTime, Said, WallClock, finding, offset_s
from margelle.vendors.baxo.translate.place import (
    contract_id,
    contract_to,
    device_to,
    ids_of,
    is_event,
    key_of,
    past_time,
    probe_from,
    remarks,
    site_from,
    with_finding,
)
from margelle.vendors.baxo.translate.tags import DeviceTags, Tag, Tags
from margelle.vendors.baxo.translate.value import log_from, log_to, row_from, row_to, said_from
from margelle.vendors.baxo.translate.words import EPOCH, VENDOR, instant_from, lines, seconds_to
from margelle.vendors.baxo.translate.zone import zone_from, zone_to

__all__ = [
    "EPOCH",
    "VENDOR",
    "DeviceTags",
    "Finding",
    "PastTime",
    "Said",
    "Tag",
    "Tags",
    "WallClock",
    "contract_id",
    "contract_to",
    "device_to",
    "finding",
    "ids_of",
    "instant_from",
    "is_event",
    "key_of",
    "lines",
    "log_from",
    "log_to",
    "offset_s",
    "past_time",
    "probe_from",
    "remarks",
    "row_from",
    "row_to",
    "said_from",
    "seconds_to",
    "site_from",
    "with_finding",
    "zone_from",
    "zone_to",
]
