"""The ways in which vendors' clouds have failed, to be provoked by name, by chance or by script."""

from margelle.simulate.faults.catalogue import CATALOGUE
from margelle.simulate.faults.fault import Fault
from margelle.simulate.faults.faults import Choice, Faults
from margelle.simulate.faults.log import Entry, Log

__all__ = ["CATALOGUE", "Choice", "Entry", "Fault", "Faults", "Log"]
