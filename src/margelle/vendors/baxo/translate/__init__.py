"""Between BAXO Connect's words and ours, both ways; pure.

`x_from` reads what the cloud sent and keeps what can be kept. `x_to` prints anything of ours, of whatever vendor, as BAXO would; what it
must invent for that is listed in docs/vendors/baxo.md.
"""

from __future__ import annotations

from margelle.vendors.baxo.translate.place import (
    contract_id,
    contract_to,
    device_to,
    ids_of,
    is_event,
    key_of,
    probe_from,
    site_from,
)
from margelle.vendors.baxo.translate.tags import DeviceTags, Tag, Tags
from margelle.vendors.baxo.translate.value import log_from, log_to, row_from, row_to
from margelle.vendors.baxo.translate.words import EPOCH, VENDOR, instant_from, lines, seconds_to
from margelle.vendors.baxo.translate.zone import zone_from, zone_to

__all__ = [
    "EPOCH",
    "VENDOR",
    "DeviceTags",
    "Tag",
    "Tags",
    "contract_id",
    "contract_to",
    "device_to",
    "ids_of",
    "instant_from",
    "is_event",
    "key_of",
    "lines",
    "log_from",
    "log_to",
    "probe_from",
    "row_from",
    "row_to",
    "seconds_to",
    "site_from",
    "zone_from",
    "zone_to",
]
