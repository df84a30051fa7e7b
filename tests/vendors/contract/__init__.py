"""What every vendor promises, in one suite. A further vendor joins by its entry in `JOINED`."""

from __future__ import annotations

from typing import Final

import pytest

from tests.fourth.party import LILY
from tests.vendors.parties import PARTIES, Party

JOINED: Final[tuple[Party, ...]] = (*PARTIES, LILY)

EVERY_VENDOR = pytest.mark.parametrize("party", JOINED, ids=lambda party: party.name)
