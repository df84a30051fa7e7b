"""The catalogue: faults that happened, with where they were seen."""

from __future__ import annotations

from typing import Final

from margelle.simulate.faults.content import CONTENT
from margelle.simulate.faults.fault import Fault
from margelle.simulate.faults.service import SERVICE

CATALOGUE: Final[tuple[Fault, ...]] = (*SERVICE, *CONTENT)
