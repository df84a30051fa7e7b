"""What is known of each vendor from outside: how its cloud answered somebody, and how its clients ask.

The pairs and the contract suite are parametrised over `PARTIES`; a further vendor joins both by its entry there.
"""

from __future__ import annotations

from typing import Final

from tests.vendors.parties.baxo import BAXO
from tests.vendors.parties.flipr import FLIPR
from tests.vendors.parties.ondilo import ONDILO
from tests.vendors.parties.party import Caller, Knock, Moment, Party

__all__ = ["BAXO", "FLIPR", "ONDILO", "PARTIES", "Caller", "Knock", "Moment", "Party"]

PARTIES: Final[tuple[Party, ...]] = (ONDILO, FLIPR, BAXO)
